// Every demand of the OCI runtime specification on a Linux runtime, numbered. The numbers are stable: add, never renumber.
#pragma once

#include <span>
#include <string_view>

namespace conformance {

// must: MUST, MUST NOT, REQUIRED. should: SHOULD, SHOULD NOT. may: optional, judged only where the runtime offers it.
// engine: not in the specification, but Docker, Podman, containerd or CRI-O rely on it.
enum class Level { must, should, may, engine };

struct Requirement {
    std::string_view number; // "R-6.12"
    Level level;
    std::string_view since; // the version of the specification that first asks for it
    std::string_view section; // "config.md, process"
    std::string_view text; // in our own words
    std::string_view no_test = {}; // why no test can see it from outside; empty when a test does
};

std::span<Requirement const> all_requirements();
Requirement const* find_requirement(std::string_view number);
std::string_view level_name(Level level);

} // namespace conformance
