// What was measured, and how it is shown.
#pragma once

#include "bench/statistics.h"

#include <optional>
#include <string>
#include <vector>

namespace bulkhead::bench {

// One run of one command.
struct Sample {
    double wall_ms = 0;
    double user_ms = 0;
    double system_ms = 0;
    double peak_kib = 0;
};

using Series = std::vector<Sample>;

struct RuntimeResult {
    std::string name;
    std::string path;
    std::string trouble; // why a part or all of it was not measured; empty: all is well
    Series run;
    Series exec;
    std::vector<double> parallel_ms; // a whole round each
};

struct Results {
    std::string kernel;
    unsigned processors = 0;
    std::string cgroups;
    unsigned parallel_count = 0;
    std::vector<RuntimeResult> runtimes; // the first one is what the others are compared with
    Series floor; // `run` by a straight list of system calls
    std::vector<std::string> notes;
};

struct SeriesSummary {
    Spread wall_ms;
    Spread cpu_ms; // user and system together: the kernel knows the sum exactly
    double kernel_part = 0; // of all CPU time of the series: split by ticks, so only many runs together say something
    Spread peak_kib;
};
SeriesSummary summary_of(Series const&);

std::string as_table(Results const&);
std::string as_markdown(Results const&);
std::string as_json(Results const&);

} // namespace bulkhead::bench
