// A terminal for a container that runs in the foreground: we receive the master side as an engine would, put our own
// terminal into raw mode, and carry bytes both ways.
#pragma once

#include "base/file.h"
#include "base/result.h"

#include <array>
#include <string>
#include <string_view>

#include <poll.h>
#include <termios.h>

namespace bulkhead::container {

// The socket that the isolation is told as ProcessIo::console_socket. Its file vanishes with it.
class ConsoleListener {
public:
    // FOLDER must be ours alone.
    static Result<ConsoleListener> listen(std::string const& folder);
    ConsoleListener(ConsoleListener&& other) noexcept;
    ConsoleListener& operator=(ConsoleListener&&) = delete;
    ~ConsoleListener();
    std::string const& path() const { return m_path; }
    // The master that was sent; an error when nothing or no terminal came.
    Result<File> receive();

private:
    ConsoleListener(File folder, File socket, std::string path, std::string name);
    File m_folder;
    File m_socket;
    std::string m_path;
    std::string m_name;
};

// Our own terminal in raw mode for as long as this lives; nothing at all when it is no terminal.
class RawTerminal {
public:
    explicit RawTerminal(FileView terminal);
    ~RawTerminal() { restore(); }
    RawTerminal(RawTerminal const&) = delete;
    RawTerminal& operator=(RawTerminal const&) = delete;
    void restore();

private:
    FileView m_terminal;
    termios m_before {};
    bool m_is_raw = false;
};

// Carries bytes between the container's terminal and our standard input and output, without ever blocking on either for
// the other's sake.
class ConsoleRelay {
public:
    ConsoleRelay(File master, FileView input, FileView output);
    // Gives the container's terminal the size of ours, if ours has one.
    void copy_size() const;
    // What to wait for next; entries with fd -1 are not of interest.
    std::array<pollfd, 4> wanted() const;
    void handle(std::array<pollfd, 4> const& seen);
    // After the end of the process: passes on what the terminal still holds.
    void drain();

private:
    struct Direction {
        std::string waiting; // read, not yet written
        bool is_over = false;
    };
    static constexpr std::size_t chunk = 16UL * 1024;
    void take(FileView from, Direction&) const;
    void give(FileView to, Direction&) const;

    File m_master;
    FileView m_input;
    FileView m_output;
    Direction m_inward;
    Direction m_outward;
};

} // namespace bulkhead::container
