#include "driver/console.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace conformance {

namespace {

bool readable(int fd, std::chrono::milliseconds limit)
{
    pollfd waiting { fd, POLLIN, 0 };
    return poll(&waiting, 1, static_cast<int>(limit.count())) > 0;
}

// One recvmsg(2): bytes and descriptors. Keeps the first descriptor, closes the others.
ssize_t take_message(int fd, Received& result, bool first)
{
    char buffer[8192];
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * 8)];
    iovec part { buffer, sizeof(buffer) };
    msghdr message {};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    auto got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    if (got > 0)
        result.bytes.append(buffer, static_cast<std::size_t>(got));
    for (auto* header = CMSG_FIRSTHDR(&message); got >= 0 && header != nullptr; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
            continue;
        auto count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t index = 0; index < count; ++index) {
            int descriptor = -1;
            std::memcpy(&descriptor, CMSG_DATA(header) + index * sizeof(int), sizeof(int));
            ++result.descriptor_count;
            result.descriptors_in_first_message = result.descriptors_in_first_message && first;
            if (result.descriptor < 0)
                result.descriptor = descriptor;
            else
                close(descriptor);
        }
    }
    return got;
}

} // namespace

int listen_on(std::string const& path)
{
    sockaddr_un address {};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof(address.sun_path))
        return -1;
    path.copy(address.sun_path, path.size());
    unlink(path.c_str());
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (bind(fd, static_cast<sockaddr*>(static_cast<void*>(&address)), sizeof(address)) != 0 || listen(fd, 4) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

Received receive_all(int listener, std::chrono::milliseconds limit)
{
    Received result;
    if (listener < 0 || !readable(listener, limit))
        return result;
    int connection = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    result.connected = connection >= 0;
    bool first = true;
    while (connection >= 0 && readable(connection, std::chrono::milliseconds(1500))) {
        auto got = take_message(connection, result, first);
        first = false;
        if (got <= 0) {
            result.closed = got == 0;
            break;
        }
    }
    if (connection >= 0)
        close(connection);
    return result;
}

ConsoleSocket::ConsoleSocket(std::string path)
    : m_path(std::move(path))
    , m_listener(listen_on(m_path))
{
}

ConsoleSocket::~ConsoleSocket()
{
    if (m_terminal >= 0)
        close(m_terminal);
    if (m_listener >= 0)
        close(m_listener);
    unlink(m_path.c_str());
}

bool ConsoleSocket::receive(std::chrono::milliseconds limit)
{
    if (m_listener < 0 || !readable(m_listener, limit))
        return false;
    int connection = accept4(m_listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0)
        return false;
    Received received;
    if (readable(connection, limit))
        take_message(connection, received, true);
    close(connection);
    m_terminal = received.descriptor;
    return m_terminal >= 0;
}

std::string ConsoleSocket::read_until(std::string const& text, std::chrono::milliseconds limit)
{
    auto end = std::chrono::steady_clock::now() + limit;
    while (m_terminal >= 0 && m_seen.find(text) == std::string::npos && std::chrono::steady_clock::now() < end) {
        if (!readable(m_terminal, std::chrono::milliseconds(50)))
            continue;
        char buffer[8192];
        auto got = read(m_terminal, buffer, sizeof(buffer));
        if (got <= 0)
            break;
        m_seen.append(buffer, static_cast<std::size_t>(got));
    }
    return m_seen;
}

void ConsoleSocket::type(std::string const& text) const
{
    if (m_terminal >= 0 && write(m_terminal, text.data(), text.size()) < 0)
        return;
}

} // namespace conformance
