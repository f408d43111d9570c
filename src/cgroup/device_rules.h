// Device rules put together: what a list of allow and deny rules means once all of them are applied, in order, as the
// kernel's v1 device controller applies them (security/device_cgroup.c). Both cgroup versions start from this.
#pragma once

#include "base/result.h"
#include "oci/config.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bulkhead::cgroup {

// Bits as in BPF_DEVCG_ACC_*.
enum DeviceAccess : unsigned { access_mknod = 1, access_read = 2, access_write = 4, access_all = 7 };

// Where the policy's default does not hold.
struct DeviceException {
    char type = 'c'; // or 'b'
    std::optional<std::uint32_t> major; // absent: every one
    std::optional<std::uint32_t> minor;
    unsigned access = access_all;
    std::size_t rule = 0; // index of the rule it comes from, for errors

    bool same_devices(DeviceException const& other) const { return type == other.type && major == other.major && minor == other.minor; }
    std::string text() const; // "c 136:* rwm"
};

struct DevicePolicy {
    bool allow_by_default = false;
    std::vector<DeviceException> exceptions;

    void apply(bool allow, DeviceException const&);
    // What the kernel answers: an access is exempted from "deny" only by one exception that covers all of it, and from
    // "allow" by any exception that touches it.
    bool allows(char type, std::uint32_t major, std::uint32_t minor, unsigned access) const;
};

// With no rule at all everything is denied. A rule for "all types" that names numbers or some accesses means both
// types: the kernel would ignore the rest of such a line and open (or close) everything.
Result<DevicePolicy> evaluate_device_rules(std::vector<oci::DeviceRule> const&);
// The text of a v1 devices.list.
DevicePolicy parse_devices_list(std::string_view text);

} // namespace bulkhead::cgroup
