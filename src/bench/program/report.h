// What the program's `measure` mode writes to its report descriptor.
#pragma once

#include <cstdint>

namespace bulkhead::bench::program {

struct Report {
    std::int64_t wall_nanoseconds;
    std::int64_t user_microseconds; // of the command and all children it waited for
    std::int64_t system_microseconds;
    std::int64_t peak_kibibytes; // of the largest of them
    std::int32_t wait_status;
    std::int32_t reserved;
};
static_assert(sizeof(Report) == 40);

} // namespace bulkhead::bench::program
