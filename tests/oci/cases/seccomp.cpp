// config-linux.md, seccomp: actions, errno values, argument rules, and the listener.
#include "driver/console.h"
#include "driver/session.h"

#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <poll.h>
#include <thread>

using namespace conformance;

namespace {

#if defined(__aarch64__)
constexpr char const* native = "SCMP_ARCH_AARCH64";
#else
constexpr char const* native = "SCMP_ARCH_X86_64";
#endif

// A call that nothing needs, that never fails on its own for policies 0 to 3, and whose first argument can be compared.
constexpr char const* call_name = "sched_get_priority_max";

std::string call_probe(std::string const& kind, long argument = 1, long second = 0)
{
    return kind + ":" + std::to_string(SYS_sched_get_priority_max) + ":" + std::to_string(argument) + ":" + std::to_string(second) + ":0:0";
}

Json rule(std::string const& action)
{
    return { { "names", { call_name } }, { "action", action } };
}

Json filter_with(Json const& one_rule)
{
    return { { "defaultAction", "SCMP_ACT_ALLOW" }, { "architectures", { native } }, { "syscalls", Json::array({ one_rule }) } };
}

Json report_under(Session& t, Json const& seccomp, std::vector<std::string> probes)
{
    auto bundle = t.new_bundle();
    bundle.config["linux"]["seccomp"] = seccomp;
    probes.emplace_back("report");
    bundle.probes(probes);
    return t.report(bundle);
}

Json compare(int index, long value, char const* operation, long second = 0)
{
    return { { "index", index }, { "value", value }, { "valueTwo", second }, { "op", operation } };
}

// Answers every notification on this descriptor until it is told to end.
void serve_notifications(int descriptor, std::atomic<bool>& over)
{
    while (!over) {
        pollfd waiting { descriptor, POLLIN, 0 };
        if (poll(&waiting, 1, 50) <= 0)
            continue;
        if (waiting.revents & (POLLHUP | POLLERR | POLLNVAL))
            return;
        seccomp_notif request {};
        if (ioctl(descriptor, SECCOMP_IOCTL_NOTIF_RECV, &request) != 0)
            continue;
        seccomp_notif_resp answer {};
        answer.id = request.id;
        answer.val = 4242;
        ioctl(descriptor, SECCOMP_IOCTL_NOTIF_SEND, &answer);
    }
}

} // namespace

OCI_TEST(errno_of_refused_calls, "R-12.2", "R-12.3", "R-12.1", "R-12.4")
{
    auto report = report_under(t, filter_with(rule("SCMP_ACT_ERRNO")), { call_probe("call") });
    t.equal("R-12.2", probe_errno(report, call_probe("call")), EPERM, "errno without errnoRet");
    auto with_value = rule("SCMP_ACT_ERRNO");
    with_value["errnoRet"] = ENOTNAM;
    report = report_under(t, filter_with(with_value), { call_probe("call") });
    t.equal("R-12.3", probe_errno(report, call_probe("call")), ENOTNAM, "errno with errnoRet");
    // Everything allowed by name but one call, and the default refuses.
    Json everything = Json::array();
    for (auto const* name : { "read", "write", "open", "openat", "openat2", "close", "fstat", "newfstatat", "stat", "lstat", "lseek", "mmap",
             "mprotect", "munmap", "brk", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "ioctl", "pread64", "writev", "readv", "access",
             "faccessat", "faccessat2", "pipe2", "dup", "dup2", "dup3", "getpid", "gettid", "getppid", "socket", "connect", "sendto", "recvfrom",
             "sendmsg", "recvmsg", "bind", "getsockname", "clone", "clone3", "fork", "vfork", "execve", "execveat", "exit", "exit_group", "wait4",
             "kill", "tgkill", "uname", "fcntl", "getcwd", "chdir", "fchdir", "readlink", "readlinkat", "umask", "getrlimit", "prlimit64", "getuid",
             "getgid", "geteuid", "getegid", "getresuid", "getresgid", "getgroups", "setgroups", "setresuid", "setresgid", "setuid", "setgid",
             "capget", "capset", "prctl", "arch_prctl", "set_tid_address", "set_robust_list", "rseq", "futex", "getdents64", "getrandom",
             "clock_gettime", "sched_getattr", "sched_getaffinity", "sched_yield", "ioprio_get", "get_mempolicy", "personality", "getpgrp", "getpgid",
             "getsid", "setsid", "statfs", "fstatfs", "statx", "close_range", "epoll_create1", "epoll_ctl", "epoll_pwait", "eventfd2", "nanosleep",
             "clock_nanosleep", "madvise", "mount", "umount2", "pivot_root", "fchmod", "fchown", "chmod", "chown", "sigaltstack", "tkill",
             "sched_setaffinity", "seccomp", "sethostname", "keyctl", "mincore", "shutdown" })
        everything.push_back(name);
    Json seccomp = { { "defaultAction", "SCMP_ACT_ERRNO" }, { "architectures", { native } },
        { "syscalls", Json::array({ { { "names", everything }, { "action", "SCMP_ACT_ALLOW" } } }) } };
    report = report_under(t, seccomp, { call_probe("call") });
    t.equal("R-12.1", probe_errno(report, call_probe("call")), EPERM, "errno of the default action");
    seccomp["defaultErrnoRet"] = ENOTNAM;
    report = report_under(t, seccomp, { call_probe("call") });
    t.equal("R-12.4", probe_errno(report, call_probe("call")), ENOTNAM, "errno with defaultErrnoRet");
}

