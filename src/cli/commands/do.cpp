#include "base/log.h"
#include "base/text.h"
#include "cli/isolation_choice.h"
#include "cli/session.h"
#include "container/bundle.h"
#include "container/foreground.h"
#include "do/mount_table.h"
#include "do/private_root.h"
#include "do/request.h"

#include <array>
#include <climits>
#include <cstdlib>
#include <ctime>
#include <memory>

#include <sys/stat.h>
#include <unistd.h>

namespace bulkhead::cli {

namespace {

using do_command::Network;
using do_command::PrivateRoot;
using do_command::Privileges;

// References into the command that declared them.
struct DoFlags {
    std::string const& isolation;
    std::string const& network;
    std::vector<std::string> const& writable;
    std::string const& memory;
    std::vector<std::string> const& environment;
    std::string const& working_directory;
    std::string const& user;
    std::vector<std::string> const& command;
};

// Everything that the steps below share.
struct Doing {
    Session const& session;
    DoFlags const& flags;
    std::string state_root;
    do_command::Request request;
    isolation::Isolation const* isolation = nullptr;
    std::unique_ptr<container::Foreground> foreground;
    std::optional<container::ConsoleListener> listener;
    std::optional<container::Container> made;
};

// Without symbolic links; the path must exist.
Result<std::string> real_path(std::string const& path, std::string_view flag)
{
    std::array<char, PATH_MAX> resolved {};
    if (!::realpath(path.c_str(), resolved.data()))
        return Error::last(std::string(flag) + ": find " + quoted(path));
    return std::string(resolved.data());
}

Result<std::string> working_directory(std::string const& wish)
{
    if (!wish.empty())
        return container::absolute_path(wish);
    std::array<char, PATH_MAX> here {};
    return std::string(::getcwd(here.data(), here.size()) && here[0] == '/' ? here.data() : "/");
}

Result<Unit> understand(Doing& doing)
{
    auto const& flags = doing.flags;
    auto& request = doing.request;
    if (flags.command.empty())
        return invalid("bulkhead do: say which command to run", "bulkhead do -- ls /");
    request.command = flags.command;
    request.rootless = TRY(doing.session.is_rootless());
    if (flags.network != "none" && flags.network != "host")
        return invalid("unknown --network " + quoted(flags.network), "write none (loopback only) or host");
    request.network = flags.network == "host" ? Network::host : Network::none;
    for (auto const& path : flags.writable) {
        auto resolved = TRY(real_path(path, "--writable"));
        if (resolved == "/")
            return invalid("--writable / would leave nothing to protect", "name the folders that the command may change");
        request.writable.push_back(std::move(resolved));
    }
    if (!flags.memory.empty())
        request.memory = TRY(do_command::parse_size(flags.memory).context("--memory"));
    request.environment = TRY(do_command::make_environment(flags.environment));
    request.working_directory = TRY(working_directory(flags.working_directory));
    request.terminal = ::isatty(0) && ::isatty(1);
    if (!flags.user.empty()) {
        auto passwd = TRY(read_file("/etc/passwd"));
        auto group = TRY(read_file("/etc/group"));
        request.user = TRY(do_command::find_user(flags.user, passwd, group).context("--user"));
        if (request.rootless && (request.user.uid != 0 || request.user.gid != 0))
            return Error { .code = Errno::perm,
                .message = "--user: without root there is one user only, you, who is called root inside",
                .hint = "leave --user out, or run as root" };
        if (request.rootless)
            request.user.groups.clear();
    }
    timespec now {};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    request.id = "do-" + std::to_string(::getpid()) + "-" + std::to_string(now.tv_sec * 1000 + now.tv_nsec / 1000000);
    return ok();
}

Result<Unit> choose(Doing& doing)
{
    oci::Config nothing;
    if (doing.flags.isolation.empty()) {
        doing.isolation = TRY(doing.session.isolation_for(nothing));
        return ok();
    }
    auto name = TRY(choose_isolation({ .flag = doing.flags.isolation }));
    doing.isolation = TRY(find_isolation(name));
    return ok();
}

// The place where the private root is mounted, for this process only. It stays, empty, as the cache of filters does.
Result<std::string> make_mount_point(std::string const& state_root)
{
    auto path = state_root + "/.do";
    for (auto slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
        auto part = path.substr(0, slash);
        bool is_shared = slash != std::string::npos && part.size() < state_root.size();
        if (::mkdir(part.c_str(), is_shared ? 0711 : 0700) < 0 && errno != EEXIST)
            return Error::last("make the folder " + quoted(part));
        if (slash == std::string::npos)
            return path;
    }
}

// Below these the container has file systems of its own, which are not mounted yet.
bool is_kernels(std::string const& path)
{
    return do_command::is_below(path, "/proc") || do_command::is_below(path, "/sys") || do_command::is_below(path, "/dev");
}

Result<Unit> make_root(Doing& doing)
{
    auto& request = doing.request;
    auto privileges = request.rootless ? Privileges::none : Privileges::host;
    auto mount_point = TRY(make_mount_point(doing.state_root));
    TRY(do_command::enter_private_namespaces(privileges));
    auto root = TRY(PrivateRoot::build(mount_point, privileges).context("make a root of the host's own"));
    request.root = root.path();
    auto const& here = request.working_directory;
    struct stat status { };
    bool is_hidden = do_command::is_below(here, "/tmp") || do_command::is_below(here, "/run");
    if (is_hidden && ::stat(here.c_str(), &status) == 0 && S_ISDIR(status.st_mode))
        TRY(root.show(here));
    else if (!root.has(here) && doing.flags.working_directory.empty())
        request.working_directory = "/";
    else if (!root.has(here) && !is_kernels(here))
        return Error { .code = Errno::notdir,
            .message = "--cwd: there is no folder " + quoted(here) + " in the sandbox",
            .hint = "name a folder of the host; /run and /tmp show none but this one" };
    std::array<char, PATH_MAX> names {};
    // systemd-resolved and others keep the list of name servers below /run.
    if (request.network == Network::host && ::realpath("/etc/resolv.conf", names.data()) && do_command::is_below(names.data(), "/run"))
        request.readable.emplace_back(names.data());
    return ok();
}

Result<Unit> open_console(Doing& doing, isolation::SandboxPlan& plan)
{
    if (!doing.request.terminal)
        return ok();
    auto listener = TRY(container::ConsoleListener::listen(plan.state_path));
    doing.listener.emplace(std::move(listener));
    plan.io.console_socket = doing.listener->path();
    return ok();
}

Result<Unit> create(Doing& doing)
{
    container::CreateRequest create;
    create.isolation = doing.isolation;
    auto& plan = create.plan;
    plan.id = doing.request.id;
    plan.bundle = "/";
    plan.root = doing.request.root;
    plan.config_text = config_json(doing.request);
    plan.config = TRY(oci::parse_config(plan.config_text).context("read our own config"));
    TRY(oci::validate_config(plan.config));
    plan.io.detach = false;
    plan.rootless = doing.request.rootless;
    plan.systemd_cgroup = doing.session.flags.systemd_cgroup;
    plan.start_at_once = true;
    plan.own_init = true; // Ctrl-C and `kill` end programs that do not expect to be process 1
    create.on_folder = [&](isolation::SandboxPlan& made) { return open_console(doing, made); };
    auto containers = TRY(container::Containers::open(doing.state_root, find_isolation));
    doing.foreground = TRY(container::Foreground::prepare(container::Foreground::Subreaper::yes));
    auto made = TRY(containers.create(std::move(create)));
    doing.made.emplace(std::move(made));
    return ok();
}

Result<int> follow(Doing& doing)
{
    TRY(doing.made->ensure_started());
    container::Followed followed { .pid = doing.made->pid() };
    if (!doing.listener)
        return doing.foreground->follow(followed);
    auto master = TRY(doing.listener->receive());
    doing.listener.reset();
    container::RawTerminal raw(FileView(0));
    container::ConsoleRelay relay(std::move(master), FileView(0), FileView(1));
    followed.relay = &relay;
    return doing.foreground->follow(followed);
}

// As shells tell "not found" and "not executable" from the command's own end; what is not about the command is ours.
Error with_shell_status(Error error)
{
    constexpr int no_sandbox = 125;
    constexpr int not_executable = 126;
    constexpr int not_found = 127;
    bool is_about_command = error.message.find("exec: \"") != std::string::npos;
    error.exit_status = !is_about_command ? no_sandbox : error.code == Errno::noent ? not_found : not_executable;
    return error;
}

Result<int> make_and_follow(Session const& session, DoFlags const& flags)
{
    Doing doing {
        .session = session, .flags = flags, .state_root = {}, .request = {}, .isolation = nullptr, .foreground = nullptr, .listener = {}, .made = {}
    };
    doing.state_root = TRY(container::absolute_path(session.flags.root.empty() ? container::default_root() : session.flags.root));
    TRY(understand(doing));
    TRY(choose(doing));
    TRY(make_root(doing));
    auto created = create(doing);
    if (created.is_error()) {
        auto error = created.release_error();
        if (doing.request.memory && doing.request.rootless && (error.code == Errno::access || error.code == Errno::perm))
            error.hint = "leave --memory out, run as root, or in a control group that was delegated to you";
        return error;
    }
    auto status = follow(doing);
    auto removed = doing.made->remove(container::Force::yes);
    if (removed.is_error())
        log::warning("the sandbox could not be removed", { { "id", doing.request.id }, { "reason", removed.error().message } });
    return status;
}

Result<int> do_it(Session const& session, DoFlags const& flags)
{
    auto status = make_and_follow(session, flags);
    if (status.is_error())
        return with_shell_status(status.release_error());
    return status;
}

} // namespace

void add_do(CommandLine& line)
{
    auto& command = line.add("do", "run a command in a sandbox made from this host's own root");
    DoFlags flags {
        .isolation = command.text("isolation", "NAME", "what stands between the command and the host (default: as for run)"),
        .network = command.text("network,net", "KIND", "none (loopback only) or host", "none"),
        .writable = command.texts("writable,w", "PATH", "a folder or file that the command may really change; may be repeated"),
        .memory = command.text("memory,m", "SIZE", "the most memory it may use: 512m, 2g"),
        .environment = command.texts("env,e", "NAME=VALUE", "an environment variable, or NAME for your own value; may be repeated"),
        .working_directory = command.text("cwd", "FOLDER", "where it runs (default: here)"),
        .user = command.text("user,u", "USER", "NAME, UID, NAME:GROUP or UID:GID"),
        .command = command.rest("command", "the command and its arguments"),
    };
    command.describe("The command sees the host's files, but whatever it writes vanishes with it. It has its own processes, host name and\n"
                     "network (loopback only), fresh /tmp and /run, no privileges beyond Docker's defaults, and a system call filter.\n"
                     "Files that you can read, it can read: as root that is all of them; use --user to give it less.\n"
                     "The exit status is the command's; 125 when the sandbox could not be made, 126 and 127 as in a shell.");
    command.runs([&line, flags] { return do_it(line.session, flags); });
}

} // namespace bulkhead::cli
