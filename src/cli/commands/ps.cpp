#include "base/text.h"
#include "cli/session.h"
#include "host/hook_process.h"

#include <algorithm>
#include <cstdlib>

#include <unistd.h>

namespace bulkhead::cli {

namespace {

Result<Unit> print_json(std::vector<pid_t> const& pids)
{
    JsonWriter json;
    json.begin_array();
    for (auto pid : pids)
        json.value(static_cast<std::int64_t>(pid));
    json.end_array();
    return print(json.text() + "\n");
}

std::vector<std::string_view> words_of(std::string_view line)
{
    std::vector<std::string_view> words;
    for (auto word : split(line, ' ')) {
        if (!trim(word).empty())
            words.push_back(trim(word));
    }
    return words;
}

std::vector<std::string> own_environment()
{
    std::vector<std::string> variables;
    for (auto** entry = ::environ; entry && *entry; ++entry)
        variables.emplace_back(*entry);
    return variables;
}

// The host's own ps(1) decides what a line shows; we keep those of the container's processes.
Result<Unit> print_table(std::vector<pid_t> const& pids, std::vector<std::string> options)
{
    host::ProgramRun run { .path = "ps", .args = { "ps" }, .env = own_environment(), .output_limit = 16UL * 1024 * 1024, .keep_errors = false };
    if (options.empty())
        options.emplace_back("-ef");
    run.args.insert(run.args.end(), options.begin(), options.end());
    auto end = TRY(host::run_program(run).context("list processes"));
    if (!end.succeeded())
        return Error { .code = Errno::io, .message = "ps " + join(options, " ") + ": " + end.description(), .hint = "see ps(1) for its options" };
    auto lines = split(end.output, '\n');
    auto titles = words_of(lines.front());
    auto column = static_cast<std::size_t>(std::find(titles.begin(), titles.end(), "PID") - titles.begin());
    if (column == titles.size())
        return invalid("couldn't find PID field in ps output", "choose ps options whose output has a PID column");
    std::string text(lines.front());
    text += "\n";
    for (std::size_t index = 1; index < lines.size(); ++index) {
        auto words = words_of(lines[index]);
        auto pid = column < words.size() ? parse_number<pid_t>(words[column]) : std::nullopt;
        if (pid && std::find(pids.begin(), pids.end(), *pid) != pids.end())
            text += std::string(lines[index]) + "\n";
    }
    return print(text);
}

Result<int> ps(Session const& session, std::string const& id, std::string const& format, std::vector<std::string> const& options)
{
    if (format != "table" && format != "json")
        return invalid("invalid format option: " + quoted(format), "write table or json");
    auto container = TRY(session.load(id));
    auto pids = TRY(container.processes());
    if (format == "json")
        TRY(print_json(pids));
    else
        TRY(print_table(pids, options));
    return 0;
}

} // namespace

void add_ps(CommandLine& line)
{
    auto& command = line.add("ps", "list the processes of a container, with their pids on the host");
    auto const& format = command.text("format,f", "FORMAT", "table or json", "table");
    auto const& id = command.argument("container-id", "name given to create or run");
    auto const& options = command.rest("ps-option", "options of ps(1) (default: -ef)");
    command.runs([&line, &format, &id, &options] { return ps(line.session, id, format, options); });
}

} // namespace bulkhead::cli
