#include "base/text.h"
#include "cli/session.h"
#include "container/signal_names.h"

namespace bulkhead::cli {

void add_kill(CommandLine& line)
{
    auto& command = line.add("kill", "send a signal (default: TERM) to a container's first process");
    auto const& all = command.flag("all,a", "send it to every process of the container");
    auto const& id = command.argument("container-id", "name given to create or run");
    auto const& signal = command.optional_argument("signal", "a name with or without SIG, a number, or RTMIN+n");
    command.runs([&line, &all, &id, &signal]() -> Result<int> {
        auto number = container::parse_signal(signal.empty() ? "TERM" : signal);
        if (!number)
            return invalid("unknown signal " + quoted(signal), "write a name such as TERM or a number; see: kill -l");
        auto container = TRY(line.session.load(id));
        TRY(container.kill(*number, all ? isolation::Sandbox::Target::every_process : isolation::Sandbox::Target::first_process));
        return 0;
    });
}

} // namespace bulkhead::cli
