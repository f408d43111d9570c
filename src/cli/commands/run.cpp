#include "cli/launch.h"

namespace bulkhead::cli {

void add_run(CommandLine& line)
{
    auto& command = line.add("run", "create and start a container, and stay with it");
    auto flags = add_launch_flags(command);
    auto const& detach = command.flag("detach,d", "return once the program runs");
    auto const& keep = command.flag("keep", "do not remove the container after its end");
    auto const& no_subreaper = command.flag("no-subreaper", "do not adopt orphaned processes of the container");
    command.runs([&line, flags, &detach, &keep, &no_subreaper] {
        return launch(line.session, { .flags = flags, .start = true, .detach = detach, .keep = keep, .subreaper = !no_subreaper });
    });
}

} // namespace bulkhead::cli
