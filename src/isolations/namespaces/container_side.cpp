// The container's side of a launch: a list of named steps, from clone3 until the init stage takes over.

#include "isolations/namespaces/console.h"
#include "isolations/namespaces/hooks.h"
#include "isolations/namespaces/launch.h"
#include "isolations/namespaces/network.h"

#include "base/log.h"
#include "base/text.h"

#include <array>
#include <csignal>

#include <linux/keyctl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace bulkhead::namespaces {

using oci::NamespaceType;

namespace {

constexpr std::uint64_t late_flags = CLONE_NEWCGROUP; // made after the control group is entered

// Nobody in a shared pid namespace may look into a process that is still privileged. Not before the id maps are written:
// the files in /proc/PID of such a process belong to the host's root, whom a rootless runtime is not.
void hide_from_others()
{
    ::prctl(PR_SET_DUMPABLE, 0);
}

struct ContainerSide {
    Launch& launch;
    oci::Config const& config;
    oci::Process const& process;
    host::Channel& runtime;
    std::optional<root::RootFileSystem> root;
    root::Terminal terminal;

    bool is_own(NamespaceType type) const { return launch.namespaces.is_own(type); }

    Result<Unit> become_root_in_user_namespace()
    {
        if (!is_own(NamespaceType::user))
            return ok();
        if (launch.namespaces.is_new(NamespaceType::user) && !launch.namespaces.needs_two_stages()) {
            TRY(wait_for_go(runtime)); // the runtime fills the id maps
            hide_from_others();
        }
        // Without setgroups(2) there are no groups to drop, or no right to.
        if (launch.process.plan.flags & init_stage::set_groups) {
            if (::syscall(SYS_setgroups, 0, nullptr) < 0)
                return Error::last("drop the runtime's groups");
        }
        if (::syscall(SYS_setresgid, 0, 0, 0) < 0 || ::syscall(SYS_setresuid, 0, 0, 0) < 0)
            return Error { .code = last_errno(),
                .message = "become root in the user namespace: " + errno_text(last_errno()),
                .hint = "linux.uidMappings and gidMappings must map container id 0" };
        return ok();
    }

    Result<Unit> enter_cgroup()
    {
        if (launch.enters_cgroup_itself) {
            TRY(cgroup::enter(launch.cgroup_entry).or_error("enter the container's control group"));
        } else {
            TRY(runtime.send(message_cgroup).or_error("ask for the control group"));
            TRY(wait_for_go(runtime));
        }
        if (launch.namespaces.is_new(NamespaceType::cgroup) && ::unshare(CLONE_NEWCGROUP) < 0)
            return Error::last("make a cgroup namespace");
        return ok();
    }

    Result<Unit> join_namespaces()
    {
        // pid, user and time were joined by the first of two stages.
        TRY(join(launch.namespaces, CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP));
        return join(launch.namespaces, CLONE_NEWNS);
    }

    Result<Unit> make_session()
    {
        if (::setsid() < 0)
            return Error::last("start a session");
        if (!launch.plan.no_new_keyring)
            return join_session_keyring(launch.plan.id);
        return ok();
    }

    Result<Unit> set_up_network()
    {
        if (launch.namespaces.is_new(NamespaceType::network))
            return bring_loopback_up();
        return ok();
    }

    Result<Unit> build_root()
    {
        root.emplace(*launch.root_plan, std::move(launch.sources));
        return root->build();
    }

    Result<Unit> run_early_hooks()
    {
        if (launch.has_early_hooks) {
            TRY(runtime.send(message_hooks).or_error("ask for the hooks"));
            TRY(wait_for_go(runtime));
        }
        return run_hooks(config.hooks.create_container, "createContainer", container_state(oci::Status::creating, host_pid));
    }

    std::string container_state(oci::Status status, std::int64_t pid) const
    {
        return oci::state_json(
            { .id = launch.plan.id, .status = status, .pid = pid, .bundle = launch.plan.bundle, .annotations = config.annotations }, 0);
    }

    // createContainer hooks still see the host's /proc, startContainer hooks the container's own.
    bool has_inner_hooks() const { return !config.hooks.create_container.empty(); }

