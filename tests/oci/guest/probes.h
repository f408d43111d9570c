// Small trials: open, write, make a node, call a system call, use memory, and so on; each answers with one JSON object.
#pragma once

#include "guest/facts.h"

#include <string_view>

namespace guest {

// "kind:argument:argument": {"probe": ..., "ok": bool, "errno": number, ...}.
Json run_probe(std::string_view probe);

} // namespace guest
