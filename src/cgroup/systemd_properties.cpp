#include "cgroup/systemd_properties.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "cgroup/convert.h"
#include "cgroup/stats.h"

#include <algorithm>
#include <cctype>

namespace bulkhead::cgroup {

namespace {

bool is_unit_text(std::string_view text)
{
    return std::all_of(text.begin(), text.end(),
        [](unsigned char c) { return std::isalnum(c) != 0 || c == ':' || c == '-' || c == '_' || c == '.' || c == '\\' || c == '@'; });
}

std::string limit(std::int64_t value)
{
    return value < 0 ? "infinity" : std::to_string(value);
}

// systemd counts in hundredths of a CPU second, so a finer quota is rounded up here and exact only in the cgroup file.
std::string quota_per_second(std::int64_t quota, std::uint64_t period)
{
    if (quota <= 0)
        return "infinity";
    constexpr std::uint64_t step = 10000;
    auto exact = static_cast<__uint128_t>(quota) * 1000000U / period;
    auto rounded = static_cast<std::uint64_t>((exact + step - 1) / step * step);
    return std::to_string(rounded);
}

void add_cpu(std::vector<std::string>& properties, Version version, oci::CpuResources const& cpu)
{
    bool is_idle = cpu.idle.value_or(0) == 1;
    if (version == Version::v2 && is_idle)
        properties.emplace_back("CPUWeight@252:t=0"); // systemd's way to say cpu.idle
    else if (cpu.shares.value_or(0) != 0)
        properties.push_back(
            version == Version::v2 ? "CPUWeight:t=" + std::to_string(weight_from_shares(*cpu.shares)) : "CPUShares:t=" + std::to_string(*cpu.shares));
    auto quota = cpu.quota.value_or(0);
    auto period = cpu.period.value_or(0);
    if (period != 0)
        properties.push_back("CPUQuotaPeriodUSec@242:t=" + std::to_string(period));
    if (quota != 0 || period != 0)
        properties.push_back("CPUQuotaPerSecUSec:t=" + quota_per_second(quota, period != 0 ? period : 100000));
    if (!cpu.cpus.empty())
        properties.push_back("AllowedCPUs@244:ay=" + cpu_bits(cpu.cpus));
    if (!cpu.mems.empty())
        properties.push_back("AllowedMemoryNodes@244:ay=" + cpu_bits(cpu.mems));
}

void add_memory(std::vector<std::string>& properties, Version version, oci::MemoryResources const& memory)
{
    if (memory.limit.value_or(0) != 0)
        properties.push_back((version == Version::v2 ? "MemoryMax:t=" : "MemoryLimit:t=") + limit(*memory.limit));
    if (version == Version::v1)
        return;
    if (memory.reservation.value_or(0) != 0)
        properties.push_back("MemoryLow:t=" + limit(*memory.reservation));
    // A value that cannot be converted is an error where the cgroup files are written.
    auto swap = swap_alone(memory);
    if (swap.is_ok() && swap.value())
        properties.push_back("MemorySwapMax:t=" + limit(*swap.value()));
}

// The files of linux.resources.unified that systemd would else overwrite with what it knows.
void add_unified(std::vector<std::string>& properties, std::map<std::string, std::string> const& unified)
{
    struct Row {
        std::string_view file;
        char const* property;
    };
    static constexpr Row numbers[]
        = { { "memory.high", "MemoryHigh:t=" }, { "memory.low", "MemoryLow:t=" }, { "memory.min", "MemoryMin:t=" }, { "memory.max", "MemoryMax:t=" },
              { "memory.swap.max", "MemorySwapMax:t=" }, { "pids.max", "TasksMax:t=" }, { "cpu.weight", "CPUWeight:t=" } };
    for (auto const& [file, text] : unified) {
        auto value = trim(text);
        for (auto const& row : numbers)
            if (row.file == file && (value == "max" || parse_number<std::uint64_t>(value)))
                properties.push_back(row.property + (value == "max" ? "infinity" : std::string(value)));
        if (file == "cpuset.cpus")
            properties.push_back("AllowedCPUs@244:ay=" + cpu_bits(value));
        if (file == "cpuset.mems")
            properties.push_back("AllowedMemoryNodes@244:ay=" + cpu_bits(value));
        if (file == "cpu.max") {
            auto parts = split(value, ' ');
            auto quota = parse_number<std::int64_t>(parts[0]).value_or(0);
            auto period = parts.size() > 1 ? parse_number<std::uint64_t>(parts[1]).value_or(0) : 0;
            if (period != 0)
                properties.push_back("CPUQuotaPeriodUSec@242:t=" + std::to_string(period));
            properties.push_back("CPUQuotaPerSecUSec:t=" + quota_per_second(quota, period != 0 ? period : 100000));
        }
    }
}

// "pts" for 136, from /proc/devices.
std::optional<std::string> driver_name(char type, std::uint32_t major)
{
    auto text = read_file("/proc/devices");
    if (text.is_error())
        return std::nullopt;
    bool in_part = false;
    for (auto line : split(text.value(), '\n')) {
        if (line.ends_with("devices:"))
            in_part = line.starts_with(type == 'b' ? "Block" : "Character");
        auto words = split(trim(line), ' ');
        if (in_part && words.size() == 2 && parse_number<std::uint32_t>(words[0]) == major)
            return std::string(words[1]);
    }
    return std::nullopt;
}

// How systemd names the devices of an exception; nothing where it has no name for them.
std::optional<std::string> device_name(DeviceException const& exception)
{
    std::string kind = exception.type == 'b' ? "block" : "char";
    if (exception.major && exception.minor)
        return "/dev/" + kind + "/" + std::to_string(*exception.major) + ":" + std::to_string(*exception.minor);
    if (!exception.major && !exception.minor)
        return kind + "-*";
    if (!exception.major)
        return std::nullopt;
    auto driver = driver_name(exception.type, *exception.major);
    return driver ? std::optional<std::string>(kind + "-" + *driver) : std::nullopt;
}

} // namespace

Result<UnitName> parse_unit_name(Request const& request)
{
    UnitName name { .slice = request.rootless ? "user.slice" : "system.slice" };
    std::string prefix = "bulkhead";
    std::string own = request.container_id;
    if (!request.cgroups_path.empty()) {
        auto parts = split(request.cgroups_path, ':');
        if (parts.size() != 3 || parts[2].empty())
            return invalid(
                "linux.cgroupsPath " + quoted(request.cgroups_path) + " is not of the form slice:prefix:name, which --systemd-cgroup needs",
                "for example \"system.slice:docker:" + request.container_id + "\", or leave --systemd-cgroup out");
        if (!parts[0].empty())
            name.slice = parts[0];
        prefix = parts[1];
        own = parts[2];
    }
    name.unit = own.ends_with(".slice") ? own : prefix + "-" + own + ".scope";
    if (name.unit.size() > 255 || !is_unit_text(name.unit) || !is_unit_text(name.slice))
        return invalid("linux.cgroupsPath " + quoted(request.cgroups_path) + " makes no unit name for systemd",
            "use letters, digits, and :-_.\\ only, 255 characters at most");
    if (!name.slice.ends_with(".slice") || name.slice == ".slice")
        return invalid("linux.cgroupsPath " + quoted(request.cgroups_path) + ": " + quoted(name.slice) + " is not a slice",
            "its name must end in .slice, for example \"machine.slice\"");
    return name;
}

std::vector<std::string> scope_properties(UnitName const& name, Version version, std::string const& container_id, std::optional<pid_t> first_process)
{
    std::vector<std::string> properties { "Description:s=bulkhead container " + container_id };
    if (name.unit.ends_with(".slice")) {
        properties.push_back("Wants:as=" + name.slice);
    } else {
        properties.push_back("Slice:s=" + name.slice);
        properties.emplace_back("Delegate:b=true");
    }
    if (first_process)
        properties.push_back("PIDs:au=" + std::to_string(*first_process));
    properties.insert(
        properties.end(), { "MemoryAccounting:b=true", "CPUAccounting:b=true", "TasksAccounting:b=true", "DefaultDependencies:b=false" });
    properties.emplace_back(version == Version::v2 ? "IOAccounting:b=true" : "BlockIOAccounting:b=true");
    return properties;
}

std::vector<std::string> limit_properties(Version version, oci::Resources const& resources)
{
    std::vector<std::string> properties;
    if (resources.memory)
        add_memory(properties, version, *resources.memory);
    if (resources.cpu)
        add_cpu(properties, version, *resources.cpu);
    if (resources.pids_limit.value_or(0) != 0)
        properties.push_back("TasksMax:t=" + limit(*resources.pids_limit));
    if (version == Version::v1 && resources.block_io && resources.block_io->weight.value_or(0) != 0)
        properties.push_back("BlockIOWeight:t=" + std::to_string(*resources.block_io->weight));
    if (version == Version::v2)
        add_unified(properties, resources.unified);
    return properties;
}

std::vector<std::string> device_properties(DevicePolicy const& policy)
{
    if (policy.allow_by_default)
        return { "DevicePolicy:s=auto", "DeviceAllow:a(ss)=" };
    std::string list;
    for (auto const& exception : policy.exceptions) {
        auto name = device_name(exception);
        if (!name) {
            log::debug("systemd has no name for these devices; the cgroup allows them all the same", { { "devices", exception.text() } });
            continue;
        }
        auto text = exception.text();
        list += (list.empty() ? "" : ";") + *name + " " + text.substr(text.rfind(' ') + 1);
    }
    return { "DevicePolicy:s=strict", "DeviceAllow:a(ss)=" + list };
}

std::string cpu_bits(std::string_view list)
{
    std::vector<unsigned> bytes;
    for (auto number : parse_list(list)) {
        if (number / 8 >= bytes.size())
            bytes.resize(number / 8 + 1);
        bytes[number / 8] |= 1U << (number % 8);
    }
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (auto byte : bytes) {
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}

} // namespace bulkhead::cgroup
