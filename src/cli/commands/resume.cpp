#include "cli/session.h"

namespace bulkhead::cli {

void add_resume(CommandLine& line)
{
    auto& command = line.add("resume", "let the processes of a paused container go on");
    auto const& id = command.argument("container-id", "name given to create or run");
    command.runs([&line, &id]() -> Result<int> {
        auto container = TRY(line.session.load(id));
        TRY(container.resume());
        return 0;
    });
}

} // namespace bulkhead::cli
