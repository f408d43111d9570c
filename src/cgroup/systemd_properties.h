// What is told to systemd, as arguments for the program systemd-unit: NAME[@VERSION]:SIGNATURE=VALUE, for example
// "MemoryMax:t=1048576". VERSION is the systemd that knows the property first; older ones are not told.
// systemd.resource-control(5), org.freedesktop.systemd1(5).
#pragma once

#include "cgroup/cgroup.h"
#include "cgroup/device_rules.h"

#include <optional>
#include <string>
#include <vector>

namespace bulkhead::cgroup {

// linux.cgroupsPath as "slice:prefix:name".
struct UnitName {
    std::string slice; // "system.slice"
    std::string unit; // "docker-abc.scope", or a name that is a slice itself
};
Result<UnitName> parse_unit_name(Request const&);

enum class Version { v1, v2 };
std::vector<std::string> scope_properties(UnitName const&, Version, std::string const& container_id, std::optional<pid_t> first_process);
std::vector<std::string> limit_properties(Version, oci::Resources const&);
std::vector<std::string> device_properties(DevicePolicy const&);

// "0-2,9" as systemd's bit set in hexadecimal: "0702".
std::string cpu_bits(std::string_view list);

} // namespace bulkhead::cgroup
