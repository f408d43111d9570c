#include "container/socket_activation.h"
#include "base/text.h"
#include "host/channel.h"
#include "host/process.h"

#include <array>
#include <cstdlib>
#include <cstring>

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace bulkhead::container {

namespace {

constexpr unsigned max_descriptors = 1024;
constexpr std::string_view socket_name = "notify.sock";

std::string take_variable(char const* name)
{
    auto const* value = std::getenv(name);
    std::string text = value ? value : "";
    ::unsetenv(name);
    return text;
}

Result<Unit> send_to(std::string const& socket_path, std::string_view message)
{
    sockaddr_un address {};
    address.sun_family = AF_UNIX;
    if (socket_path.empty() || socket_path.size() >= sizeof address.sun_path)
        return invalid("$NOTIFY_SOCKET is not a usable socket path: " + quoted(socket_path));
    std::memcpy(address.sun_path, socket_path.data(), socket_path.size());
    if (address.sun_path[0] == '@') // an abstract socket: unix(7)
        address.sun_path[0] = '\0';
    auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_path.size());
    File sender(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!sender.is_open()
        || ::sendto(sender.fd(), message.data(), message.size(), MSG_NOSIGNAL, reinterpret_cast<sockaddr const*>(&address), length) < 0)
        return Error::last("send to the notify socket " + quoted(socket_path));
    return ok();
}

} // namespace

void drop_foreign_listen_fds()
{
    auto const* pid = std::getenv("LISTEN_PID");
    if (!pid || parse_number<pid_t>(pid) == ::getpid())
        return;
    ::unsetenv("LISTEN_FDS");
    ::unsetenv("LISTEN_FDNAMES");
}

Result<Unit> check_descriptors(unsigned preserved)
{
    auto const* listening = std::getenv("LISTEN_FDS");
    auto count = std::uint64_t { preserved } + (listening ? parse_number<std::uint32_t>(listening).value_or(0) : 0);
    if (count > max_descriptors)
        return invalid("--preserve-fds: " + std::to_string(count) + " descriptors are more than the limit of " + std::to_string(max_descriptors));
    for (int number = 3; number < 3 + static_cast<int>(count); ++number) {
        int flags = ::fcntl(number, F_GETFD);
        if (flags < 0 || (flags & FD_CLOEXEC) != 0)
            return Error { .code = Errno::badf,
                .message = "descriptor " + std::to_string(number) + " is to be passed to the container but is not open",
                .hint = "--preserve-fds and $LISTEN_FDS count the descriptors from 3 on that the caller leaves open" };
    }
    return ok();
}

std::string take_notify_socket()
{
    return take_variable("NOTIFY_SOCKET");
}

Result<Unit> add_notify_mount(oci::Config& config, std::string const& state_path)
{
    if (::mkdir((state_path + "/notify").c_str(), 0755) < 0)
        return Error::last("make a folder for the notify socket");
    // Its own folder, so that the container sees the socket and nothing else of the state.
    oci::Mount mount;
    mount.destination = "/run/notify";
    mount.type = "bind";
    mount.source = state_path + "/notify";
    mount.options = { "bind", "nosuid", "noexec", "nodev", "ro" };
    config.mounts.push_back(std::move(mount));
    if (config.process)
        config.process->env.push_back("NOTIFY_SOCKET=/run/notify/" + std::string(socket_name));
    return ok();
}

Result<NotifyProxy> NotifyProxy::open(std::string const& state_path, std::string host_socket)
{
    auto folder = TRY(open_file(state_path + "/notify", O_RDONLY | O_DIRECTORY));
    auto socket = TRY(host::listen_unix(folder, std::string(socket_name), SOCK_DGRAM).context("make the notify socket"));
    // Whatever user the service runs as may write to it.
    if (::fchmodat(folder.fd(), std::string(socket_name).c_str(), 0666, 0) < 0)
        return Error::last("open the notify socket to the container");
    return NotifyProxy(std::move(socket), std::move(host_socket));
}

Result<bool> NotifyProxy::pass_on(pid_t pid)
{
    std::array<char, 4096> buffer {};
    auto count = ::recv(m_socket.fd(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (count < 0)
        return false;
    // The container says when it is ready and nothing else: the rest of the protocol steers the service manager.
    for (auto line : split(std::string_view(buffer.data(), static_cast<std::size_t>(count)), '\n')) {
        if (!line.starts_with("READY="))
            continue;
        auto message = std::string(line) + "\n";
        if (pid > 0)
            message += "MAINPID=" + std::to_string(pid) + "\n";
        TRY(send_to(m_host_socket, message));
        return true;
    }
    return false;
}

Result<Unit> NotifyProxy::wait_until_ready(pid_t pid)
{
    auto pidfd = TRY(host::open_pidfd(pid).or_error("watch the container's process"));
    for (;;) {
        std::array<pollfd, 2> watched { pollfd { m_socket.fd(), POLLIN, 0 }, pollfd { pidfd.fd(), POLLIN, 0 } };
        if (::poll(watched.data(), watched.size(), -1) < 0) {
            if (errno == EINTR)
                continue;
            return Error::last("wait for the container to be ready");
        }
        if (watched[0].revents != 0) {
            bool is_ready = TRY(pass_on(pid));
            if (is_ready)
                return ok();
        } else if (watched[1].revents != 0) {
            return ok();
        }
    }
}

} // namespace bulkhead::container
