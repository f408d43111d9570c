// The beginning of a filter that answers ENOSYS for system calls newer than its profile. A profile that denies by
// default would give EPERM for a call it has never heard of, and programs then fail instead of trying the older call.
// "Newer" means a number above the largest that the profile names for that architecture; runc has the same rule.
#pragma once

#include "oci/config.h"

#include <cstdint>
#include <span>
#include <vector>

#include <linux/filter.h>

namespace bulkhead::seccomp {

// What goes before the instructions of the filter proper; nothing where the profile names no system call.
std::vector<sock_filter> enosys_prologue(oci::Seccomp const& profile, std::span<std::uint32_t const> architectures);

} // namespace bulkhead::seccomp
