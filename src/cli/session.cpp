#include "cli/session.h"
#include "base/log.h"
#include "base/text.h"
#include "cli/isolation_choice.h"
#include "cli/settings.h"
#include "container/bundle.h"
#include "host/user_namespace.h"

#include <unistd.h>

namespace bulkhead::cli {

GlobalFlags add_global_flags(Command& command)
{
    return {
        .debug = command.flag("debug", "log more"),
        .log = command.text("log", "FILE", "append log lines to this file"),
        .log_format = command.text("log-format", "FORMAT", "text or json", "text"),
        .root = command.text("root", "FOLDER", "where the state of containers is kept (default: /run/bulkhead, or below $XDG_RUNTIME_DIR)"),
        .systemd_cgroup = command.flag("systemd-cgroup", "let systemd make the control groups (linux.cgroupsPath is \"slice:prefix:name\")"),
        .rootless = command.text("rootless", "WHETHER", "true, false or auto: whether privileges on the host are missing", "auto"),
        .criu = command.text("criu", "PATH", "the criu program, for checkpoint and restore"),
        .isolation = command.text("isolation", "NAME", "what stands between container and host: namespaces, userns, sentry or microvm"),
        .settings = command.text("settings", "FILE", "the administrator's settings", std::string(default_settings_path)),
        .version = command.flag("version,v", "print the version"),
    };
}

Result<Unit> Session::begin()
{
    auto settings = log::settings();
    if (flags.log_format == "json")
        settings.format = log::Format::json;
    else if (flags.log_format != "text")
        return invalid("unknown --log-format " + quoted(flags.log_format), "write text or json");
    if (flags.debug)
        settings.lowest = log::Level::debug;
    if (!flags.log.empty()) {
        m_log = TRY(open_file(flags.log, O_WRONLY | O_APPEND | O_CREAT, 0644).context("--log"));
        settings.sink = m_log;
    }
    log::configure(settings);
    if (flags.rootless != "auto" && !flags.rootless.empty() && !parse_bool(flags.rootless))
        return invalid("invalid value " + quoted(flags.rootless) + " for --rootless", "write true, false or auto");
    return ok();
}

Result<container::Containers> Session::containers() const
{
    auto root = TRY(container::absolute_path(flags.root.empty() ? container::default_root() : flags.root));
    return container::Containers::open(std::move(root), find_isolation);
}

Result<container::Container> Session::load(std::string const& id) const
{
    auto all = TRY(containers());
    return all.load(id);
}

Result<isolation::Isolation const*> Session::isolation_for(oci::Config const& config) const
{
    IsolationWishes wishes { .flag = flags.isolation, .program_name = program_name, .annotations = config.annotations };
    wishes.settings = TRY(read_settings(flags.settings));
    auto name = TRY(choose_isolation(wishes));
    return find_isolation(name);
}

Result<bool> Session::is_rootless() const
{
    if (auto said = parse_bool(flags.rootless))
        return *said;
    return ::geteuid() != 0 || !host::has_host_privileges();
}

Result<Unit> print(std::string_view text)
{
    return write_all(FileView(1), text).or_error("write to standard output");
}

} // namespace bulkhead::cli
