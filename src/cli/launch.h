// What create, run and restore share: from a bundle to a container, and staying with it where that was asked for.
#pragma once

#include "cli/session.h"
#include "isolation/isolation.h"

#include <string>

namespace bulkhead::cli {

// References into the command that declared them.
struct LaunchFlags {
    std::string const& bundle;
    std::string const& console_socket;
    std::string const& pidfd_socket;
    std::string const& pid_file;
    bool const& no_pivot;
    bool const& no_new_keyring;
    std::optional<std::int64_t> const& preserve_fds;
    std::string const& id;
};
LaunchFlags add_launch_flags(Command&);

struct LaunchRequest {
    LaunchFlags const& flags;
    bool start = false; // not only create
    bool detach = true; // return once it is created or started
    bool keep = false; // do not remove it after its end
    bool subreaper = true;
    isolation::CheckpointOptions const* restore = nullptr;
};

// The exit status: of the container's program where we stay with it, else 0.
Result<int> launch(Session const&, LaunchRequest const&);

// A terminal needs somebody who takes it: the rules of runc for --console-socket.
Result<Unit> check_terminal(bool terminal, bool detach, std::string const& console_socket);
// Atomically, so that who waits for the file never reads a part of the number.
Result<Unit> write_pid_file(std::string const& path, pid_t);

} // namespace bulkhead::cli
