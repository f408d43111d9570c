#include "isolations/namespaces/exec.h"

#include "base/log.h"
#include "base/text.h"
#include "host/process.h"
#include "isolations/namespaces/console.h"
#include "isolations/namespaces/network.h"
#include "isolations/namespaces/process_setup.h"
#include "seccomp/cache.h"
#include "seccomp/listener.h"

#include <array>
#include <csignal>
#include <cstring>
#include <optional>

#include <linux/magic.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace bulkhead::namespaces {

namespace {

constexpr std::array<std::pair<char const*, std::uint64_t>, 8> namespace_files { {
    { "user", CLONE_NEWUSER },
    { "mnt", CLONE_NEWNS },
    { "pid", CLONE_NEWPID },
    { "net", CLONE_NEWNET },
    { "ipc", CLONE_NEWIPC },
    { "uts", CLONE_NEWUTS },
    { "cgroup", CLONE_NEWCGROUP },
    { "time", CLONE_NEWTIME },
} };

// The namespaces of a process that are not this process's own.
Result<std::uint64_t> foreign_namespaces(pid_t pid)
{
    std::uint64_t flags = 0;
    for (auto const& [name, flag] : namespace_files) {
        struct stat ours { };
        struct stat theirs { };
        if (::stat((std::string("/proc/self/ns/") + name).c_str(), &ours) < 0)
            continue; // this kernel has no such namespace
        if (::stat(("/proc/" + std::to_string(pid) + "/ns/" + name).c_str(), &theirs) < 0)
            return Error::last("read the container's " + std::string(name) + " namespace");
        if (ours.st_ino != theirs.st_ino || ours.st_dev != theirs.st_dev)
            flags |= flag;
    }
    return flags;
}

bool is_setgroups_denied(pid_t pid)
{
    auto text = read_file_at(FileView::current_directory(), "/proc/" + std::to_string(pid) + "/setgroups", 16);
    return text.is_ok() && trim(text.value()) == "deny";
}

struct Exec {
    ExecTarget const& target;
    isolation::ExecPlan const& plan;
    std::uint64_t namespaces = 0;
    std::optional<seccomp::Program> filter;
    ProcessSetup setup;
    cgroup::Entry cgroup_entry;
    File first_pidfd;
    File init_stage;
    File console;
    File pidfd_receiver;
    host::Channel runtime_end;
    host::Channel container_end;

