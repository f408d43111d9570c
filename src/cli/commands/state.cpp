#include "cli/container_json.h"
#include "cli/session.h"

namespace bulkhead::cli {

void add_state(CommandLine& line)
{
    auto& command = line.add("state", "print the state of a container as JSON");
    auto const& id = command.argument("container-id", "name given to create or run");
    command.runs([&line, &id]() -> Result<int> {
        auto container = TRY(line.session.load(id));
        auto status = container.status();
        JsonWriter json(2);
        write_container(json, container.record(), status, status == oci::Status::stopped ? 0 : container.pid());
        TRY(print(json.text() + "\n"));
        return 0;
    });
}

} // namespace bulkhead::cli
