#include "seccomp/listener.h"

#include "base/json.h"
#include "base/text.h"
#include "host/channel.h"

#include <sys/socket.h>
#include <sys/time.h>

namespace bulkhead::seccomp {

namespace {

constexpr timeval patience { .tv_sec = 10, .tv_usec = 0 };

} // namespace

std::string listener_message_json(ListenerMessage const& message)
{
    JsonWriter json;
    json.begin_object();
    json.member("ociVersion", message.state.oci_version);
    json.key("fds").begin_array().value("seccompFd").end_array();
    json.member("pid", std::int64_t(message.pid));
    if (!message.metadata.empty())
        json.member("metadata", message.metadata);
    json.key("state").raw(oci::state_json(message.state, 0));
    json.end_object();
    return json.text();
}

Result<Unit> send_listener(std::string const& socket_path, FileView listener, ListenerMessage const& message)
{
    auto socket = TRY(host::connect_unix(socket_path).context("reach the seccomp agent of linux.seccomp.listenerPath"));
    ::setsockopt(socket.fd(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    return host::send_files(socket, listener_message_json(message), { listener })
        .or_error("send the seccomp listener to the agent at " + quoted(socket_path));
}

} // namespace bulkhead::seccomp
