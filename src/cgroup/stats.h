// A container's measures in the shape that runc prints, whatever the cgroup version; and readers of the kernel's formats.
#pragma once

#include "base/json.h"
#include "cgroup/group_folder.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace bulkhead::cgroup {

using Numbers = std::vector<std::uint64_t>;

struct Pressure {
    struct Line {
        double average_10 = 0;
        double average_60 = 0;
        double average_300 = 0;
        std::uint64_t total = 0;
    };
    Line some;
    Line full;
};

struct CpuStats { // nanoseconds
    std::uint64_t total = 0;
    std::uint64_t kernel = 0;
    std::uint64_t user = 0;
    Numbers per_cpu;
    Numbers per_cpu_kernel;
    Numbers per_cpu_user;
    std::uint64_t periods = 0;
    std::uint64_t throttled_periods = 0;
    std::uint64_t throttled_time = 0;
    std::optional<Pressure> pressure;
};

struct MemoryEntry {
    std::uint64_t limit = 0;
    std::uint64_t usage = 0;
    std::uint64_t max = 0;
    std::uint64_t failures = 0;
};

struct MemoryStats {
    std::uint64_t cache = 0;
    MemoryEntry usage;
    MemoryEntry swap; // memory and swap together
    MemoryEntry kernel;
    MemoryEntry kernel_tcp;
    std::map<std::string, std::uint64_t> raw;
    std::optional<Pressure> pressure;
};

struct BlockIoEntry {
    std::uint64_t major = 0;
    std::uint64_t minor = 0;
    std::string operation;
    std::uint64_t value = 0;
};

struct Stats {
    CpuStats cpu;
    MemoryStats memory;
    std::uint64_t pids_current = 0;
    std::uint64_t pids_limit = 0; // 0: none
    std::map<std::string, std::vector<BlockIoEntry>> block_io; // by runc's names: "ioServicedRecursive"
    std::optional<Pressure> block_io_pressure;
    std::map<std::string, MemoryEntry> hugetlb; // by page size
    Numbers cpuset_cpus;
    Numbers cpuset_mems;
    std::map<std::string, std::int64_t> cpuset_flags; // by runc's names: "cpu_exclusive"

    std::string json() const;
};

// "key value" lines.
std::map<std::string, std::uint64_t> parse_keyed(std::string_view text);
// "1 2 3".
Numbers parse_numbers(std::string_view text);
// "0-2,5" is 0, 1, 2, 5. At most a few thousand, whatever the text says.
Numbers parse_list(std::string_view text);
// "some avg10=0.00 avg60=0.00 avg300=0.00 total=0" and "full ...".
Pressure parse_pressure(std::string_view text);
// "8:0 Read 4096" lines of v1.
std::vector<BlockIoEntry> parse_block_io(std::string_view text);
// "2MB", "1GB": what /sys/kernel/mm/hugepages has, as the cgroup files spell it.
std::vector<std::string> huge_page_sizes();

} // namespace bulkhead::cgroup
