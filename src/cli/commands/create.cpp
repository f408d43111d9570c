#include "cli/launch.h"

namespace bulkhead::cli {

void add_create(CommandLine& line)
{
    auto& command = line.add("create", "create a container; its program waits for start");
    auto flags = add_launch_flags(command);
    command.runs([&line, flags] { return launch(line.session, { .flags = flags }); });
}

} // namespace bulkhead::cli
