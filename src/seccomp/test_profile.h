// Profiles for tests: one of the shape and size of an engine's default, made from what libseccomp knows, and small ones.
#pragma once

#include "oci/config.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>
#include <vector>

#include <seccomp.h>

namespace bulkhead::seccomp {

constexpr std::array denied_by_default = {
    "acct",
    "add_key",
    "bpf",
    "create_module",
    "delete_module",
    "finit_module",
    "fsconfig",
    "fsmount",
    "fsopen",
    "fspick",
    "get_kernel_syms",
    "init_module",
    "ioperm",
    "iopl",
    "kexec_file_load",
    "kexec_load",
    "keyctl",
    "lookup_dcookie",
    "mount",
    "mount_setattr",
    "move_mount",
    "nfsservctl",
    "open_tree",
    "perf_event_open",
    "pivot_root",
    "query_module",
    "quotactl",
    "quotactl_fd",
    "reboot",
    "request_key",
    "setns",
    "settimeofday",
    "swapoff",
    "swapon",
    "_sysctl",
    "sysfs",
    "umount2",
    "unshare",
    "uselib",
    "userfaultfd",
    "ustat",
    "vhangup",
    "vm86",
    "clone",
    "clone3",
    "personality",
    "socket",
};

// Every call that x86-64 or 32-bit x86 has, but for the list above.
inline std::vector<std::string> names_allowed_by_default()
{
    std::vector<std::string> names;
    for (int number = 0; number < 600; ++number) {
        for (std::uint32_t architecture : std::array<std::uint32_t, 2> { SCMP_ARCH_X86_64, SCMP_ARCH_X86 }) {
            char* name = seccomp_syscall_resolve_num_arch(architecture, number);
            if (!name)
                continue;
            bool denied = std::find(denied_by_default.begin(), denied_by_default.end(), std::string(name)) != denied_by_default.end();
            if (!denied && std::find(names.begin(), names.end(), name) == names.end())
                names.emplace_back(name);
            std::free(name);
        }
    }
    return names;
}

inline oci::SeccompSyscall entry(std::vector<std::string> names, std::string action, std::vector<oci::SeccompArg> args = {})
{
    return { .names = std::move(names), .action = std::move(action), .errno_ret = std::nullopt, .args = std::move(args) };
}

inline oci::Seccomp engine_profile()
{
    oci::Seccomp profile;
    profile.default_action = "SCMP_ACT_ERRNO";
    profile.default_errno_ret = 1;
    profile.architectures = { "SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32" };
    profile.syscalls.push_back(entry(names_allowed_by_default(), "SCMP_ACT_ALLOW"));
    for (std::uint64_t value : { 0x0ULL, 0x8ULL, 0x20000ULL, 0x20008ULL, 0xffffffffULL })
        profile.syscalls.push_back(entry({ "personality" }, "SCMP_ACT_ALLOW", { { .index = 0, .value = value, .op = "SCMP_CMP_EQ" } }));
    profile.syscalls.push_back(entry({ "socket" }, "SCMP_ACT_ALLOW", { { .index = 0, .value = 40, .op = "SCMP_CMP_NE" } }));
    profile.syscalls.push_back(
        entry({ "clone" }, "SCMP_ACT_ALLOW", { { .index = 0, .value = 0x7e020000, .value_two = 0, .op = "SCMP_CMP_MASKED_EQ" } }));
    profile.syscalls.push_back(entry({ "clone3" }, "SCMP_ACT_ERRNO"));
    profile.syscalls.back().errno_ret = 38;
    return profile;
}

// Allows but for one entry.
inline oci::Seccomp allowing_profile(oci::SeccompSyscall exception)
{
    oci::Seccomp profile;
    profile.default_action = "SCMP_ACT_ALLOW";
    profile.syscalls.push_back(std::move(exception));
    return profile;
}

} // namespace bulkhead::seccomp
