// Device rules on cgroup v2: a BPF_PROG_TYPE_CGROUP_DEVICE program that the kernel asks at each open and mknod.
#pragma once

#include "base/file.h"
#include "cgroup/device_rules.h"

#include <vector>

#include <linux/bpf.h>

namespace bulkhead::cgroup {

// The policy as a program over struct bpf_cgroup_dev_ctx: a test for each exception, then the default.
std::vector<bpf_insn> assemble_device_program(DevicePolicy const&);
// Loads and attaches it; a program that was attached to this very group is replaced, with no moment without one.
Result<Unit> attach_device_program(FileView group, std::vector<oci::DeviceRule> const&);

} // namespace bulkhead::cgroup
