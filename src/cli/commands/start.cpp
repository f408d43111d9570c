#include "cli/session.h"
#include "container/socket_activation.h"

#include <unistd.h>

namespace bulkhead::cli {

namespace {

Result<int> start(Session const& session, std::string const& id)
{
    auto container = TRY(session.load(id));
    auto host_socket = container::take_notify_socket();
    // Only a container that was created with $NOTIFY_SOCKET, too, can answer.
    bool can_answer = !host_socket.empty() && ::access((container.state_path() + "/notify").c_str(), F_OK) == 0;
    if (!can_answer) {
        TRY(container.start());
        return 0;
    }
    // The service manager waits for the container to say that it is ready.
    auto notify = TRY(container::NotifyProxy::open(container.state_path(), host_socket));
    TRY(container.start());
    TRY(notify.wait_until_ready(container.pid()));
    return 0;
}

} // namespace

void add_start(CommandLine& line)
{
    auto& command = line.add("start", "let the program of a created container run");
    auto const& id = command.argument("container-id", "name given to create");
    command.runs([&line, &id] { return start(line.session, id); });
}

} // namespace bulkhead::cli
