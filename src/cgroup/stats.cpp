#include "cgroup/stats.h"
#include "base/text.h"

#include <algorithm>
#include <cstdlib>

namespace bulkhead::cgroup {

namespace {

// runc leaves zeros out of most members.
void member_unless_zero(JsonWriter& json, std::string_view name, std::uint64_t value)
{
    if (value != 0)
        json.member(name, value);
}

void numbers_unless_empty(JsonWriter& json, std::string_view name, Numbers const& numbers)
{
    if (numbers.empty())
        return;
    json.key(name).begin_array();
    for (auto number : numbers)
        json.value(number);
    json.end_array();
}

void pressure_line(JsonWriter& json, std::string_view name, Pressure::Line const& line)
{
    json.key(name).begin_object();
    json.member("avg10", line.average_10).member("avg60", line.average_60).member("avg300", line.average_300).member("total", line.total);
    json.end_object();
}

void pressure_if_known(JsonWriter& json, std::optional<Pressure> const& pressure)
{
    if (!pressure)
        return;
    json.key("psi").begin_object();
    pressure_line(json, "some", pressure->some);
    pressure_line(json, "full", pressure->full);
    json.end_object();
}

void write_cpu(JsonWriter& json, CpuStats const& cpu)
{
    json.key("cpu").begin_object().key("usage").begin_object();
    member_unless_zero(json, "total", cpu.total);
    numbers_unless_empty(json, "percpu", cpu.per_cpu);
    numbers_unless_empty(json, "percpu_kernel", cpu.per_cpu_kernel);
    numbers_unless_empty(json, "percpu_user", cpu.per_cpu_user);
    json.member("kernel", cpu.kernel).member("user", cpu.user).end_object();
    json.key("throttling").begin_object();
    member_unless_zero(json, "periods", cpu.periods);
    member_unless_zero(json, "throttledPeriods", cpu.throttled_periods);
    member_unless_zero(json, "throttledTime", cpu.throttled_time);
    json.end_object();
    pressure_if_known(json, cpu.pressure);
    json.end_object();
}

void write_cpuset(JsonWriter& json, Stats const& stats)
{
    json.key("cpuset").begin_object();
    numbers_unless_empty(json, "cpus", stats.cpuset_cpus);
    numbers_unless_empty(json, "mems", stats.cpuset_mems);
    for (auto const* name : { "cpu_exclusive", "mem_hardwall", "mem_exclusive", "memory_migrate", "memory_spread_page", "memory_spread_slab",
             "memory_pressure", "sched_load_balance", "sched_relax_domain_level" }) {
        auto found = stats.cpuset_flags.find(name);
        json.member(name, found == stats.cpuset_flags.end() ? std::int64_t { 0 } : found->second);
    }
    json.end_object();
}

void write_memory_entry(JsonWriter& json, std::string_view name, MemoryEntry const& entry)
{
    json.key(name).begin_object().member("limit", entry.limit);
    member_unless_zero(json, "usage", entry.usage);
    member_unless_zero(json, "max", entry.max);
    json.member("failcnt", entry.failures).end_object();
}

void write_memory(JsonWriter& json, MemoryStats const& memory)
{
    json.key("memory").begin_object();
    member_unless_zero(json, "cache", memory.cache);
    write_memory_entry(json, "usage", memory.usage);
    write_memory_entry(json, "swap", memory.swap);
    write_memory_entry(json, "kernel", memory.kernel);
    write_memory_entry(json, "kernelTCP", memory.kernel_tcp);
    if (!memory.raw.empty()) {
        json.key("raw").begin_object();
        for (auto const& [name, value] : memory.raw)
            json.member(name, value);
        json.end_object();
    }
    pressure_if_known(json, memory.pressure);
    json.end_object();
}

void write_block_io(JsonWriter& json, Stats const& stats)
{
    json.key("blkio").begin_object();
    for (auto const& [name, entries] : stats.block_io) {
        if (entries.empty())
            continue;
        json.key(name).begin_array();
        for (auto const& entry : entries) {
            json.begin_object();
            member_unless_zero(json, "major", entry.major);
            member_unless_zero(json, "minor", entry.minor);
            if (!entry.operation.empty())
                json.member("op", entry.operation);
            member_unless_zero(json, "value", entry.value);
            json.end_object();
        }
        json.end_array();
    }
    pressure_if_known(json, stats.block_io_pressure);
    json.end_object();
}

} // namespace

std::string Stats::json() const
{
    JsonWriter json;
    json.begin_object();
    write_cpu(json, cpu);
    write_cpuset(json, *this);
    write_memory(json, memory);
    json.key("pids").begin_object();
    member_unless_zero(json, "current", pids_current);
    member_unless_zero(json, "limit", pids_limit);
    json.end_object();
    write_block_io(json, *this);
    json.key("hugetlb").begin_object();
    for (auto const& [size, entry] : hugetlb) {
        json.key(size).begin_object();
        member_unless_zero(json, "usage", entry.usage);
        member_unless_zero(json, "max", entry.max);
        json.member("failcnt", entry.failures).end_object();
    }
    json.end_object();
    json.key("intel_rdt").begin_object().end_object();
    json.key("network_interfaces").null(); // engines measure the network themselves
    json.end_object();
    return json.text();
}

std::map<std::string, std::uint64_t> parse_keyed(std::string_view text)
{
    std::map<std::string, std::uint64_t> numbers;
    for (auto line : split(text, '\n')) {
        auto blank = line.find(' ');
        if (blank == std::string_view::npos)
            continue;
        if (auto number = parse_number<std::uint64_t>(trim(line.substr(blank))))
            numbers.emplace(line.substr(0, blank), *number);
    }
    return numbers;
}

Numbers parse_numbers(std::string_view text)
{
    Numbers numbers;
    for (auto word : split(text, ' '))
        if (auto number = parse_number<std::uint64_t>(trim(word)))
            numbers.push_back(*number);
    return numbers;
}

Numbers parse_list(std::string_view text)
{
    constexpr std::uint64_t largest = 65535;
    Numbers numbers;
    for (auto part : split(trim(text), ',')) {
        auto dash = part.find('-');
        auto first = parse_number<std::uint64_t>(part.substr(0, dash));
        auto last = dash == std::string_view::npos ? first : parse_number<std::uint64_t>(part.substr(dash + 1));
        if (!first || !last || *last > largest)
            continue;
        for (auto number = *first; number <= *last; ++number)
            numbers.push_back(number);
    }
    return numbers;
}

Pressure parse_pressure(std::string_view text)
{
    Pressure pressure;
    for (auto line : split(text, '\n')) {
        auto words = split(line, ' ');
        auto& into = words[0] == "full" ? pressure.full : pressure.some;
        for (auto word : words) {
            auto equals = word.find('=');
            if (equals == std::string_view::npos)
                continue;
            auto name = word.substr(0, equals);
            auto value = std::string(word.substr(equals + 1));
            if (name == "avg10")
                into.average_10 = std::strtod(value.c_str(), nullptr);
            else if (name == "avg60")
                into.average_60 = std::strtod(value.c_str(), nullptr);
            else if (name == "avg300")
                into.average_300 = std::strtod(value.c_str(), nullptr);
            else if (name == "total")
                into.total = parse_number<std::uint64_t>(value).value_or(0);
        }
    }
    return pressure;
}

std::vector<BlockIoEntry> parse_block_io(std::string_view text)
{
    std::vector<BlockIoEntry> entries;
    for (auto line : split(text, '\n')) {
        auto words = split(line, ' ');
        auto colon = words[0].find(':');
        if (colon == std::string_view::npos || words.size() < 2)
            continue; // "Total 0"
        BlockIoEntry entry;
        entry.major = parse_number<std::uint64_t>(words[0].substr(0, colon)).value_or(0);
        entry.minor = parse_number<std::uint64_t>(words[0].substr(colon + 1)).value_or(0);
        if (words.size() > 2)
            entry.operation = words[1];
        entry.value = parse_number<std::uint64_t>(words.back()).value_or(0);
        entries.push_back(std::move(entry));
    }
    return entries;
}

std::vector<std::string> huge_page_sizes()
{
    std::vector<std::string> sizes;
    auto folder = open_at(FileView::current_directory(), "/sys/kernel/mm/hugepages", O_PATH | O_DIRECTORY);
    if (folder.is_error())
        return sizes;
    auto names = folders_in(folder.value());
    if (names.is_error())
        return sizes;
    for (std::string_view name : names.value()) {
        if (!name.starts_with("hugepages-") || !name.ends_with("kB"))
            continue;
        auto kilobytes = parse_number<std::uint64_t>(name.substr(10, name.size() - 12));
        if (!kilobytes)
            continue;
        if (*kilobytes >= 1U << 20)
            sizes.push_back(std::to_string(*kilobytes >> 20) + "GB");
        else if (*kilobytes >= 1U << 10)
            sizes.push_back(std::to_string(*kilobytes >> 10) + "MB");
        else
            sizes.push_back(std::to_string(*kilobytes) + "KB");
    }
    std::sort(sizes.begin(), sizes.end());
    return sizes;
}

} // namespace bulkhead::cgroup
