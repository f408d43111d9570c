// A program run to its end: fed on standard input, its output kept up to a bound, killed when its time is up. Hooks are
// run this way in the runtime's namespaces and, by an isolation, inside the container's.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bulkhead::host {

struct ProgramRun {
    std::string path; // with a slash it is taken as it is; else looked up in PATH
    std::vector<std::string> args = {}; // argv, the program's own name included; empty: just the path
    std::vector<std::string> env = {}; // exactly this, nothing of ours
    std::string_view input = {}; // standard input
    std::string working_directory = {}; // empty: ours; "/" when it cannot be entered
    std::optional<std::int64_t> timeout_ms = {};
    std::size_t output_limit = 64UL * 1024; // what comes beyond is read and thrown away
    bool keep_errors = true; // standard error is kept with the output; else it stays ours
};

struct ProgramEnd {
    std::string output;
    bool output_was_cut = false;
    bool timed_out = false; // and was killed for it
    int exit_status = 0;
    int signal = 0; // that ended it; 0: it exited
    bool succeeded() const { return !timed_out && signal == 0 && exit_status == 0; }
    // "exit status 3", "killed by signal 11", "timed out"
    std::string description() const;
};

// An error only when the program could not be run at all; how it ended is for the caller to judge.
Result<ProgramEnd> run_program(ProgramRun const&);

// A hook of config.json. host/ does not know the specification's structs, hence this one.
struct HookProgram {
    std::string path;
    std::vector<std::string> args;
    std::vector<std::string> env;
    std::optional<std::int32_t> timeout_seconds;
    std::string working_directory = {};
};

// Any end but exit status 0 is an error that quotes what the hook said.
Result<Unit> run_hook(HookProgram const&, std::string_view state_json);

} // namespace bulkhead::host
