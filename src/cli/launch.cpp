#include "cli/launch.h"
#include "base/log.h"
#include "base/text.h"
#include "container/bundle.h"
#include "container/foreground.h"

#include <memory>
#include <optional>

namespace bulkhead::cli {

namespace {

// Everything that the steps below share.
struct Launching {
    Session const& session;
    LaunchRequest const& request;
    isolation::Isolation const* isolation = nullptr;
    container::Bundle bundle;
    std::string notify_socket;
    std::unique_ptr<container::Foreground> foreground;
    std::optional<container::ConsoleListener> listener;
    std::optional<container::NotifyProxy> notify;
    std::optional<container::Container> made;

    bool stays() const { return request.start && !request.detach; }
    bool has_terminal() const { return bundle.config.process && bundle.config.process->terminal; }
};

Result<Unit> check(Launching& launching)
{
    auto const& request = launching.request;
    auto const& process = launching.bundle.config.process;
    if (!process && !request.restore)
        return invalid("config.json has no \"process\"", "say there what the container shall run");
    TRY(check_terminal(launching.has_terminal(), request.detach, request.flags.console_socket));
    auto preserved = request.flags.preserve_fds.value_or(0);
    if (preserved < 0)
        return invalid("--preserve-fds cannot be negative");
    container::drop_foreign_listen_fds();
    return container::check_descriptors(static_cast<unsigned>(std::min<std::int64_t>(preserved, 1 << 20)));
}

Result<container::CreateRequest> make_request(Launching& launching)
{
    auto const& flags = launching.request.flags;
    container::CreateRequest create;
    create.isolation = launching.isolation;
    create.restore = launching.request.restore;
    auto& plan = create.plan;
    plan.id = flags.id;
    plan.bundle = launching.bundle.path;
    plan.root = launching.bundle.root;
    plan.config = std::move(launching.bundle.config);
    plan.config_text = std::move(launching.bundle.config_text);
    plan.io.console_socket = flags.console_socket;
    plan.io.pidfd_socket = flags.pidfd_socket;
    plan.io.preserve_fds = static_cast<unsigned>(flags.preserve_fds.value_or(0));
    plan.io.detach = !launching.stays();
    plan.systemd_cgroup = launching.session.flags.systemd_cgroup;
    plan.rootless = TRY(launching.session.is_rootless());
    plan.no_pivot = flags.no_pivot;
    plan.no_new_keyring = flags.no_new_keyring;
    plan.start_at_once = launching.request.start;
    return create;
}

// The sockets that stand in the state folder.
Result<Unit> open_sockets(Launching& launching, isolation::SandboxPlan& plan)
{
    if (launching.stays() && plan.config.process && plan.config.process->terminal) {
        auto listener = TRY(container::ConsoleListener::listen(plan.state_path));
        launching.listener.emplace(std::move(listener));
        plan.io.console_socket = launching.listener->path();
    }
    if (launching.notify_socket.empty())
        return ok();
    TRY(container::add_notify_mount(plan.config, plan.state_path));
    if (!launching.request.start)
        return ok(); // `start` opens it
    auto notify = TRY(container::NotifyProxy::open(plan.state_path, launching.notify_socket));
    launching.notify.emplace(std::move(notify));
    return ok();
}

Result<Unit> create(Launching& launching)
{
    auto request = TRY(make_request(launching));
    request.on_folder = [&](isolation::SandboxPlan& plan) { return open_sockets(launching, plan); };
    auto containers = TRY(launching.session.containers());
    if (launching.stays())
        launching.foreground = TRY(container::Foreground::prepare(
            launching.request.subreaper ? container::Foreground::Subreaper::yes : container::Foreground::Subreaper::no));
    auto made = TRY(containers.create(std::move(request)));
    launching.made.emplace(std::move(made));
    return ok();
}

Result<int> follow(Launching& launching)
{
    auto pid = launching.made->pid();
    if (launching.request.detach) {
        if (launching.notify)
            TRY(launching.notify->wait_until_ready(pid));
        return 0;
    }
    container::Followed followed { .pid = pid };
    followed.notify = launching.notify ? &*launching.notify : nullptr;
    if (!launching.listener)
        return launching.foreground->follow(followed);
    auto master = TRY(launching.listener->receive());
    launching.listener.reset();
    container::RawTerminal raw(FileView(0));
    container::ConsoleRelay relay(std::move(master), FileView(0), FileView(1));
    followed.relay = &relay;
    return launching.foreground->follow(followed);
}

Result<int> after_creation(Launching& launching)
{
    auto const& pid_file = launching.request.flags.pid_file;
    if (!pid_file.empty())
        TRY(write_pid_file(pid_file, launching.made->pid()));
    if (!launching.request.start)
        return 0;
    TRY(launching.made->ensure_started());
    return follow(launching);
}

} // namespace

LaunchFlags add_launch_flags(Command& command)
{
    return {
        .bundle = command.text("bundle,b", "FOLDER", "the bundle: a folder with config.json (default: the working directory)"),
        .console_socket = command.text("console-socket", "PATH", "a unix socket that receives the master side of the terminal"),
        .pidfd_socket = command.text("pidfd-socket", "PATH", "a unix socket that receives a pidfd of the container's process"),
        .pid_file = command.text("pid-file", "FILE", "write the process id there"),
        .no_pivot = command.flag("no-pivot", "do not use pivot_root(2); for a root file system on a ramdisk"),
        .no_new_keyring = command.flag("no-new-keyring", "keep the caller's session keyring"),
        .preserve_fds = command.number("preserve-fds", "N", "pass the descriptors 3 to N+2, after those of $LISTEN_FDS, to the container"),
        .id = command.argument("container-id", "a name for the new container"),
    };
}

Result<Unit> check_terminal(bool terminal, bool detach, std::string const& console_socket)
{
    if (terminal && detach && console_socket.empty())
        return invalid(
            "cannot allocate tty if bulkhead will detach without setting console socket", "pass --console-socket, or set process.terminal to false");
    if (!console_socket.empty() && !(terminal && detach))
        return invalid(
            "cannot use console socket if bulkhead will not detach or allocate tty", "leave --console-socket out, or set process.terminal to true");
    return ok();
}

Result<Unit> write_pid_file(std::string const& path, pid_t pid)
{
    auto slash = path.rfind('/');
    auto folder_path = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
    auto folder = TRY(open_file(folder_path, O_PATH | O_DIRECTORY).context("--pid-file"));
    return replace_file_at(folder, path.substr(slash == std::string::npos ? 0 : slash + 1), std::to_string(pid), 0644)
        .or_error("write the pid file " + quoted(path));
}

Result<int> launch(Session const& session, LaunchRequest const& request)
{
    TRY(container::check_id(request.flags.id));
    Launching launching { .session = session, .request = request };
    launching.bundle = TRY(container::read_bundle(request.flags.bundle));
    TRY(check(launching));
    launching.isolation = TRY(session.isolation_for(launching.bundle.config));
    TRY(launching.isolation->protect_runtime(launching.bundle.config, isolation::Isolation::Occasion::create));
    launching.notify_socket = container::take_notify_socket();
    TRY(create(launching));
    auto status = after_creation(launching);
    bool is_over = status.is_error() || launching.stays();
    if (is_over && !(request.keep && status.is_ok())) {
        auto removed = launching.made->remove(container::Force::yes);
        if (removed.is_error())
            log::warning("the container could not be removed", { { "id", request.flags.id }, { "reason", removed.error().message } });
    }
    return status;
}

} // namespace bulkhead::cli
