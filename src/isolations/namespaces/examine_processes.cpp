// What a launch does to processes: filters, descriptors of processes, programs in memory, limits.

#include "isolations/namespaces/examine.h"

#include "host/process.h"
#include "init_stage/init_stage.h"

#include <array>
#include <cstddef>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bulkhead::namespaces {

namespace {

using host::TrialEnd;

// getppid(2) gets ACTION, all else passes.
SysResult<long> load_filter(std::uint32_t action, unsigned flags)
{
    std::array<sock_filter, 4> instructions { {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, action),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    } };
    sock_fprog program { .len = instructions.size(), .filter = instructions.data() };
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return last_errno();
    auto loaded = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
    if (loaded < 0)
        return last_errno();
    return loaded;
}

TrialEnd try_filter()
{
    if (auto loaded = load_filter(SECCOMP_RET_ERRNO | ENOTSUP, 0); loaded.is_error())
        return TrialEnd::failure("load a seccomp filter", loaded.error());
    if (::syscall(SYS_getppid) >= 0 || errno != ENOTSUP)
        return TrialEnd::failure("be refused by a seccomp filter", Errno::notsup);
    return TrialEnd::success("filter loaded, and it refused the call it was to refuse");
}

TrialEnd try_listener()
{
    if (auto loaded = load_filter(SECCOMP_RET_USER_NOTIF, SECCOMP_FILTER_FLAG_NEW_LISTENER); loaded.is_error())
        return TrialEnd::failure("load a filter with a listener", loaded.error());
    return TrialEnd::success("filter with a listener loaded");
}

TrialEnd try_pidfd()
{
    auto own = host::open_pidfd(::getpid());
    if (own.is_error())
        return TrialEnd::failure("pidfd_open", own.error());
    if (auto sent = host::signal_pidfd(own.value(), 0); sent.is_error())
        return TrialEnd::failure("pidfd_send_signal", sent.error());
    if (auto taken = host::take_descriptor(own.value(), own.value().fd()); taken.is_error())
        return TrialEnd::failure("pidfd_getfd", taken.error());
    return TrialEnd::success("opened, signalled and asked for a descriptor");
}

// The init stage itself, run without a plan: then it leaves at once.
TrialEnd try_memory_program()
{
    auto program = init_stage::open_program();
    if (program.is_error())
        return TrialEnd::failure("make a sealed memfd", program.error());
    auto child = ::fork();
    if (child == 0) {
        std::array<char*, 1> nothing { nullptr };
        std::array<char, 5> name { 'c', 'h', 'e', 'c', 'k' };
        std::array<char*, 2> arguments { name.data(), nullptr };
        ::syscall(SYS_execveat, program.value().fd(), "", arguments.data(), nothing.data(), AT_EMPTY_PATH);
        ::_exit(errno == EACCES ? 251 : 250);
    }
    auto status = host::wait_for_exit(child);
    if (status.is_error() || status.value() == 250 || status.value() == 251)
        return TrialEnd::failure("execute a program from a memfd", status.is_ok() && status.value() == 251 ? Errno::access : Errno::nosys);
    return TrialEnd::success("sealed memfd made and executed");
}

TrialEnd try_raising_limits()
{
    rlimit limit {};
    if (::getrlimit(RLIMIT_CORE, &limit) < 0)
        return TrialEnd::last("read a limit");
    // Down is allowed to everybody, up again only with CAP_SYS_RESOURCE.
    rlimit lower { .rlim_cur = 0, .rlim_max = 4096 };
    rlimit higher { .rlim_cur = 0, .rlim_max = 8192 };
    if (::setrlimit(RLIMIT_CORE, &lower) < 0)
        return TrialEnd::last("lower a hard limit");
    if (::setrlimit(RLIMIT_CORE, &higher) < 0)
        return TrialEnd::last("raise a hard limit");
    return TrialEnd::success("hard limit lowered and raised again");
}

void report(Findings& findings, std::string subject, TrialEnd const& end, bool is_needed, std::string advice)
{
    if (end.worked())
        findings.push_back(fine(std::move(subject), end.text));
    else if (is_needed)
        findings.push_back(missing(std::move(subject), end.complaint(), std::move(advice)));
    else
        findings.push_back(limited(std::move(subject), end.complaint(), std::move(advice)));
}

} // namespace

void examine_processes(TrialHost const& host, Findings& findings)
{
    report(findings, "seccomp filters", host::try_in_child({}, try_filter), true, "use a kernel with CONFIG_SECCOMP_FILTER");
    report(findings, "seccomp notification", host::try_in_child({}, try_listener), false, "profiles with listenerPath need Linux 5.5 or newer");
    report(findings, "process descriptors", host::try_in_child({}, try_pidfd), true, "use Linux 5.6 or newer");
    report(findings, "programs in memory", host::try_in_child({}, try_memory_program), true,
        "set vm.memfd_noexec to 0 or 1 (/proc/sys/vm/memfd_noexec)");
    // Inside a user namespace the capability exists but does not count for limits.
    report(findings, "raising limits", host::try_in_child(host.request(0), try_raising_limits), false,
        "rlimits of a container can only be lowered; run with CAP_SYS_RESOURCE to raise them, or ask the engine for smaller ulimits");
}

} // namespace bulkhead::namespaces