    oci::Process const& process() const { return plan.process; }
    bool changes_user() const { return namespaces & CLONE_NEWUSER; }
};

// --- the container's side -------------------------------------------------------------------------------------------

Result<Unit> become_root(Exec const& exec)
{
    if (!exec.changes_user())
        return ok();
    if ((exec.setup.plan.flags & init_stage::set_groups) && ::syscall(SYS_setgroups, 0, nullptr) < 0)
        return Error::last("drop the runtime's groups");
    if (::syscall(SYS_setresgid, 0, 0, 0) < 0 || ::syscall(SYS_setresuid, 0, 0, 0) < 0)
        return Error::last("become root in the container's user namespace");
    return ok();
}

Result<Unit> start_session(Exec const& exec)
{
    if (::setsid() < 0)
        return Error::last("start a session");
    if (!exec.target.no_new_keyring)
        return join_session_keyring(exec.target.id);
    return ok();
}

Result<Unit> take_terminal(Exec& exec)
{
    take_null_of_this_root();
    if (!exec.process().terminal)
        return ok();
    auto pair = TRY(open_terminal_inside(exec.process().user.uid));
    if (exec.process().console_size)
        TRY(set_terminal_size(pair.slave, *exec.process().console_size));
    TRY(become_controlling_terminal(pair.slave));
    return send_terminal(exec.console, pair.master);
}

Result<Unit> hand_over(Exec& exec)
{
    auto& setup = exec.setup;
    setup.plan.sync_fd = exec.container_end.view().fd();
    setup.plan.gate = init_stage::Gate::sync;
    File proc;
    if (!setup.parts.label.empty()) {
        proc = TRY(open_at(FileView::current_directory(), "/proc", O_PATH | O_DIRECTORY | O_NOFOLLOW).or_error("open /proc in the container"));
        struct statfs kind { };
        if (::fstatfs(proc.fd(), &kind) < 0 || kind.f_type != PROC_SUPER_MAGIC)
            return Error { .code = Errno::perm, .message = "/proc in the container is not a procfs, so the security label cannot be set" };
        setup.plan.proc_fd = proc.fd();
        TRY(host::keep_on_exec(proc).or_error("pass /proc on"));
    }
    TRY(host::keep_on_exec(exec.container_end.view()).or_error("pass the channel on"));
    auto plan = TRY(init_stage::write_plan(setup.plan, setup.parts));
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    for (int number = 1; number < 65; ++number)
        ::signal(number, SIG_DFL);
    return init_stage::execute(exec.init_stage, plan, setup.arguments, setup.environment);
}

Result<Unit> run_final_process(Exec& exec)
{
    TRY(become_root(exec));
    TRY(start_session(exec));
    TRY(take_terminal(exec));
    TRY(apply_linux_attributes(exec.target.config));
    TRY(settle_process(exec.setup, exec.process()));
    if (exec.process().exec_cpu_affinity)
        TRY(set_cpu_affinity(exec.process().exec_cpu_affinity->final_list, "process.execCPUAffinity.final"));
    return hand_over(exec);
}

// Moves into the container's control group and namespaces, then makes the final process: pid namespaces hold children only.
Result<Unit> run_joining_process(Exec& exec)
{
    exec.runtime_end.close();
    ::prctl(PR_SET_DUMPABLE, 0);
    if (exec.process().exec_cpu_affinity)
        TRY(set_cpu_affinity(exec.process().exec_cpu_affinity->initial, "process.execCPUAffinity.initial"));
    TRY(cgroup::enter(exec.cgroup_entry).or_error("enter the container's control group"));
    if (exec.namespaces != 0 && ::setns(exec.first_pidfd.fd(), static_cast<int>(exec.namespaces)) < 0)
        return Error::last("join the container's namespaces");
    auto child = TRY(host::clone_process({ .flags = CLONE_PARENT }).or_error("start a process in the container"));
    if (child.pid == 0)
        return run_final_process(exec);
    (void)exec.container_end.send(message_pid, std::to_string(child.pid));
    ::_exit(0);
}

[[noreturn]] void run_container_side(Exec& exec)
{
    auto done = run_joining_process(exec);
    if (done.is_error())
        (void)exec.container_end.send(message_error, encode_error(done.error()));
    ::_exit(1);
}

// --- the runtime's side ---------------------------------------------------------------------------------------------

Result<cgroup::Entry> open_group(ExecTarget const& target, std::string const& wanted)
{
    if (!target.group) {
        if (!wanted.empty())
            return invalid("--cgroup: the container has no control group");
        return cgroup::Entry {};
    }
    if (wanted.empty()) {
        auto entry = target.group->entry();
        return entry.is_error() && entry.error().code == Errno::busy ? target.group->entry_of_process(target.first_pid) : std::move(entry);
    }
    auto colon = wanted.find(':');
    if (colon == std::string::npos)
        return target.group->entry_below("", wanted);
    return target.group->entry_below(wanted.substr(0, colon), wanted.substr(colon + 1));
}

Result<Unit> prepare(Exec& exec)
{
    auto const& target = exec.target;
    exec.first_pidfd = TRY(host::open_pidfd(target.first_pid).or_error("open the container's first process"));
    if (!host::is_alive(target.first_pid, target.first_start_time))
        return Error { .code = Errno::srch, .message = "container not running" };
    exec.namespaces = TRY(foreign_namespaces(target.first_pid));
    if (target.config.linux_section.seccomp)
        exec.filter = TRY(seccomp::compile_cached(*target.config.linux_section.seccomp, target.cache_path));
    exec.setup = TRY(prepare_process(exec.process(),
        { .preserve_fds = exec.plan.io.preserve_fds,
            .setgroups_denied = is_setgroups_denied(target.first_pid),
            .filter = exec.filter ? &*exec.filter : nullptr }));
    exec.cgroup_entry = TRY(open_group(target, exec.plan.cgroup));
    if (!exec.plan.io.console_socket.empty())
        exec.console = TRY(connect_console(exec.plan.io.console_socket));
    if (!exec.plan.io.pidfd_socket.empty())
        exec.pidfd_receiver = TRY(host::connect_unix(exec.plan.io.pidfd_socket).context("--pidfd-socket"));
    exec.init_stage = TRY(init_stage::open_program().or_error("make the init stage's memfd"));
    auto channels = TRY(host::Channel::make_pair().or_error("make a channel to the container"));
    exec.runtime_end = std::move(channels.first);
    exec.container_end = std::move(channels.second);
    return ok();
}

// Born inside the group where cgroup v2 allows it: moving there later takes a lock over all threads of the host.
Result<host::Cloned> start_joining_process(Exec& exec)
{
    auto group = std::move(exec.cgroup_entry.v2_directory);
    auto started = host::clone_process({ .flags = 0, .into_cgroup = group });
    if (started.is_error() && group.is_open()) {
        exec.cgroup_entry.v2_directory = std::move(group);
        started = host::clone_process({});
    }
    return std::move(started).or_error("start the joining process");
}

Result<Unit> pass_listener_on(Exec& exec, isolation::StartedProcess const& started, host::Message const& message)
{
    init_stage::Failure report {};
    if (message.text.size() != sizeof report)
        return Error { .code = Errno::io, .message = "the init stage sent a broken message" };
    std::memcpy(&report, message.text.data(), sizeof report);
    auto listener = TRY(host::take_descriptor(started.pidfd, report.code).or_error("take the seccomp listener out of the container"));
    TRY(seccomp::send_listener(
        exec.filter->listener_path, listener, { .state = exec.target.state, .pid = started.pid, .metadata = exec.filter->listener_metadata }));
    return exec.runtime_end.send(init_stage::message_go).or_error("answer the new process");
}

Result<Unit> serve(Exec& exec, host::Cloned& joining, isolation::StartedProcess& started)
{
    std::optional<host::Message> listener;
    bool is_ready = false;
    bool is_let_go = false;
    for (;;) {
        // The two processes share the channel, so the second may be heard before the first has named its pid.
        if (listener && started.pid != 0) {
            TRY(pass_listener_on(exec, started, *listener));
            listener.reset();
        }
        if (is_ready && started.pid != 0 && !is_let_go) {
            TRY(set_process_attributes(started.pid, exec.process(), exec.target.rootless));
            if (exec.pidfd_receiver.is_open())
                TRY(send_pidfd(exec.pidfd_receiver, started.pidfd, "setns"));
            TRY(exec.runtime_end.send(init_stage::message_go).or_error("start the program"));
            is_let_go = true;
        }
        auto message = TRY(exec.runtime_end.receive().or_error("hear from the new process"));
        switch (message.kind) {
        case message_pid: {
            auto pid = parse_number<pid_t>(message.text);
            if (!pid || *pid <= 0 || started.pid != 0)
                return Error { .code = Errno::io, .message = "the joining process sent no pid" };
            started.pid = *pid;
            started.pidfd = TRY(host::open_pidfd(*pid).or_error("open the new process"));
            TRY(host::wait_for_exit(joining.pid).or_error("wait for the joining process"));
            joining = {};
            break;
        }
        case init_stage::message_listener:
            listener = std::move(message);
            break;
        case init_stage::message_ready:
            is_ready = true;
            break;
        case message_error:
            return decode_error(message.text);
        case init_stage::message_failed:
            return stage_error(message, exec.process());
        case 0:
            if (is_let_go)
                return ok();
            return Error { .code = Errno::io, .message = "the new process died while it was being set up" };
        default:
            return Error { .code = Errno::io, .message = "the new process sent a message out of order" };
        }
    }
}

} // namespace

Result<isolation::StartedProcess> exec_in_container(ExecTarget const& target, isolation::ExecPlan const& plan)
{
    Exec exec { target, plan };
    TRY(prepare(exec));
    if (!target.rootless)
        ::prctl(PR_SET_DUMPABLE, 0);
    TRY(make_room_for_limits(exec.process(), target.rootless));
    auto joining = TRY(start_joining_process(exec));
    if (joining.pid == 0)
        run_container_side(exec);
    exec.container_end.close();
    isolation::StartedProcess started;
    auto served = serve(exec, joining, started);
    if (served.is_error()) {
        if (joining.pid > 0) {
            (void)host::signal_pidfd(joining.pidfd, SIGKILL);
            (void)host::wait_for_exit(joining.pid);
        }
        // The second process may have been announced by a message that was never read.
        if (started.pid > 0) {
            (void)host::signal_pidfd(started.pidfd, SIGKILL);
            (void)host::wait_for_exit(started.pid);
        }
        return served.release_error();
    }
    return started;
}

} // namespace bulkhead::namespaces
