#include "container/console.h"
#include "host/channel.h"

#include <utility>

#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace bulkhead::container {

ConsoleListener::ConsoleListener(File folder, File socket, std::string path, std::string name)
    : m_folder(std::move(folder))
    , m_socket(std::move(socket))
    , m_path(std::move(path))
    , m_name(std::move(name))
{
}

ConsoleListener::ConsoleListener(ConsoleListener&& other) noexcept
    : m_folder(std::move(other.m_folder))
    , m_socket(std::move(other.m_socket))
    , m_path(std::move(other.m_path))
    , m_name(std::exchange(other.m_name, {}))
{
}

ConsoleListener::~ConsoleListener()
{
    if (m_folder.is_open() && !m_name.empty())
        ::unlinkat(m_folder.fd(), m_name.c_str(), 0);
}

Result<ConsoleListener> ConsoleListener::listen(std::string const& folder_path)
{
    auto folder = TRY(open_file(folder_path, O_RDONLY | O_DIRECTORY));
    auto name = "console." + std::to_string(::getpid()) + ".sock";
    auto socket = TRY(host::listen_unix(folder, name, SOCK_STREAM).context("make a console socket"));
    return ConsoleListener(std::move(folder), std::move(socket), folder_path + "/" + name, name);
}

Result<File> ConsoleListener::receive()
{
    pollfd waiting { m_socket.fd(), POLLIN, 0 };
    if (::poll(&waiting, 1, 10'000) <= 0)
        return Error { .code = Errno::timedout, .message = "the container's terminal did not arrive" };
    File connection(::accept4(m_socket.fd(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!connection.is_open())
        return Error::last("accept the container's terminal");
    auto message = TRY(host::receive_files(connection, 4096).or_error("receive the container's terminal"));
    if (message.files.size() != 1 || ::isatty(message.files[0].fd()) != 1)
        return invalid("what arrived as the container's terminal is not one");
    return std::move(message.files[0]);
}

RawTerminal::RawTerminal(FileView terminal)
    : m_terminal(terminal)
{
    if (::tcgetattr(terminal.fd(), &m_before) < 0)
        return;
    auto raw = m_before;
    ::cfmakeraw(&raw); // output, too: full-screen programs count on a line feed that is no more than that
    m_is_raw = ::tcsetattr(terminal.fd(), TCSANOW, &raw) == 0;
}

void RawTerminal::restore()
{
    if (std::exchange(m_is_raw, false))
        ::tcsetattr(m_terminal.fd(), TCSADRAIN, &m_before);
}

ConsoleRelay::ConsoleRelay(File master, FileView input, FileView output)
    : m_master(std::move(master))
    , m_input(input)
    , m_output(output)
{
    ::fcntl(m_master.fd(), F_SETFL, ::fcntl(m_master.fd(), F_GETFL) | O_NONBLOCK);
    // One line discipline is to turn "\n" into "\r\n": the container's, unless our output is a terminal that still does it.
    termios ours {};
    termios settings {};
    bool does_it = ::tcgetattr(output.fd(), &ours) == 0 && (ours.c_oflag & OPOST) != 0 && (ours.c_oflag & ONLCR) != 0;
    if (does_it && ::tcgetattr(m_master.fd(), &settings) == 0) {
        settings.c_oflag &= ~static_cast<tcflag_t>(ONLCR);
        ::tcsetattr(m_master.fd(), TCSANOW, &settings);
    }
    copy_size();
}

void ConsoleRelay::copy_size() const
{
    winsize size {};
    if (::ioctl(m_input.fd(), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        ::ioctl(m_master.fd(), TIOCSWINSZ, &size);
}

std::array<pollfd, 4> ConsoleRelay::wanted() const
{
    auto when = [](bool condition, FileView file, short events) { return pollfd { condition ? file.fd() : -1, events, 0 }; };
    return { when(!m_inward.is_over && m_inward.waiting.empty(), m_input, POLLIN), when(!m_inward.waiting.empty(), m_master, POLLOUT),
        when(!m_outward.is_over && m_outward.waiting.empty(), m_master, POLLIN), when(!m_outward.waiting.empty(), m_output, POLLOUT) };
}

void ConsoleRelay::take(FileView from, Direction& direction) const
{
    direction.waiting.resize(chunk);
    auto count = ::read(from.fd(), direction.waiting.data(), chunk);
    direction.waiting.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    // EIO: the last process has closed the other side of the terminal.
    direction.is_over = count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR);
}

void ConsoleRelay::give(FileView to, Direction& direction) const
{
    auto count = ::write(to.fd(), direction.waiting.data(), direction.waiting.size());
    if (count > 0)
        direction.waiting.erase(0, static_cast<std::size_t>(count));
    else if (count < 0 && errno != EAGAIN && errno != EINTR)
        direction.waiting.clear(); // nobody reads any more; the process must not hang for it
}

void ConsoleRelay::handle(std::array<pollfd, 4> const& seen)
{
    auto happened = [&](std::size_t index) { return seen[index].fd >= 0 && seen[index].revents != 0; };
    if (happened(0)) {
        take(m_input, m_inward);
        if (m_inward.is_over) {
            termios settings {};
            bool takes_lines = ::tcgetattr(m_master.fd(), &settings) == 0 && (settings.c_lflag & ICANON) != 0;
            if (takes_lines) // our input has ended: say so as a person would, with ^D
                m_inward.waiting.assign(1, static_cast<char>(settings.c_cc[VEOF]));
        }
    }
    if (happened(1))
        give(m_master, m_inward);
    if (happened(2))
        take(m_master, m_outward);
    if (happened(3))
        give(m_output, m_outward);
}

void ConsoleRelay::drain()
{
    // Bounded: another process may still write to the terminal without end.
    for (int rounds = 0; rounds < 1024; ++rounds) {
        while (!m_outward.waiting.empty()) {
            pollfd room { m_output.fd(), POLLOUT, 0 };
            if (::poll(&room, 1, 1000) <= 0)
                return;
            give(m_output, m_outward);
        }
        pollfd more { m_master.fd(), POLLIN, 0 };
        if (m_outward.is_over || ::poll(&more, 1, 0) <= 0)
            return;
        take(m_master, m_outward);
    }
}

} // namespace bulkhead::container