OCI_TEST(actions_have_their_effect, "R-12.8", "R-12.9", "R-12.10", "R-12.11", "R-12.12")
{
    for (auto const* action : { "SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD" }) {
        auto report = report_under(t, filter_with(rule(action)), { call_probe("callchild"), call_probe("callthread") });
        t.equal("R-12.8", number_at(result_of(report, call_probe("callchild")), "signal"), SIGSYS,
            std::string(action) + ": what ends a process of one thread");
        t.equal("R-12.8", number_at(result_of(report, call_probe("callthread")), "exit"), 0, std::string(action) + ": the thread ends alone");
    }
    auto report = report_under(t, filter_with(rule("SCMP_ACT_KILL_PROCESS")), { call_probe("callthread") });
    t.equal("R-12.9", number_at(result_of(report, call_probe("callthread")), "signal"), SIGSYS, "what ends the process when one thread calls");
    report = report_under(t, filter_with(rule("SCMP_ACT_TRAP")), { call_probe("callchild") });
    t.equal("R-12.10", number_at(result_of(report, call_probe("callchild")), "signal"), SIGSYS, "signal of TRAP");
    report = report_under(t, filter_with(rule("SCMP_ACT_TRACE")), { call_probe("call") });
    t.equal("R-12.11", probe_errno(report, call_probe("call")), ENOSYS, "TRACE without a tracer");
    for (auto const* action : { "SCMP_ACT_LOG", "SCMP_ACT_ALLOW" }) {
        auto seccomp = filter_with(rule(action));
        report = report_under(t, seccomp, { call_probe("call") });
        t.check("R-12.12", probe_ok(report, call_probe("call")), std::string(action) + " lets the call pass");
    }
}

OCI_TEST(arguments_are_compared, "R-12.13", "R-12.14")
{
    struct Row {
        Json condition;
        std::vector<int> refused; // of policies 0, 1, 2
    };
    Row const rows[] = { { compare(0, 1, "SCMP_CMP_EQ"), { 1 } }, { compare(0, 1, "SCMP_CMP_NE"), { 0, 2 } }, { compare(0, 1, "SCMP_CMP_LT"), { 0 } },
        { compare(0, 1, "SCMP_CMP_LE"), { 0, 1 } }, { compare(0, 1, "SCMP_CMP_GE"), { 1, 2 } }, { compare(0, 1, "SCMP_CMP_GT"), { 2 } },
        { compare(0, 2, "SCMP_CMP_MASKED_EQ", 2), { 2 } } };
    std::vector<std::string> const probes { call_probe("call", 0), call_probe("call", 1), call_probe("call", 2) };
    for (auto const& row : rows) {
        auto one = rule("SCMP_ACT_ERRNO");
        one["args"] = Json::array({ row.condition });
        auto report = report_under(t, filter_with(one), probes);
        std::vector<int> refused;
        for (int policy = 0; policy < 3; ++policy) {
            if (!probe_ok(report, probes[static_cast<std::size_t>(policy)]))
                refused.push_back(policy);
        }
        t.equal("R-12.13", refused, row.refused, text_at(row.condition, "op") + ": refused of 0, 1, 2");
    }
    auto both = rule("SCMP_ACT_ERRNO");
    both["args"] = { compare(0, 1, "SCMP_CMP_EQ"), compare(1, 5, "SCMP_CMP_EQ") };
    auto report = report_under(t, filter_with(both), { call_probe("call", 1, 5), call_probe("call", 1, 6), call_probe("call", 2, 5) });
    t.check("R-12.14", !report.is_null() && !probe_ok(report, call_probe("call", 1, 5)), "both match: refused");
    t.check("R-12.14", probe_ok(report, call_probe("call", 1, 6)) && probe_ok(report, call_probe("call", 2, 5)), "one matches: allowed");
}

