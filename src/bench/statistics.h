// Middle, best and tail of a row of numbers.
#pragma once

#include <vector>

namespace bulkhead::bench {

struct Spread {
    double median = 0;
    double min = 0;
    double p90 = 0;
};

// Nearest rank; all zero for no numbers.
Spread spread_of(std::vector<double> numbers);

} // namespace bulkhead::bench