    Result<Unit> set_names()
    {
        if (!config.hostname.empty() && ::sethostname(config.hostname.data(), config.hostname.size()) < 0)
            return Error::last("hostname: set \"" + config.hostname + "\"");
        if (!config.domainname.empty() && ::setdomainname(config.domainname.data(), config.domainname.size()) < 0)
            return Error::last("domainname: set \"" + config.domainname + "\"");
        return ok();
    }

    Result<Unit> connect_terminal()
    {
        if (!process.terminal)
            return ok();
        terminal = TRY(root->open_terminal());
        if (process.console_size)
            TRY(set_terminal_size(terminal.slave, *process.console_size));
        TRY(root->bind_console(terminal.slave));
        return ok();
    }

    Result<Unit> seal_root()
    {
        TRY(root->write_sysctls());
        TRY(root->protect());
        return root->enter();
    }

    Result<Unit> take_terminal()
    {
        take_null_of_this_root();
        if (!process.terminal)
            return ok();
        TRY(become_controlling_terminal(terminal.slave));
        TRY(send_terminal(launch.console, terminal.master));
        terminal = {};
        return ok();
    }

    Result<Unit> settle()
    {
        TRY(apply_linux_attributes(config));
        return settle_process(launch.process, process);
    }

    Result<Unit> hand_over()
    {
        auto& setup = launch.process;
        setup.plan.sync_fd = runtime.view().fd();
        setup.plan.gate = launch.gate.is_open() ? init_stage::Gate::listen : init_stage::Gate::sync;
        setup.plan.gate_fd = launch.gate.fd();
        if (launch.plan.own_init)
            setup.plan.flags |= init_stage::own_init;
        if (!setup.parts.label.empty()) {
            setup.plan.proc_fd = root->proc().fd();
            if (setup.plan.proc_fd < 0)
                return Error { .code = Errno::noent, .message = "a security label needs /proc in the container", .hint = "mount proc at /proc" };
            TRY(host::keep_on_exec(root->proc()).or_error("pass /proc on"));
        }
        if (!config.hooks.start_container.empty())
            TRY(wait_with_hooks(setup));
        TRY(host::keep_on_exec(FileView(setup.plan.sync_fd)).or_error("pass the channel on"));
        if (setup.plan.gate == init_stage::Gate::listen)
            TRY(host::keep_on_exec(launch.gate).or_error("pass the gate on"));
        auto plan = TRY(init_stage::write_plan(setup.plan, setup.parts));
        restore_signals();
        return init_stage::execute(launch.init_stage, plan, setup.arguments, setup.environment);
    }

    // startContainer hooks run in the container after `start`, which the tiny stage leaves to us: wait here, run them,
    // then let the stage go straight through.
    Result<Unit> wait_with_hooks(ProcessSetup& setup)
    {
        TRY(runtime.send(init_stage::message_ready, std::string(sizeof(init_stage::Failure), '\0')).or_error("report readiness"));
        if (launch.gate.is_open()) {
            int connection = ::accept4(launch.gate.fd(), nullptr, nullptr, SOCK_CLOEXEC);
            if (connection < 0)
                return Error::last("wait for start");
            runtime = host::Channel(File(connection));
        } else {
            TRY(wait_for_go(runtime));
        }
        TRY(run_hooks(config.hooks.start_container, "startContainer", container_state(oci::Status::created, ::getpid())));
        setup.plan.sync_fd = runtime.view().fd();
        setup.plan.gate = init_stage::Gate::none;
        return ok();
    }

    static void restore_signals()
    {
        sigset_t none;
        ::sigemptyset(&none);
        ::sigprocmask(SIG_SETMASK, &none, nullptr);
        for (int number = 1; number < 65; ++number)
            ::signal(number, SIG_DFL); // ignored ones would stay ignored across execve(2)
    }

