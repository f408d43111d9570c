#include "bench/statistics.h"

#include <algorithm>
#include <cstddef>

namespace bulkhead::bench {

Spread spread_of(std::vector<double> numbers)
{
    if (numbers.empty())
        return {};
    std::sort(numbers.begin(), numbers.end());
    auto count = numbers.size();
    auto middle = count % 2 == 1 ? numbers[count / 2] : (numbers[count / 2 - 1] + numbers[count / 2]) / 2;
    auto rank = (count * 9 + 9) / 10; // the smallest number that 90 % do not exceed
    return { .median = middle, .min = numbers.front(), .p90 = numbers[rank - 1] };
}

} // namespace bulkhead::bench
