// linux.intelRdt: classes of service of the resctrl file system (Documentation/arch/x86/resctrl.rst).
#pragma once

#include "oci/config.h"

#include <string>

#include <sys/types.h>

namespace bulkhead::namespaces {

constexpr char const* resctrl_mount_point = "/sys/fs/resctrl";

// What apply() made and remove must take away; empty: nothing.
struct RdtGroup {
    std::string group; // folder of the class of service
    std::string monitor; // folder of the monitoring group
};

// An error where resctrl is not mounted at MOUNT_POINT: a wish that cannot be honoured is never ignored.
Result<Unit> check_intel_rdt(oci::IntelRdt const&, std::string const& mount_point = resctrl_mount_point);
// Makes or finds the class of service, writes its schemata and puts PID into it. For tests, a plain folder does.
Result<RdtGroup> apply_intel_rdt(oci::IntelRdt const&, std::string const& id, pid_t, std::string const& mount_point = resctrl_mount_point);
Result<Unit> remove_rdt_group(RdtGroup const&);

} // namespace bulkhead::namespaces
