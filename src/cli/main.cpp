// The runtime's entry: global flags, the command by its name, and the one place where errors are shown.
#include "base/log.h"
#include "base/text.h"
#include "cli/commands/table.h"
#include "cli/session.h"
#include "cli/version.h"

#include <algorithm>
#include <csignal>

#include <fcntl.h>
#include <unistd.h>

using namespace bulkhead;
using namespace bulkhead::cli;

namespace {

// runc's status for a command that does not exist.
constexpr int unknown_command_status = 3;

// A caller may have started us with 0, 1 or 2 closed, or with children ignored; both would surprise us later.
void normalize_process()
{
    int fd = 0;
    do {
        fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    } while (fd >= 0 && fd <= 2 && ::fcntl(fd, F_SETFD, 0) == 0);
    if (fd > 2)
        ::close(fd);
    ::signal(SIGCHLD, SIG_DFL);
}

std::string overview(Command const& program, Session& session)
{
    CommandLine line(session);
    for (auto const& row : command_table())
        row.add(line);
    std::size_t width = 0;
    for (auto const& command : line.commands())
        width = std::max(width, command.name().size());
    std::string text = "\nCOMMANDS:\n";
    for (auto const& command : line.commands())
        text += "   " + command.name() + std::string(width - command.name().size() + 2, ' ') + command.summary() + "\n";
    return program.help() + text + "\n`bulkhead <command> --help` tells more.\n";
}

Result<int> run_command(Session& session, std::span<char const* const> words)
{
    std::string_view name = words.front();
    auto rows = command_table();
    auto row = std::find_if(rows.begin(), rows.end(), [&](CommandRow const& one) { return one.name == name; });
    if (row == rows.end())
        return Error {
            .code = Errno::inval, .message = quoted(name) + " is not a command", .hint = "bulkhead --help", .exit_status = unknown_command_status
        };
    CommandLine line(session);
    row->add(line);
    auto& command = line.commands().front();
    auto arguments = TRY(command.parse_flags(words.subspan(1)));
    if (command.asks_for_help()) {
        TRY(print(command.help()));
        return 0;
    }
    TRY(command.parse_arguments(arguments));
    if (command.asks_for_help()) { // behind an argument, where the command allows flags there
        TRY(print(command.help()));
        return 0;
    }
    return command.run();
}

Result<int> run_program(Command& program, Session& session, std::span<char const* const> words)
{
    auto rest = TRY(program.parse_flags(words));
    TRY(session.begin());
    if (session.flags.version) {
        TRY(print(version_text()));
        return 0;
    }
    bool asks_for_help = program.asks_for_help() || rest.empty() || std::string_view(rest.front()) == "help";
    if (asks_for_help) {
        TRY(print(overview(program, session)));
        return 0;
    }
    return run_command(session, rest);
}

void show(Error const& error, Session const& session)
{
    // Engines read the last error line of the log; people read standard error.
    if (session.has_log_file())
        log::error(error.message);
    auto text = "bulkhead: " + error.message + "\n" + (error.hint.empty() ? "" : "  try: " + error.hint + "\n");
    (void)write_all(FileView(2), text);
}

} // namespace

int main(int count, char** words)
{
    normalize_process();
    std::string_view name = count > 0 ? words[0] : "bulkhead";
    Command program("bulkhead", "run OCI containers behind the isolation of your choice");
    Session session(add_global_flags(program), std::string(name.substr(name.rfind('/') + 1)));
    auto status = run_program(
        program, session, std::span<char const* const>(words + (count > 0 ? 1 : 0), static_cast<std::size_t>(count > 0 ? count - 1 : 0)));
    if (status.is_ok())
        return status.value();
    show(status.error(), session);
    return status.error().exit_status;
}
