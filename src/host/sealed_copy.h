// The runtime run again from a sealed copy of its own file in memory.
#pragma once

#include "base/result.h"

namespace bulkhead::host {

// Executes this program again, with the same arguments and environment, from a sealed memfd; returns at once where that
// has already happened. For the rare cases in which somebody hostile could look at this process's /proc/PID/exe before
// the init stage has taken its place: nothing that is to survive may have been done yet. Costs about a millisecond.
Result<Unit> run_from_sealed_copy();

} // namespace bulkhead::host