    std::int64_t host_pid = 0; // as hooks are told; known where there are any
};

// This process as the runtime's /proc names it, whatever pid namespace it is in itself.
std::int64_t pid_seen_from_host()
{
    std::array<char, 32> text {};
    auto length = ::readlink("/proc/self", text.data(), text.size() - 1);
    return length > 0 ? parse_number<std::int64_t>(std::string_view(text.data(), static_cast<std::size_t>(length))).value_or(0) : 0;
}

struct Step {
    char const* name;
    Result<Unit> (ContainerSide::*run)();
};

constexpr Step steps[] = {
    { "enter the user namespace", &ContainerSide::become_root_in_user_namespace },
    { "enter the control group", &ContainerSide::enter_cgroup },
    { "join the namespaces", &ContainerSide::join_namespaces },
    { "start a session", &ContainerSide::make_session },
    { "set up the network", &ContainerSide::set_up_network },
    { "build the root file system", &ContainerSide::build_root },
    { "run the hooks", &ContainerSide::run_early_hooks },
    { "set the host name", &ContainerSide::set_names },
    { "connect the terminal", &ContainerSide::connect_terminal },
    { "enter the root file system", &ContainerSide::seal_root },
    { "take the terminal", &ContainerSide::take_terminal },
    { "prepare the process", &ContainerSide::settle },
    { "hand over to the init stage", &ContainerSide::hand_over },
};

[[noreturn]] void fail(host::Channel const& runtime, Error const& error)
{
    (void)runtime.send(message_error, encode_error(error));
    ::_exit(1);
}

// The second stage's first act, and the only one of a launch in one stage.
[[noreturn]] void run_steps(Launch& launch)
{
    ContainerSide side { launch, launch.plan.config, *launch.plan.config.process, launch.container_end, {}, {} };
    if (side.has_inner_hooks())
        side.host_pid = pid_seen_from_host();
    for (auto const& step : steps) {
        auto done = (side.*step.run)();
        if (done.is_error()) {
            log::debug("launch step failed", { { "step", step.name } });
            fail(side.runtime, done.error());
        }
    }
    ::_exit(1);
}

// Joins what takes effect for children only, then makes the container's real first process as a sibling.
Result<pid_t> run_first_stage(Launch& launch)
{
    auto& namespaces = launch.namespaces;
    auto& runtime = launch.container_end;
    if (namespaces.is_new(NamespaceType::user)) {
        TRY(wait_for_go(runtime)); // the runtime fills the id maps
        hide_from_others();
    }
    TRY(join(namespaces, CLONE_NEWUSER));
    if (namespaces.is_own(NamespaceType::user) && (::syscall(SYS_setresgid, 0, 0, 0) < 0 || ::syscall(SYS_setresuid, 0, 0, 0) < 0))
        return Error { .code = last_errno(),
            .message = "become root in the user namespace: " + errno_text(last_errno()),
            .hint = "the user namespace must map container id 0" };
    TRY(join(namespaces, CLONE_NEWPID | CLONE_NEWTIME));
    if (namespaces.is_new(NamespaceType::time)) {
        if (::unshare(CLONE_NEWTIME) < 0)
            return Error::last("make a time namespace");
        TRY(write_time_offsets(launch.plan.config.linux_section.time_offsets));
    }
    auto flags = namespaces.new_flags & ~static_cast<std::uint64_t>(CLONE_NEWUSER | CLONE_NEWTIME) & ~late_flags;
    auto child = TRY(host::clone_process({ .flags = flags | CLONE_PARENT }).or_error("start the container's first process"));
    return child.pid;
}

} // namespace

void run_container_side(Launch& launch)
{
    launch.runtime_end.close();
    if (!launch.namespaces.is_new(NamespaceType::user))
        hide_from_others();
    if (!launch.namespaces.needs_two_stages())
        run_steps(launch);
    auto child = run_first_stage(launch);
    if (child.is_error())
        fail(launch.container_end, child.error());
    if (child.value() == 0) {
        // The first stage names our pid to the runtime before anything of ours is heard.
        auto named = wait_for_go(launch.container_end);
        if (named.is_error())
            fail(launch.container_end, named.error());
        run_steps(launch);
    }
    (void)launch.container_end.send(message_pid, std::to_string(child.value()));
    ::_exit(0);
}

} // namespace bulkhead::namespaces