OCI_TEST(wrong_filters_are_refused, "R-12.5", "R-12.6", "R-12.7", "R-12.15", "R-12.16")
{
    auto wrong = [&](char const* requirement, Json const& seccomp, std::string const& what) {
        auto bundle = t.new_bundle();
        bundle.config["linux"]["seccomp"] = seccomp;
        t.refuses_by_start(requirement, bundle, what);
    };
    auto one = rule("SCMP_ACT_KILL");
    one["errnoRet"] = 5;
    wrong("R-12.5", filter_with(one), "errnoRet with SCMP_ACT_KILL");
    auto filter = filter_with(rule("SCMP_ACT_ERRNO"));
    filter["architectures"] = { native, "SCMP_ARCH_X86", "SCMP_ARCH_ARM" };
    auto report = report_under(t, filter, { call_probe("call") });
    t.equal("R-12.6", probe_errno(report, call_probe("call")), EPERM, "with more architectures");
    filter["architectures"] = { "SCMP_ARCH_NONSENSE" };
    wrong("R-12.6", filter, "an unknown architecture");
    filter = filter_with(rule("SCMP_ACT_ERRNO"));
    filter["flags"] = { "SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW" };
    auto flagged = t.new_bundle();
    flagged.config["linux"]["seccomp"] = filter;
    flagged.probes({ call_probe("call"), "report" });
    auto done = t.run(flagged);
    if (done.ok())
        t.equal("R-12.7", probe_errno(report_in(done.output), call_probe("call")), EPERM, "with flags LOG and SPEC_ALLOW");
    else
        t.check("R-12.7", done.refused(), "flags LOG and SPEC_ALLOW are refused aloud");
    filter["flags"] = { "SECCOMP_FILTER_FLAG_NONSENSE" };
    wrong("R-12.7", filter, "an unknown flag");
    wrong("R-12.15", filter_with(rule("SCMP_ACT_NONSENSE")), "an unknown action");
    auto strange = rule("SCMP_ACT_ERRNO");
    strange["args"] = Json::array({ compare(0, 1, "SCMP_CMP_NONSENSE") });
    wrong("R-12.15", filter_with(strange), "an unknown operator");
    filter = filter_with(rule("SCMP_ACT_ERRNO"));
    filter["defaultAction"] = "SCMP_ACT_NONSENSE";
    wrong("R-12.15", filter, "an unknown default action");
    auto nameless = rule("SCMP_ACT_ERRNO");
    nameless["names"] = Json::array();
    wrong("R-12.16", filter_with(nameless), "names is empty");
}

OCI_TEST(a_listener_answers_calls, "R-12.17", "R-12.18", "R-12.19", "R-12.20")
{
    auto bundle = t.new_bundle();
    auto path = t.path("listener");
    int listener = listen_on(path);
    auto seccomp = filter_with(rule("SCMP_ACT_NOTIFY"));
    seccomp["listenerPath"] = path;
    seccomp["listenerMetadata"] = "opaque text";
    bundle.config["linux"]["seccomp"] = seccomp;
    bundle.config["annotations"] = { { "com.example.notify", "1" } };
    bundle.probes({ call_probe("call"), "report" });
    Received received;
    std::atomic<bool> over = false;
    std::thread agent([&] {
        received = receive_all(listener, std::chrono::seconds(4));
        if (received.descriptor >= 0)
            serve_notifications(received.descriptor, over);
    });
    auto id = t.new_id();
    auto created = t.create(bundle, id);
    auto pid = created.ok() ? number_at(t.state(id), "pid") : -1;
    if (created.ok() && t.start(id).ok())
        t.wait_for_status(id, "stopped");
    over = true;
    agent.join();
    close(listener);
    if (!created.ok())
        return;
    auto report = report_in(t.output_of(id));
    t.equal("R-12.17", number_at(result_of(report, call_probe("call")), "value"), 4242, "the call's result is the listener's");
    t.check("R-12.18", received.connected && received.closed, "one connection, closed by the runtime");
    auto state = parse_json(received.bytes);
    t.check("R-12.18", state.is_object(), "exactly one state: " + one_line(received.bytes));
    t.equal("R-12.19", at(state, "fds"), Json::array({ "seccompFd" }), "fds");
    t.equal("R-12.19", text_at(state, "metadata"), "opaque text", "metadata");
    t.check("R-12.19", !text_at(state, "ociVersion").empty(), "ociVersion");
    t.equal("R-12.19", number_at(state, "pid"), pid, "pid");
    auto const& container = at(state, "state");
    t.check("R-12.19",
        text_at(container, "id") == id && text_at(container, "bundle") == bundle.folder() && number_at(container, "pid") == pid
            && text_at(at(container, "annotations"), "com.example.notify") == "1" && !text_at(container, "status").empty(),
        "state: " + one_line(show(container)));
    t.check("R-12.20", received.descriptor_count == 1 && received.descriptors_in_first_message,
        std::to_string(received.descriptor_count) + " descriptors, with the first message");
}

OCI_TEST(listeners_are_checked, "R-12.21", "R-12.22", "R-12.23")
{
    auto notify = filter_with(rule("SCMP_ACT_NOTIFY"));
    notify["listenerPath"] = t.path("nobody-listens");
    auto bundle = t.new_bundle();
    bundle.config["linux"]["seccomp"] = notify;
    t.refuses_by_start("R-12.21", bundle, "a listener socket that does not exist");
    auto quiet = filter_with(rule("SCMP_ACT_ERRNO"));
    quiet["listenerPath"] = t.path("nobody-listens");
    auto report = report_under(t, quiet, { call_probe("call") });
    t.check("R-12.22", !report.is_null(), "listenerPath without SCMP_ACT_NOTIFY is ignored");
    auto second = t.new_bundle();
    auto lonely = filter_with(rule("SCMP_ACT_ERRNO"));
    lonely["listenerMetadata"] = "text";
    second.config["linux"]["seccomp"] = lonely;
    t.refuses_by_start("R-12.23", second, "listenerMetadata without listenerPath");
}
