// A pair of connected sockets that carry whole messages with descriptors: how the two sides of a launch talk.
#pragma once

#include "base/file.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bulkhead::host {

struct Message {
    char kind = 0; // 0: the peer is gone
    std::string text;
    std::vector<File> files;
};

class Channel {
public:
    static SysResult<std::pair<Channel, Channel>> make_pair();
    explicit Channel(File socket)
        : m_socket(std::move(socket))
    {
    }
    Channel() = default;

    // At most max_text bytes of text and 8 descriptors. A peer that is gone is Errno::pipe, never SIGPIPE.
    SysResult<Unit> send(char kind, std::string_view text = {}, std::vector<FileView> const& files = {}) const;
    SysResult<Message> receive() const;
    FileView view() const { return m_socket; }
    File& file() { return m_socket; }
    void close() { m_socket.close(); }

    static constexpr std::size_t max_text = 16 * 1024;

private:
    File m_socket;
};

// Connects to a unix stream socket by path, also a path longer than sun_path can hold.
Result<File> connect_unix(std::string const& path);
// A socket that listens at DIRECTORY/NAME, which must not exist.
Result<File> listen_unix(FileView directory, std::string const& name, int type);
Result<File> connect_unix_at(FileView directory, std::string const& name, int type);
// One message with descriptors on any unix socket.
SysResult<Unit> send_files(FileView socket, std::string_view bytes, std::vector<FileView> const& files);
SysResult<Message> receive_files(FileView socket, std::size_t limit);

} // namespace bulkhead::host
