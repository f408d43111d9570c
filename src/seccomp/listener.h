// Hands the descriptor of a filter's listener to the container's seccomp agent (runtime.md, "The Seccomp agent").
#pragma once

#include "base/file.h"
#include "base/result.h"
#include "oci/state.h"

#include <string>

#include <sys/types.h>

namespace bulkhead::seccomp {

struct ListenerMessage {
    oci::State state; // of the container
    pid_t pid = 0; // of the process that the filter is on: the container's first, or one of exec
    std::string metadata; // listenerMetadata as configured
};

// config-linux.md's containerProcessState as JSON.
std::string listener_message_json(ListenerMessage const&);

// Connects to the agent's unix socket and sends LISTENER with the message. Gives up on an agent that does not read.
Result<Unit> send_listener(std::string const& socket_path, FileView listener, ListenerMessage const&);

} // namespace bulkhead::seccomp
