#include "oci/words.h"

#include <algorithm>
#include <array>

namespace bulkhead::oci {

namespace {

using std::string_view_literals::operator""sv;

// In the order of NamespaceType.
constexpr std::array namespaces { "pid"sv, "network"sv, "mount"sv, "ipc"sv, "uts"sv, "user"sv, "cgroup"sv, "time"sv };

constexpr std::array capabilities { "CAP_CHOWN"sv, "CAP_DAC_OVERRIDE"sv, "CAP_DAC_READ_SEARCH"sv, "CAP_FOWNER"sv, "CAP_FSETID"sv, "CAP_KILL"sv,
    "CAP_SETGID"sv, "CAP_SETUID"sv, "CAP_SETPCAP"sv, "CAP_LINUX_IMMUTABLE"sv, "CAP_NET_BIND_SERVICE"sv, "CAP_NET_BROADCAST"sv, "CAP_NET_ADMIN"sv,
    "CAP_NET_RAW"sv, "CAP_IPC_LOCK"sv, "CAP_IPC_OWNER"sv, "CAP_SYS_MODULE"sv, "CAP_SYS_RAWIO"sv, "CAP_SYS_CHROOT"sv, "CAP_SYS_PTRACE"sv,
    "CAP_SYS_PACCT"sv, "CAP_SYS_ADMIN"sv, "CAP_SYS_BOOT"sv, "CAP_SYS_NICE"sv, "CAP_SYS_RESOURCE"sv, "CAP_SYS_TIME"sv, "CAP_SYS_TTY_CONFIG"sv,
    "CAP_MKNOD"sv, "CAP_LEASE"sv, "CAP_AUDIT_WRITE"sv, "CAP_AUDIT_CONTROL"sv, "CAP_SETFCAP"sv, "CAP_MAC_OVERRIDE"sv, "CAP_MAC_ADMIN"sv,
    "CAP_SYSLOG"sv, "CAP_WAKE_ALARM"sv, "CAP_BLOCK_SUSPEND"sv, "CAP_AUDIT_READ"sv, "CAP_PERFMON"sv, "CAP_BPF"sv, "CAP_CHECKPOINT_RESTORE"sv };

constexpr std::array rlimits { "RLIMIT_AS"sv, "RLIMIT_CORE"sv, "RLIMIT_CPU"sv, "RLIMIT_DATA"sv, "RLIMIT_FSIZE"sv, "RLIMIT_LOCKS"sv,
    "RLIMIT_MEMLOCK"sv, "RLIMIT_MSGQUEUE"sv, "RLIMIT_NICE"sv, "RLIMIT_NOFILE"sv, "RLIMIT_NPROC"sv, "RLIMIT_RSS"sv, "RLIMIT_RTPRIO"sv,
    "RLIMIT_RTTIME"sv, "RLIMIT_SIGPENDING"sv, "RLIMIT_STACK"sv };

constexpr std::array hooks { "prestart"sv, "createRuntime"sv, "createContainer"sv, "startContainer"sv, "poststart"sv, "poststop"sv };

constexpr std::array rootfs_propagations { "private"sv, "rprivate"sv, "rshared"sv, "rslave"sv, "runbindable"sv, "shared"sv, "slave"sv,
    "unbindable"sv };

constexpr std::array seccomp_actions { "SCMP_ACT_ALLOW"sv, "SCMP_ACT_ERRNO"sv, "SCMP_ACT_KILL"sv, "SCMP_ACT_KILL_PROCESS"sv, "SCMP_ACT_KILL_THREAD"sv,
    "SCMP_ACT_LOG"sv, "SCMP_ACT_NOTIFY"sv, "SCMP_ACT_TRACE"sv, "SCMP_ACT_TRAP"sv };

constexpr std::array seccomp_operators { "SCMP_CMP_EQ"sv, "SCMP_CMP_GE"sv, "SCMP_CMP_GT"sv, "SCMP_CMP_LE"sv, "SCMP_CMP_LT"sv, "SCMP_CMP_MASKED_EQ"sv,
    "SCMP_CMP_NE"sv };

constexpr std::array seccomp_architectures { "SCMP_ARCH_AARCH64"sv, "SCMP_ARCH_ARM"sv, "SCMP_ARCH_LOONGARCH64"sv, "SCMP_ARCH_M68K"sv,
    "SCMP_ARCH_MIPS"sv, "SCMP_ARCH_MIPS64"sv, "SCMP_ARCH_MIPS64N32"sv, "SCMP_ARCH_MIPSEL"sv, "SCMP_ARCH_MIPSEL64"sv, "SCMP_ARCH_MIPSEL64N32"sv,
    "SCMP_ARCH_PARISC"sv, "SCMP_ARCH_PARISC64"sv, "SCMP_ARCH_PPC"sv, "SCMP_ARCH_PPC64"sv, "SCMP_ARCH_PPC64LE"sv, "SCMP_ARCH_RISCV64"sv,
    "SCMP_ARCH_S390"sv, "SCMP_ARCH_S390X"sv, "SCMP_ARCH_SH"sv, "SCMP_ARCH_SHEB"sv, "SCMP_ARCH_X32"sv, "SCMP_ARCH_X86"sv, "SCMP_ARCH_X86_64"sv };

constexpr std::array seccomp_flags { "SECCOMP_FILTER_FLAG_LOG"sv, "SECCOMP_FILTER_FLAG_SPEC_ALLOW"sv, "SECCOMP_FILTER_FLAG_TSYNC"sv,
    "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"sv };

constexpr std::array scheduler_policies { "SCHED_BATCH"sv, "SCHED_DEADLINE"sv, "SCHED_FIFO"sv, "SCHED_IDLE"sv, "SCHED_ISO"sv, "SCHED_OTHER"sv,
    "SCHED_RR"sv };

constexpr std::array scheduler_flags { "SCHED_FLAG_DL_OVERRUN"sv, "SCHED_FLAG_KEEP_PARAMS"sv, "SCHED_FLAG_KEEP_POLICY"sv, "SCHED_FLAG_RECLAIM"sv,
    "SCHED_FLAG_RESET_ON_FORK"sv, "SCHED_FLAG_UTIL_CLAMP_MAX"sv, "SCHED_FLAG_UTIL_CLAMP_MIN"sv };

constexpr std::array io_priorities { "IOPRIO_CLASS_BE"sv, "IOPRIO_CLASS_IDLE"sv, "IOPRIO_CLASS_RT"sv };

constexpr std::array personalities { "LINUX"sv, "LINUX32"sv };

constexpr std::array memory_policy_modes { "MPOL_BIND"sv, "MPOL_DEFAULT"sv, "MPOL_INTERLEAVE"sv, "MPOL_LOCAL"sv, "MPOL_PREFERRED"sv,
    "MPOL_PREFERRED_MANY"sv, "MPOL_WEIGHTED_INTERLEAVE"sv };

constexpr std::array memory_policy_flags { "MPOL_F_NUMA_BALANCING"sv, "MPOL_F_RELATIVE_NODES"sv, "MPOL_F_STATIC_NODES"sv };

} // namespace

Words namespace_words()
{
    return namespaces;
}
Words capability_words()
{
    return capabilities;
}
Words rlimit_words()
{
    return rlimits;
}
Words hook_words()
{
    return hooks;
}
Words rootfs_propagation_words()
{
    return rootfs_propagations;
}
Words seccomp_action_words()
{
    return seccomp_actions;
}
Words seccomp_operator_words()
{
    return seccomp_operators;
}
Words seccomp_architecture_words()
{
    return seccomp_architectures;
}
Words seccomp_flag_words()
{
    return seccomp_flags;
}
Words scheduler_policy_words()
{
    return scheduler_policies;
}
Words scheduler_flag_words()
{
    return scheduler_flags;
}
Words io_priority_words()
{
    return io_priorities;
}
Words personality_words()
{
    return personalities;
}
Words memory_policy_mode_words()
{
    return memory_policy_modes;
}
Words memory_policy_flag_words()
{
    return memory_policy_flags;
}

bool is_one_of(Words words, std::string_view word)
{
    return std::find(words.begin(), words.end(), word) != words.end();
}

std::string one_of_text(Words words)
{
    std::string text = "must be one of ";
    for (std::size_t index = 0; index < words.size(); ++index) {
        if (index > 0)
            text += index + 1 == words.size() ? " or " : ", ";
        text += words[index];
    }
    return text;
}

std::vector<std::string> unknown_capabilities(Capabilities const& sets)
{
    std::vector<std::string> unknown;
    for (auto const* set : { &sets.bounding, &sets.effective, &sets.inheritable, &sets.permitted, &sets.ambient }) {
        for (auto const& name : *set) {
            if (!is_one_of(capabilities, name) && std::find(unknown.begin(), unknown.end(), name) == unknown.end())
                unknown.push_back(name);
        }
    }
    return unknown;
}

std::string_view namespace_name(NamespaceType type)
{
    return namespaces[static_cast<std::size_t>(type)];
}

std::optional<NamespaceType> namespace_by_name(std::string_view name)
{
    auto found = std::find(namespaces.begin(), namespaces.end(), name);
    if (found == namespaces.end())
        return std::nullopt;
    return static_cast<NamespaceType>(found - namespaces.begin());
}

} // namespace bulkhead::oci
