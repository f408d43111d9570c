// Measures of a container from its v1 folders. A controller that is not there leaves its part at zero.
#include "base/text.h"
#include "cgroup/stats.h"
#include "cgroup/v1.h"

#include <limits>

#include <unistd.h>

namespace bulkhead::cgroup {

namespace {

std::string text_of(GroupFolder const& group, std::string const& file)
{
    auto text = group.read(file.c_str());
    return text.is_ok() ? text.release_value() : std::string();
}

std::uint64_t number_of(GroupFolder const& group, std::string const& file)
{
    return group.number(file.c_str()).value_or(0);
}

void read_cpuacct(GroupFolder const& group, CpuStats& cpu)
{
    cpu.total = number_of(group, "cpuacct.usage");
    cpu.per_cpu = parse_numbers(text_of(group, "cpuacct.usage_percpu"));
    auto ticks = parse_keyed(text_of(group, "cpuacct.stat"));
    auto per_second = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
    constexpr std::uint64_t nanoseconds = 1000000000;
    cpu.user = ticks["user"] * (nanoseconds / per_second);
    cpu.kernel = ticks["system"] * (nanoseconds / per_second);
    auto all = text_of(group, "cpuacct.usage_all"); // "cpu user system"
    for (auto line : split(all, '\n')) {
        auto numbers = parse_numbers(line);
        if (numbers.size() != 3)
            continue;
        cpu.per_cpu_user.push_back(numbers[1]);
        cpu.per_cpu_kernel.push_back(numbers[2]);
    }
}

void read_throttling(GroupFolder const& group, CpuStats& cpu)
{
    auto numbers = parse_keyed(text_of(group, "cpu.stat"));
    cpu.periods = numbers["nr_periods"];
    cpu.throttled_periods = numbers["nr_throttled"];
    cpu.throttled_time = numbers["throttled_time"];
}

MemoryEntry memory_entry(GroupFolder const& group, std::string const& prefix)
{
    return { .limit = number_of(group, prefix + "limit_in_bytes"),
        .usage = number_of(group, prefix + "usage_in_bytes"),
        .max = number_of(group, prefix + "max_usage_in_bytes"),
        .failures = number_of(group, prefix + "failcnt") };
}

void read_memory(GroupFolder const& group, MemoryStats& memory)
{
    memory.raw = parse_keyed(text_of(group, "memory.stat"));
    if (auto cache = memory.raw.find("cache"); cache != memory.raw.end())
        memory.cache = cache->second;
    memory.usage = memory_entry(group, "memory.");
    memory.swap = memory_entry(group, "memory.memsw.");
    memory.kernel = memory_entry(group, "memory.kmem.");
    memory.kernel_tcp = memory_entry(group, "memory.kmem.tcp.");
}

void read_block_io(GroupFolder const& group, Stats& stats)
{
    struct Row {
        char const* name;
        char const* file;
    };
    static constexpr Row rows[] = {
        { "ioServiceBytesRecursive", "io_service_bytes_recursive" },
        { "ioServicedRecursive", "io_serviced_recursive" },
        { "ioQueueRecursive", "io_queued_recursive" },
        { "ioServiceTimeRecursive", "io_service_time_recursive" },
        { "ioWaitTimeRecursive", "io_wait_time_recursive" },
        { "ioMergedRecursive", "io_merged_recursive" },
        { "ioTimeRecursive", "time_recursive" },
        { "sectorsRecursive", "sectors_recursive" },
    };
    // Whichever part of the block layer counts here: BFQ, CFQ before Linux 5.0, else the throttling code.
    for (std::string prefix : { "blkio.bfq.", "blkio.", "blkio.throttle." }) {
        if (parse_block_io(text_of(group, prefix + "io_serviced_recursive")).empty())
            continue;
        for (auto const& [name, file] : rows)
            stats.block_io[name] = parse_block_io(text_of(group, prefix + file));
        return;
    }
}

void read_cpuset(GroupFolder const& group, Stats& stats)
{
    stats.cpuset_cpus = parse_list(text_of(group, "cpuset.cpus"));
    stats.cpuset_mems = parse_list(text_of(group, "cpuset.mems"));
    for (auto const* name : { "cpu_exclusive", "mem_hardwall", "mem_exclusive", "memory_migrate", "memory_spread_page", "memory_spread_slab",
             "memory_pressure", "sched_load_balance", "sched_relax_domain_level" })
        stats.cpuset_flags[name] = parse_number<std::int64_t>(text_of(group, std::string("cpuset.") + name)).value_or(0);
}

void read_hugetlb(GroupFolder const& group, Stats& stats)
{
    for (auto const& size : huge_page_sizes()) {
        auto prefix = "hugetlb." + size + ".";
        if (group.has((prefix + "rsvd.usage_in_bytes").c_str()))
            prefix += "rsvd.";
        stats.hugetlb[size] = memory_entry(group, prefix);
    }
}

} // namespace

Result<std::string> v1_stats_json(V1Cgroup const& cgroup)
{
    Stats stats;
    if (auto group = cgroup.find_folder("cpuacct"))
        read_cpuacct(*group, stats.cpu);
    if (auto group = cgroup.find_folder("cpu"))
        read_throttling(*group, stats.cpu);
    if (auto group = cgroup.find_folder("memory"))
        read_memory(*group, stats.memory);
    if (auto group = cgroup.find_folder("pids")) {
        stats.pids_current = number_of(*group, "pids.current");
        auto limit = number_of(*group, "pids.max");
        stats.pids_limit = limit == std::numeric_limits<std::uint64_t>::max() ? 0 : limit;
    }
    if (auto group = cgroup.find_folder("blkio"))
        read_block_io(*group, stats);
    if (auto group = cgroup.find_folder("cpuset"))
        read_cpuset(*group, stats);
    if (auto group = cgroup.find_folder("hugetlb"))
        read_hugetlb(*group, stats);
    return stats.json();
}

} // namespace bulkhead::cgroup
