#include "do/default_profile.h"

#include <cerrno>
#include <cstdint>

#include <sched.h>
#include <sys/personality.h>
#include <sys/socket.h>

namespace bulkhead::do_command {

namespace {

using Name = std::string_view;

constexpr Name open_files[] = { "open", "openat", "openat2", "creat", "close", "close_range", "read", "write", "readv", "writev", "pread64",
    "pwrite64", "preadv", "pwritev", "preadv2", "pwritev2", "lseek", "_llseek", "dup", "dup2", "dup3", "fcntl", "fcntl64", "ioctl", "flock", "fsync",
    "fdatasync", "sync", "syncfs", "sync_file_range", "sync_file_range2", "arm_sync_file_range", "fadvise64", "fadvise64_64", "arm_fadvise64_64",
    "fallocate", "ftruncate", "ftruncate64", "truncate", "truncate64", "readahead", "copy_file_range", "sendfile", "sendfile64", "splice", "tee",
    "vmsplice", "cachestat" };

constexpr Name paths[] = { "stat", "stat64", "fstat", "fstat64", "lstat", "lstat64", "newfstatat", "fstatat64", "statx", "access", "faccessat",
    "faccessat2", "readlink", "readlinkat", "getdents", "getdents64", "getcwd", "chdir", "fchdir", "mkdir", "mkdirat", "rmdir", "unlink", "unlinkat",
    "rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat", "mknod", "mknodat", "chmod", "fchmod", "fchmodat", "fchmodat2",
    "chown", "chown32", "fchown", "fchown32", "lchown", "lchown32", "fchownat", "umask", "utime", "utimes", "utimensat", "utimensat_time64",
    "futimesat", "statfs", "statfs64", "fstatfs", "fstatfs64", "getxattr", "lgetxattr", "fgetxattr", "getxattrat", "listxattr", "llistxattr",
    "flistxattr", "listxattrat", "setxattr", "lsetxattr", "fsetxattr", "setxattrat", "removexattr", "lremovexattr", "fremovexattr", "removexattrat",
    "name_to_handle_at", "inotify_init", "inotify_init1", "inotify_add_watch", "inotify_rm_watch" };

constexpr Name memory[] = { "brk", "mmap", "mmap2", "munmap", "mremap", "mprotect", "madvise", "mincore", "msync", "mlock", "mlock2", "mlockall",
    "munlock", "munlockall", "mseal", "map_shadow_stack", "remap_file_pages", "memfd_create", "memfd_secret", "membarrier", "pkey_alloc", "pkey_free",
    "pkey_mprotect", "process_mrelease", "get_mempolicy", "mbind", "set_mempolicy", "set_mempolicy_home_node" };

constexpr Name processes[] = { "fork", "vfork", "execve", "execveat", "exit", "exit_group", "wait4", "waitid", "waitpid", "getpid", "getppid",
    "gettid", "set_tid_address", "setpgid", "getpgid", "getpgrp", "setsid", "getsid", "set_robust_list", "get_robust_list", "rseq", "prctl",
    "arch_prctl", "prlimit64", "getrlimit", "ugetrlimit", "setrlimit", "getrusage", "getpriority", "setpriority", "ioprio_get", "ioprio_set",
    "pidfd_open", "pidfd_send_signal", "pidfd_getfd", "capget", "capset", "seccomp", "landlock_create_ruleset", "landlock_add_rule",
    "landlock_restrict_self", "sysinfo", "uname", "getcpu", "set_thread_area", "get_thread_area", "modify_ldt", "cacheflush", "breakpoint", "set_tls",
    "riscv_flush_icache", "riscv_hwprobe", "chroot", "process_madvise", "lsm_get_self_attr", "lsm_list_modules" };

constexpr Name tracing[] = { "ptrace", "process_vm_readv", "process_vm_writev", "kcmp" };

constexpr Name identities[]
    = { "getuid", "getuid32", "geteuid", "geteuid32", "getgid", "getgid32", "getegid", "getegid32", "getresuid", "getresuid32", "getresgid",
          "getresgid32", "getgroups", "getgroups32", "setuid", "setuid32", "setgid", "setgid32", "setreuid", "setreuid32", "setregid", "setregid32",
          "setresuid", "setresuid32", "setresgid", "setresgid32", "setgroups", "setgroups32", "setfsuid", "setfsuid32", "setfsgid", "setfsgid32" };

constexpr Name scheduling[] = { "sched_yield", "sched_getaffinity", "sched_setaffinity", "sched_getattr", "sched_setattr", "sched_getparam",
    "sched_setparam", "sched_getscheduler", "sched_setscheduler", "sched_get_priority_max", "sched_get_priority_min", "sched_rr_get_interval",
    "sched_rr_get_interval_time64" };

constexpr Name signals[] = { "kill", "tkill", "tgkill", "sigaction", "rt_sigaction", "sigprocmask", "rt_sigprocmask", "sigpending", "rt_sigpending",
    "sigsuspend", "rt_sigsuspend", "rt_sigtimedwait", "rt_sigtimedwait_time64", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "sigreturn", "rt_sigreturn",
    "sigaltstack", "signal", "signalfd", "signalfd4", "pause", "restart_syscall" };

constexpr Name waiting[] = { "select", "_newselect", "pselect6", "pselect6_time64", "poll", "ppoll", "ppoll_time64", "epoll_create", "epoll_create1",
    "epoll_ctl", "epoll_ctl_old", "epoll_wait", "epoll_wait_old", "epoll_pwait", "epoll_pwait2", "eventfd", "eventfd2", "futex", "futex_time64",
    "futex_wait", "futex_wake", "futex_requeue", "futex_waitv", "pipe", "pipe2", "io_setup", "io_destroy", "io_submit", "io_cancel", "io_getevents",
    "io_pgetevents", "io_pgetevents_time64" };

constexpr Name clocks[] = { "time", "gettimeofday", "clock_gettime", "clock_gettime64", "clock_getres", "clock_getres_time64", "clock_nanosleep",
    "clock_nanosleep_time64", "nanosleep", "times", "alarm", "getitimer", "setitimer", "timer_create", "timer_delete", "timer_settime",
    "timer_settime64", "timer_gettime", "timer_gettime64", "timer_getoverrun", "timerfd_create", "timerfd_settime", "timerfd_settime64",
    "timerfd_gettime", "timerfd_gettime64", "adjtimex", "clock_adjtime", "clock_adjtime64" };

constexpr Name sockets[] = { "socketpair", "bind", "listen", "accept", "accept4", "connect", "getsockname", "getpeername", "getsockopt", "setsockopt",
    "shutdown", "send", "sendto", "sendmsg", "sendmmsg", "recv", "recvfrom", "recvmsg", "recvmmsg", "recvmmsg_time64" };

constexpr Name messages[] = { "ipc", "shmget", "shmat", "shmdt", "shmctl", "semget", "semop", "semctl", "semtimedop", "semtimedop_time64", "msgget",
    "msgsnd", "msgrcv", "msgctl", "mq_open", "mq_unlink", "mq_notify", "mq_getsetattr", "mq_timedsend", "mq_timedsend_time64", "mq_timedreceive",
    "mq_timedreceive_time64" };

constexpr Name randomness[] = { "getrandom" };

constexpr AllowedGroup groups[] = {
    { "open files", open_files },
    { "paths", paths },
    { "memory", memory },
    { "processes", processes },
    { "tracing one's own processes", tracing },
    { "identities", identities },
    { "scheduling", scheduling },
    { "signals", signals },
    { "waiting for events", waiting },
    { "clocks and timers", clocks },
    { "sockets", sockets },
    { "messages between processes", messages },
    { "random numbers", randomness },
};

// CLONE_NEW... of clone(2): a program may not make namespaces. CLONE_NEWTIME is not among clone(2)'s flags.
constexpr std::uint64_t new_namespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;

struct Condition {
    std::uint32_t index;
    std::uint64_t value;
    std::uint64_t value_two;
    Name op;
};

void write_rule(JsonWriter& json, Name name, Name action, std::span<Condition const> conditions, int errno_ret = 0)
{
    json.begin_object().key("names").begin_array().value(name).end_array();
    json.member("action", action);
    if (errno_ret != 0)
        json.member("errnoRet", errno_ret);
    if (!conditions.empty()) {
        json.key("args").begin_array();
        for (auto const& condition : conditions) {
            json.begin_object().member("index", condition.index).member("value", condition.value);
            json.member("valueTwo", condition.value_two).member("op", condition.op).end_object();
        }
        json.end_array();
    }
    json.end_object();
}

void allow(JsonWriter& json, Name name, Condition const& condition)
{
    write_rule(json, name, "SCMP_ACT_ALLOW", std::span(&condition, 1));
}

} // namespace

std::span<AllowedGroup const> allowed_groups()
{
    return groups;
}

void write_default_profile(JsonWriter& json)
{
    json.begin_object().member("defaultAction", "SCMP_ACT_ERRNO").member("defaultErrnoRet", EPERM);
    json.key("architectures").begin_array();
#if defined(__x86_64__)
    json.value("SCMP_ARCH_X86_64").value("SCMP_ARCH_X86").value("SCMP_ARCH_X32");
#elif defined(__aarch64__)
    json.value("SCMP_ARCH_AARCH64").value("SCMP_ARCH_ARM");
#endif
    json.end_array();
    json.key("syscalls").begin_array();
    for (auto const& group : groups) {
        json.begin_object().key("names").begin_array();
        for (auto name : group.names)
            json.value(name);
        json.end_array().member("action", "SCMP_ACT_ALLOW").end_object();
    }
    // Every family but AF_VSOCK, which reaches the hypervisor, and AF_ALG, a large surface that few programs use.
    allow(json, "socket", { 0, AF_ALG, 0, "SCMP_CMP_LT" });
    allow(json, "socket", { 0, AF_ALG + 1, 0, "SCMP_CMP_EQ" });
    allow(json, "socket", { 0, AF_VSOCK, 0, "SCMP_CMP_GT" });
    allow(json, "socketcall", { 0, 1, 0, "SCMP_CMP_GE" }); // 32-bit programs; its arguments are out of a filter's sight
    // Plain Linux and what setarch(8) and old programs ask for; ADDR_NO_RANDOMIZE for debuggers.
    constexpr std::uint64_t no_randomizing = ADDR_NO_RANDOMIZE;
    constexpr std::uint64_t only_asking = 0xffffffff;
    for (std::uint64_t kind :
        { std::uint64_t { PER_LINUX }, std::uint64_t { PER_LINUX32 }, no_randomizing, no_randomizing | PER_LINUX32, only_asking })
        allow(json, "personality", { 0, kind, 0, "SCMP_CMP_EQ" });
    // Threads and processes, but no namespaces. clone3 keeps its flags in memory, where no filter can see them: "not
    // there" makes the C library take clone instead.
    allow(json, "clone", { 0, new_namespaces, 0, "SCMP_CMP_MASKED_EQ" });
    write_rule(json, "clone3", "SCMP_ACT_ERRNO", {}, ENOSYS);
    json.end_array().end_object();
}

} // namespace bulkhead::do_command
