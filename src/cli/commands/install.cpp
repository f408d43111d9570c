#include "install/install.h"
#include "base/text.h"
#include "cli/session.h"
#include "container/bundle.h"
#include "isolations/list.h"

#include <array>
#include <climits>

#include <unistd.h>

namespace bulkhead::cli {

namespace {

// References into the command that declared them.
struct InstallFlags {
    std::string const& engine;
    std::string const& config;
    std::string const& binary;
    bool const& dry_run;
    bool const& reload;
};

InstallFlags add_install_flags(Command& command)
{
    command.allow_flags_anywhere();
    return {
        .engine = command.argument("engine", "docker, podman or containerd"),
        .config = command.text("config", "FILE", "the engine's configuration, when it is not at the usual place"),
        .binary = command.text("binary", "PATH", "the program that the engine shall run (default: this one, copied to /usr/local/bin)"),
        .dry_run = command.flag("dry-run", "only say what would be done"),
        .reload = command.flag("reload", "tell a running dockerd to read its configuration again"),
    };
}

Result<std::string> own_program()
{
    std::array<char, PATH_MAX> path {};
    auto length = ::readlink("/proc/self/exe", path.data(), path.size() - 1);
    auto text = std::string(path.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
    if (text.empty() || text.ends_with(" (deleted)"))
        return Error { .code = Errno::noent, .message = "the file of this program cannot be found", .hint = "name it with --binary" };
    return text;
}

Result<install::Request> make_request(InstallFlags const& flags)
{
    install::Request request;
    auto engine = install::engine_by_name(flags.engine);
    if (!engine)
        return invalid("unknown engine " + quoted(flags.engine), "write docker, podman or containerd");
    request.engine = *engine;
    for (auto const* isolation : isolations::all())
        request.isolations.emplace_back(isolation->name());
    if (!flags.config.empty())
        request.config_path = TRY(container::absolute_path(flags.config));
    if (!flags.binary.empty()) {
        request.binary_path = TRY(container::absolute_path(flags.binary));
        if (::access(request.binary_path.c_str(), X_OK) < 0)
            return Error::last("--binary: execute " + quoted(request.binary_path));
    } else {
        request.own_program = TRY(own_program());
    }
    request.only_say = flags.dry_run;
    request.reload = flags.reload;
    return request;
}

Result<int> show(install::Outcome const& outcome)
{
    std::string text;
    for (auto const& line : outcome.done)
        text += line + "\n";
    if (!outcome.next.empty())
        text += "next:\n";
    for (auto const& line : outcome.next)
        text += "  " + line + "\n";
    TRY(print(text));
    return 0;
}

} // namespace

void add_install(CommandLine& line)
{
    auto& command = line.add("install", "make an engine know this runtime");
    auto flags = add_install_flags(command);
    command.describe("Adds the runtime to the engine's configuration and changes nothing else in it; the old text is kept beside it.\n"
                     "Doing it twice is the same as once. `bulkhead uninstall` takes it out again.");
    command.runs([flags]() -> Result<int> {
        auto request = TRY(make_request(flags));
        auto outcome = TRY(install::install(request));
        return show(outcome);
    });
}

void add_uninstall(CommandLine& line)
{
    auto& command = line.add("uninstall", "make an engine forget this runtime");
    auto flags = add_install_flags(command);
    command.describe("Takes out what `bulkhead install` put in, and nothing else.");
    command.runs([flags]() -> Result<int> {
        auto request = TRY(make_request(flags));
        auto outcome = TRY(install::uninstall(request));
        return show(outcome);
    });
}

} // namespace bulkhead::cli
