#include "host/channel.h"

#include <algorithm>
#include <array>
#include <cstring>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace bulkhead::host {

namespace {

constexpr std::size_t max_files = 8;

sockaddr_un address_of(std::string const& path)
{
    sockaddr_un address {};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), std::min(path.size(), sizeof address.sun_path - 1));
    return address;
}

} // namespace

SysResult<std::pair<Channel, Channel>> Channel::make_pair()
{
    std::array<int, 2> fds {};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds.data()) < 0)
        return last_errno();
    return std::pair<Channel, Channel>(Channel(File(fds[0])), Channel(File(fds[1])));
}

SysResult<Unit> Channel::send(char kind, std::string_view text, std::vector<FileView> const& files) const
{
    std::string bytes(1, kind);
    bytes += text.substr(0, max_text - 1);
    return send_files(m_socket, bytes, files);
}

SysResult<Message> Channel::receive() const
{
    auto message = TRY(receive_files(m_socket, max_text));
    if (!message.text.empty()) {
        message.kind = message.text[0];
        message.text.erase(0, 1);
    }
    return message;
}

SysResult<Unit> send_files(FileView socket, std::string_view bytes, std::vector<FileView> const& files)
{
    if (files.size() > max_files)
        return Errno::inval;
    iovec part { .iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size() };
    msghdr header {};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * max_files)> control {};
    if (!files.empty()) {
        header.msg_control = control.data();
        header.msg_controllen = CMSG_SPACE(sizeof(int) * files.size());
        auto* first = CMSG_FIRSTHDR(&header);
        first->cmsg_level = SOL_SOCKET;
        first->cmsg_type = SCM_RIGHTS;
        first->cmsg_len = CMSG_LEN(sizeof(int) * files.size());
        for (std::size_t index = 0; index < files.size(); ++index) {
            int fd = files[index].fd();
            std::memcpy(CMSG_DATA(first) + index * sizeof(int), &fd, sizeof fd);
        }
    }
    while (::sendmsg(socket.fd(), &header, MSG_NOSIGNAL) < 0) {
        if (errno != EINTR)
            return last_errno();
    }
    return ok();
}

SysResult<Message> receive_files(FileView socket, std::size_t limit)
{
    Message message;
    message.text.resize(limit);
    iovec part { .iov_base = message.text.data(), .iov_len = message.text.size() };
    msghdr header {};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * max_files)> control {};
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    ssize_t count = 0;
    while ((count = ::recvmsg(socket.fd(), &header, MSG_CMSG_CLOEXEC)) < 0) {
        if (errno == ECONNRESET) { // the peer died with our words unread: gone all the same
            count = 0;
            break;
        }
        if (errno != EINTR)
            return last_errno();
    }
    for (auto* entry = CMSG_FIRSTHDR(&header); entry; entry = CMSG_NXTHDR(&header, entry)) {
        if (entry->cmsg_level != SOL_SOCKET || entry->cmsg_type != SCM_RIGHTS)
            continue;
        auto files = (entry->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t index = 0; index < files; ++index) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(entry) + index * sizeof(int), sizeof fd);
            message.files.emplace_back(fd);
        }
    }
    if (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
        return Errno::overflow;
    message.text.resize(static_cast<std::size_t>(count));
    return message;
}

Result<File> connect_unix_at(FileView directory, std::string const& name, int type)
{
    int fd = ::socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return Error::last("make a unix socket");
    File socket(fd);
    auto path = directory.fd() == AT_FDCWD ? name : directory.proc_path() + "/" + name;
    File folder;
    if (path.size() >= sizeof(sockaddr_un::sun_path)) {
        auto slash = path.rfind('/');
        if (slash == std::string::npos || path.size() - slash >= 64)
            return Error::from_errno(Errno::nametoolong, "connect to socket \"" + path + "\"");
        folder = TRY(open_file(path.substr(0, slash + 1), O_PATH | O_DIRECTORY));
        path = folder.proc_path() + path.substr(slash);
    }
    auto address = address_of(path);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) < 0)
        return Error::last("connect to socket \"" + name + "\"");
    return socket;
}

Result<File> connect_unix(std::string const& path)
{
    return connect_unix_at(FileView::current_directory(), path, SOCK_STREAM);
}

Result<File> listen_unix(FileView directory, std::string const& name, int type)
{
    int fd = ::socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return Error::last("make a unix socket");
    File socket(fd);
    auto path = directory.proc_path() + "/" + name;
    auto address = address_of(path);
    if (path.size() >= sizeof address.sun_path)
        return Error::from_errno(Errno::nametoolong, "make socket \"" + name + "\"");
    if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) < 0)
        return Error::last("make socket \"" + name + "\"");
    if (type != SOCK_DGRAM && ::listen(fd, 1) < 0)
        return Error::last("listen at socket \"" + name + "\"");
    return socket;
}

} // namespace bulkhead::host
