#include "cli/session.h"

namespace bulkhead::cli {

void add_pause(CommandLine& line)
{
    auto& command = line.add("pause", "freeze every process of a container");
    auto const& id = command.argument("container-id", "name given to create or run");
    command.runs([&line, &id]() -> Result<int> {
        auto container = TRY(line.session.load(id));
        TRY(container.pause());
        return 0;
    });
}

} // namespace bulkhead::cli
