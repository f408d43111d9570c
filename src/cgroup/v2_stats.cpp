// Measures of a container from its v2 folder, in the members that runc fills from v2.
#include "base/text.h"
#include "cgroup/stats.h"
#include "cgroup/v2.h"

#include <limits>

namespace bulkhead::cgroup {

namespace {

constexpr auto no_limit = std::numeric_limits<std::uint64_t>::max();

std::string text_of(GroupFolder const& group, std::string const& file)
{
    auto text = group.read(file.c_str());
    return text.is_ok() ? text.release_value() : std::string();
}

std::optional<Pressure> pressure_of(GroupFolder const& group, char const* file)
{
    auto text = group.read(file);
    if (text.is_error() || text.value().empty()) // EOPNOTSUPP where the kernel booted with psi=0
        return std::nullopt;
    return parse_pressure(text.value());
}

void read_cpu(GroupFolder const& group, CpuStats& cpu)
{
    auto numbers = parse_keyed(text_of(group, "cpu.stat"));
    cpu.total = numbers["usage_usec"] * 1000;
    cpu.user = numbers["user_usec"] * 1000;
    cpu.kernel = numbers["system_usec"] * 1000;
    cpu.periods = numbers["nr_periods"];
    cpu.throttled_periods = numbers["nr_throttled"];
    cpu.throttled_time = numbers["throttled_usec"] * 1000;
    cpu.pressure = pressure_of(group, "cpu.pressure");
}

MemoryEntry memory_entry(GroupFolder const& group, std::string const& prefix)
{
    MemoryEntry entry;
    entry.usage = group.number((prefix + "current").c_str()).value_or(0);
    entry.limit = group.number((prefix + "max").c_str()).value_or(0);
    entry.max = group.number((prefix + "peak").c_str()).value_or(0); // Linux 5.19
    return entry;
}

void read_memory(GroupFolder const& group, MemoryStats& memory)
{
    memory.raw = parse_keyed(text_of(group, "memory.stat"));
    if (auto file = memory.raw.find("file"); file != memory.raw.end())
        memory.cache = file->second;
    memory.usage = memory_entry(group, "memory.");
    memory.swap = memory_entry(group, "memory.swap.");
    // v1, whose shape this is, counts memory and swap together.
    memory.swap.usage += memory.usage.usage;
    if (memory.swap.limit != no_limit)
        memory.swap.limit = memory.usage.limit == no_limit ? no_limit : memory.swap.limit + memory.usage.limit;
    memory.swap.max = 0;
    memory.pressure = pressure_of(group, "memory.pressure");
}

// "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6"
void read_io(GroupFolder const& group, Stats& stats)
{
    struct Row {
        std::string_view key;
        char const* list;
        char const* operation;
    };
    static constexpr Row rows[] = {
        { "rbytes", "ioServiceBytesRecursive", "Read" },
        { "wbytes", "ioServiceBytesRecursive", "Write" },
        { "rios", "ioServicedRecursive", "Read" },
        { "wios", "ioServicedRecursive", "Write" },
        { "dbytes", "ioServiceBytesRecursive", "Discard" },
        { "dios", "ioServicedRecursive", "Discard" },
    };
    auto text = text_of(group, "io.stat");
    for (auto line : split(text, '\n')) {
        auto words = split(line, ' ');
        auto colon = words[0].find(':');
        if (colon == std::string_view::npos)
            continue;
        BlockIoEntry entry;
        entry.major = parse_number<std::uint64_t>(words[0].substr(0, colon)).value_or(0);
        entry.minor = parse_number<std::uint64_t>(words[0].substr(colon + 1)).value_or(0);
        for (auto word : words) {
            auto equals = word.find('=');
            if (equals == std::string_view::npos)
                continue;
            for (auto const& [key, list, operation] : rows) {
                if (key != word.substr(0, equals))
                    continue;
                entry.operation = operation;
                entry.value = parse_number<std::uint64_t>(word.substr(equals + 1)).value_or(0);
                stats.block_io[list].push_back(entry);
            }
        }
    }
    stats.block_io_pressure = pressure_of(group, "io.pressure");
}

void read_hugetlb(GroupFolder const& group, Stats& stats)
{
    for (auto const& size : huge_page_sizes()) {
        auto prefix = "hugetlb." + size + ".";
        if (!group.has((prefix + "current").c_str()))
            continue;
        auto& entry = stats.hugetlb[size];
        auto const* reserved = group.has((prefix + "rsvd.current").c_str()) ? "rsvd.current" : "current";
        entry.usage = group.number((prefix + reserved).c_str()).value_or(0);
        entry.failures = keyed_number(text_of(group, prefix + "events"), "max").value_or(0);
    }
}

} // namespace

Result<std::string> v2_stats_json(V2Cgroup const& cgroup)
{
    auto group = TRY(cgroup.folder());
    Stats stats;
    read_cpu(group, stats.cpu);
    read_memory(group, stats.memory);
    stats.pids_current = group.number("pids.current").value_or(0);
    auto limit = group.number("pids.max").value_or(0);
    stats.pids_limit = limit == no_limit ? 0 : limit;
    read_io(group, stats);
    stats.cpuset_cpus = parse_list(text_of(group, "cpuset.cpus"));
    stats.cpuset_mems = parse_list(text_of(group, "cpuset.mems"));
    read_hugetlb(group, stats);
    return stats.json();
}

} // namespace bulkhead::cgroup
