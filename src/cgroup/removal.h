// Removing folders that the kernel may still hold for a moment.
#pragma once

#include "base/result.h"

#include <string>
#include <vector>

namespace bulkhead::cgroup {

// Removes each folder with everything below it, waiting up to about two seconds in all while processes vanish.
// A folder that is gone counts as removed.
Result<Unit> remove_patiently(std::vector<std::string> const& absolute_folders);

} // namespace bulkhead::cgroup
