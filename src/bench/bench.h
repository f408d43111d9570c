// How quickly containers start, by this runtime and by others, on this machine.
#pragma once

#include "base/result.h"
#include "bench/results.h"

#include <functional>
#include <string>
#include <vector>

namespace bulkhead::bench {

struct RuntimeChoice {
    std::string name;
    std::string path; // absolute; empty: it was not found
};

struct StartOptions {
    std::vector<RuntimeChoice> runtimes; // the first one is what the others are compared with
    std::string bundle; // empty: our own, as Docker would make it
    unsigned runs = 50;
    unsigned rounds = 5; // of containers in parallel
    unsigned parallel = 100;
    bool measures_run = true;
    bool measures_parallel = true;
    bool measures_exec = true;
    std::function<void(std::string const&)> on_progress;
};

// Needs root. What one runtime cannot do is noted with it; everything made is removed, also after an interrupt.
Result<Results> measure_starts(StartOptions const&);

// NAME in $PATH and the usual folders for programs of root; empty when it is nowhere.
std::string find_program(std::string const& name);

} // namespace bulkhead::bench
