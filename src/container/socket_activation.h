// systemd's two protocols around a service, for containers: sd_notify(3), whose socket is bound into the container and
// whose READY is passed on, and sd_listen_fds(3), whose descriptors are passed in.
#pragma once

#include "base/file.h"
#include "base/result.h"
#include "oci/config.h"

#include <string>

#include <sys/types.h>

namespace bulkhead::container {

// LISTEN_FDS of another process (LISTEN_PID) says nothing about our descriptors: out of the environment with it.
// The isolation passes on what remains.
void drop_foreign_listen_fds();
// Each of the PRESERVED descriptors from 3 on, and those of LISTEN_FDS before them, must have been given to us: never one
// that we opened ourselves (those are close-on-exec).
Result<Unit> check_descriptors(unsigned preserved);

// $NOTIFY_SOCKET, if systemd or podman waits for a message; and no longer in our environment for children to see.
std::string take_notify_socket();
// Lets the container see its end of the protocol: a bind mount of STATE_PATH/notify and the variable.
Result<Unit> add_notify_mount(oci::Config&, std::string const& state_path);

// Our end: a socket in STATE_PATH/notify whose READY message goes on to the host's socket.
class NotifyProxy {
public:
    static Result<NotifyProxy> open(std::string const& state_path, std::string host_socket);
    FileView socket() const { return m_socket; }
    // Reads one message. True when it was READY and was passed on, with MAINPID when PID is not 0.
    Result<bool> pass_on(pid_t pid);
    // Until READY came or the process is gone.
    Result<Unit> wait_until_ready(pid_t pid);

private:
    NotifyProxy(File socket, std::string host_socket)
        : m_socket(std::move(socket))
        , m_host_socket(std::move(host_socket))
    {
    }
    File m_socket;
    std::string m_host_socket;
};

} // namespace bulkhead::container
