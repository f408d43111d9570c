// The receiving side of --console-socket: one descriptor of a pseudoterminal, sent over a unix socket.
#pragma once

#include <chrono>
#include <string>

namespace conformance {

class ConsoleSocket {
public:
    explicit ConsoleSocket(std::string path);
    ~ConsoleSocket();
    ConsoleSocket(ConsoleSocket const&) = delete;
    ConsoleSocket& operator=(ConsoleSocket const&) = delete;

    std::string const& path() const { return m_path; }
    // Waits for the terminal; false when none came.
    bool receive(std::chrono::milliseconds limit = std::chrono::seconds(4));
    int terminal() const { return m_terminal; }
    // What the container wrote so far, until this text came or the time is over.
    std::string read_until(std::string const& text, std::chrono::milliseconds limit = std::chrono::seconds(4));
    void type(std::string const& text) const;

private:
    std::string m_path;
    std::string m_seen;
    int m_listener = -1;
    int m_terminal = -1;
};

// Listens on a unix stream socket; -1 when that fails.
int listen_on(std::string const& path);
// Accepts one connection and reads its bytes until the end, and the descriptors that came along.
struct Received {
    bool connected = false;
    bool closed = false; // the sender closed its side
    std::string bytes;
    int descriptor = -1;
    int descriptor_count = 0;
    bool descriptors_in_first_message = true;
};
Received receive_all(int listener, std::chrono::milliseconds limit);

} // namespace conformance
