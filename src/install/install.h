// Making engines know this runtime, and forget it again.
#pragma once

#include "base/result.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bulkhead::install {

enum class Engine { docker, podman, containerd };
std::optional<Engine> engine_by_name(std::string_view);

struct Request {
    Engine engine = Engine::docker;
    std::vector<std::string> isolations; // of this version; the first one needs no name of its own
    std::string config_path; // empty: the engine's usual place
    std::string binary_path; // empty: this very program, copied to PREFIX/bin where it is not installed yet
    std::string own_program; // this very program
    std::string prefix = "/usr/local";
    bool only_say = false; // --dry-run
    bool reload = false;
};

// What was done, or would be, line by line, and what is left to do.
struct Outcome {
    std::vector<std::string> done;
    std::vector<std::string> next;
};

Result<Outcome> install(Request const&);
Result<Outcome> uninstall(Request const&);

} // namespace bulkhead::install
