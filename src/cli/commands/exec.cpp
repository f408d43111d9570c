#include "base/file.h"
#include "base/text.h"
#include "cli/launch.h"
#include "container/foreground.h"

#include <algorithm>

namespace bulkhead::cli {

namespace {

// runc's status when it cannot even start the process.
constexpr int exec_failed_status = 255;
constexpr std::size_t max_process_size = 4UL * 1024 * 1024;

struct ExecFlags {
    std::string const& console_socket;
    std::string const& pidfd_socket;
    std::string const& cwd;
    std::vector<std::string> const& env;
    bool const& tty;
    std::string const& user;
    std::vector<std::string> const& additional_gids;
    std::string const& process;
    bool const& detach;
    std::string const& pid_file;
    std::string const& process_label;
    std::string const& apparmor;
    bool const& no_new_privs;
    std::vector<std::string> const& caps;
    std::optional<std::int64_t> const& preserve_fds;
    std::vector<std::string> const& cgroups;
    bool const& ignore_paused;
    bool const& no_subreaper;
    std::string const& id;
    std::vector<std::string> const& arguments;
};

ExecFlags add_exec_flags(Command& command)
{
    return {
        .console_socket = command.text("console-socket", "PATH", "a unix socket that receives the master side of the terminal"),
        .pidfd_socket = command.text("pidfd-socket", "PATH", "a unix socket that receives a pidfd of the process"),
        .cwd = command.text("cwd", "FOLDER", "the working directory in the container"),
        .env = command.texts("env,e", "NAME=VALUE", "add a variable; may be repeated"),
        .tty = command.flag("tty,t", "give it a terminal"),
        .user = command.text("user,u", "UID[:GID]", "run as this user"),
        .additional_gids = command.texts("additional-gids,g", "GID", "add a group; may be repeated"),
        .process = command.text("process,p", "FILE", "take everything from this process document (JSON)"),
        .detach = command.flag("detach,d", "return once the process runs"),
        .pid_file = command.text("pid-file", "FILE", "write the process id there"),
        .process_label = command.text("process-label", "LABEL", "the SELinux label of the process"),
        .apparmor = command.text("apparmor", "PROFILE", "the AppArmor profile of the process"),
        .no_new_privs = command.flag("no-new-privs", "the process may never gain privileges"),
        .caps = command.texts("cap,c", "CAPABILITY", "add a capability; may be repeated"),
        .preserve_fds = command.number("preserve-fds", "N", "pass the descriptors 3 to N+2, after those of $LISTEN_FDS, to the process"),
        .cgroups = command.texts("cgroup", "[CONTROLLER:]PATH", "run it in this control group below the container's own"),
        .ignore_paused = command.flag("ignore-paused", "also in a paused container"),
        .no_subreaper = command.flag("no-subreaper", "do not adopt orphaned processes"),
        .id = command.argument("container-id", "name given to create or run"),
        .arguments = command.rest("command", "the program and its arguments; not with --process"),
    };
}

Result<std::uint32_t> parse_id(std::string_view text, std::string_view flag)
{
    auto number = parse_number<std::uint32_t>(text);
    if (!number)
        return invalid(std::string(flag) + ": " + quoted(text) + " is not an id", "names are not looked up; write numbers");
    return *number;
}

Result<Unit> set_user(oci::User& user, std::string_view text)
{
    auto colon = text.find(':');
    user.uid = TRY(parse_id(text.substr(0, colon), "--user"));
    if (colon != std::string_view::npos)
        user.gid = TRY(parse_id(text.substr(colon + 1), "--user"));
    return ok();
}

void add_capability(std::vector<std::string>& set, std::string const& name)
{
    if (std::find(set.begin(), set.end(), name) == set.end())
        set.push_back(name);
}

void add_capabilities(oci::Process& process, std::vector<std::string> const& names)
{
    if (names.empty())
        return;
    if (!process.capabilities)
        process.capabilities.emplace();
    for (auto const& name : names) {
        add_capability(process.capabilities->bounding, name);
        add_capability(process.capabilities->effective, name);
        add_capability(process.capabilities->permitted, name);
    }
}

// The container's own process with other arguments, and whatever the flags change.
Result<oci::Process> process_from_flags(container::Container const& container, ExecFlags const& flags, bool no_new_privs_was_given)
{
    if (flags.arguments.empty())
        return invalid("exec needs a command, or a process document: --process FILE", "bulkhead exec --help");
    auto const* config = TRY(container.config());
    auto process = config->process.value_or(oci::Process {});
    process.args = flags.arguments;
    process.terminal = flags.tty;
    process.console_size.reset();
    process.env.insert(process.env.end(), flags.env.begin(), flags.env.end());
    if (!flags.cwd.empty())
        process.cwd = flags.cwd;
    if (process.cwd.empty())
        process.cwd = "/";
    if (!flags.user.empty())
        TRY(set_user(process.user, flags.user));
    for (auto const& text : flags.additional_gids) {
        auto gid = TRY(parse_id(text, "--additional-gids"));
        process.user.additional_gids.push_back(gid);
    }
    add_capabilities(process, flags.caps);
    if (!flags.process_label.empty())
        process.selinux_label = flags.process_label;
    if (!flags.apparmor.empty())
        process.apparmor_profile = flags.apparmor;
    if (no_new_privs_was_given)
        process.no_new_privileges = flags.no_new_privs;
    return process;
}

Result<oci::Process> read_process(container::Container const& container, ExecFlags const& flags, bool no_new_privs_was_given)
{
    if (flags.process.empty())
        return process_from_flags(container, flags, no_new_privs_was_given);
    auto text = TRY(
        flags.process == "-" ? read_all(FileView(0), max_process_size).or_error("read standard input") : read_file(flags.process, max_process_size));
    auto process = TRY(oci::parse_process(text).context([&] { return "read the process document " + quoted(flags.process); }));
    process.terminal = process.terminal || flags.tty;
    return process;
}

Result<isolation::ExecPlan> make_plan(container::Container const& container, ExecFlags const& flags, bool no_new_privs_was_given)
{
    isolation::ExecPlan plan;
    plan.process = TRY(read_process(container, flags, no_new_privs_was_given));
    TRY(oci::validate_process(plan.process, flags.process.empty() ? "process" : ""));
    TRY(check_terminal(plan.process.terminal, flags.detach, flags.console_socket));
    auto preserved = flags.preserve_fds.value_or(0);
    if (preserved < 0)
        return invalid("--preserve-fds cannot be negative");
    plan.io.preserve_fds = static_cast<unsigned>(std::min<std::int64_t>(preserved, 1 << 20));
    container::drop_foreign_listen_fds();
    TRY(container::check_descriptors(plan.io.preserve_fds));
    plan.io.console_socket = flags.console_socket;
    plan.io.pidfd_socket = flags.pidfd_socket;
    plan.io.detach = flags.detach;
    if (flags.cgroups.size() > 1)
        return invalid("--cgroup can be given once", "put the process into one control group below the container's");
    if (!flags.cgroups.empty())
        plan.cgroup = flags.cgroups.front();
    plan.ignore_paused = flags.ignore_paused;
    return plan;
}

Result<int> follow(container::Foreground& foreground, isolation::StartedProcess const& started, container::ConsoleListener* listener)
{
    container::Followed followed { .pid = started.pid, .pidfd = started.pidfd };
    if (!listener)
        return foreground.follow(followed);
    auto master = TRY(listener->receive());
    container::RawTerminal raw(FileView(0));
    container::ConsoleRelay relay(std::move(master), FileView(0), FileView(1));
    followed.relay = &relay;
    return foreground.follow(followed);
}

Result<int> exec(Session const& session, ExecFlags const& flags, bool no_new_privs_was_given)
{
    auto container = TRY(session.load(flags.id));
    TRY(container.protect_runtime());
    auto plan = TRY(make_plan(container, flags, no_new_privs_was_given));
    std::unique_ptr<container::Foreground> foreground;
    std::optional<container::ConsoleListener> listener;
    if (!flags.detach) {
        foreground
            = TRY(container::Foreground::prepare(flags.no_subreaper ? container::Foreground::Subreaper::no : container::Foreground::Subreaper::yes));
        if (plan.process.terminal) {
            auto made = TRY(container::ConsoleListener::listen(container.state_path()));
            listener.emplace(std::move(made));
            plan.io.console_socket = listener->path();
        }
    }
    auto started = TRY(container.exec(plan));
    if (!flags.pid_file.empty())
        TRY(write_pid_file(flags.pid_file, started.pid));
    if (flags.detach)
        return 0;
    return follow(*foreground, started, listener ? &*listener : nullptr);
}

} // namespace

void add_exec(CommandLine& line)
{
    auto& command = line.add("exec", "run one more process in a container");
    auto flags = add_exec_flags(command);
    command.runs([&line, &command, flags] {
        auto result = exec(line.session, flags, command.was_given(&flags.no_new_privs));
        if (result.is_error() && result.error().exit_status == 1)
            result.error().exit_status = exec_failed_status;
        return std::move(result).context("exec failed");
    });
}

} // namespace bulkhead::cli
