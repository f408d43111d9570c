#include "container/foreground.h"
#include "container/fake_isolation.h"
#include "host/channel.h"

#include <gtest/gtest.h>

#include <pty.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

using namespace bulkhead;
using namespace bulkhead::container;

namespace {

std::unique_ptr<Foreground> foreground()
{
    return Foreground::prepare(Foreground::Subreaper::yes).release_value();
}

struct Pty {
    File master;
    File slave;
};

Pty open_pty()
{
    int master = -1;
    int slave = -1;
    EXPECT_EQ(::openpty(&master, &slave, nullptr, nullptr, nullptr), 0);
    return { File(master), File(slave) };
}

struct Ends {
    File ours;
    File theirs;
};

Ends socket_pair()
{
    int ends[2] = { -1, -1 };
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    return { File(ends[0]), File(ends[1]) };
}

// A child whose terminal is SLAVE and that runs SCRIPT.
pid_t start_on(Pty& pty, char const* script)
{
    auto child = ::fork();
    if (child == 0) {
        ::setsid();
        ::ioctl(pty.slave.fd(), TIOCSCTTY, 0);
        for (int fd : { 0, 1, 2 })
            ::dup2(pty.slave.fd(), fd);
        ::close(pty.master.release());
        ::execl("/bin/sh", "sh", "-c", script, nullptr);
        ::_exit(127);
    }
    pty.slave.close();
    return child;
}

std::string all_of(FileView socket)
{
    std::string text;
    char chunk[4096];
    for (;;) {
        auto count = ::recv(socket.fd(), chunk, sizeof chunk, MSG_DONTWAIT);
        if (count <= 0)
            return text;
        text.append(chunk, static_cast<std::size_t>(count));
    }
}

} // namespace

TEST(Foreground, the_exit_status_is_the_process_s_own)
{
    auto stay = foreground();
    auto child = ::fork();
    if (child == 0)
        ::_exit(42);
    EXPECT_EQ(stay->follow({ .pid = child }).value(), 42);
}

TEST(Foreground, a_process_that_a_signal_ends_counts_from_128)
{
    auto stay = foreground();
    auto child = ::fork();
    if (child == 0) {
        ::signal(SIGTERM, SIG_DFL);
        ::raise(SIGTERM);
        ::_exit(0);
    }
    EXPECT_EQ(stay->follow({ .pid = child }).value(), 128 + SIGTERM);
}

TEST(Foreground, signals_are_forwarded)
{
    auto stay = foreground();
    auto child = ::fork();
    if (child == 0) {
        ::execl("/bin/sh", "sh", "-c", "trap 'exit 33' USR1; while :; do sleep 0.05; done", nullptr);
        ::_exit(127);
    }
    auto teller = ::fork();
    if (teller == 0) {
        ::usleep(300'000);
        ::kill(::getppid(), SIGUSR1);
        ::_exit(0);
    }
    EXPECT_EQ(stay->follow({ .pid = child }).value(), 33);
}

TEST(Foreground, orphans_are_reaped_on_the_way)
{
    auto stay = foreground();
    auto child = ::fork();
    if (child == 0) {
        if (::fork() == 0) {
            if (::fork() == 0)
                ::_exit(1);
            ::_exit(2);
        }
        ::usleep(100'000);
        ::_exit(5);
    }
    EXPECT_EQ(stay->follow({ .pid = child }).value(), 5);
}

TEST(ConsoleRelay, bytes_go_both_ways_and_nothing_is_lost_at_the_end)
{
    auto stay = foreground();
    auto pty = open_pty();
    auto input = socket_pair();
    auto output = socket_pair();
    auto child = start_on(pty, "read -r line; echo \"got $line\"; seq 1 2000; exit 9");
    ConsoleRelay relay(std::move(pty.master), input.theirs, output.theirs);
    ASSERT_EQ(::write(input.ours.fd(), "hello\n", 6), 6);
    Followed followed { .pid = child };
    followed.relay = &relay;
    EXPECT_EQ(stay->follow(followed).value(), 9);
    auto said = all_of(output.ours);
    EXPECT_NE(said.find("got hello"), std::string::npos) << said;
    EXPECT_NE(said.find("\n2000\r\n"), std::string::npos) << said.substr(said.size() > 100 ? said.size() - 100 : 0);
}

TEST(ConsoleRelay, the_end_of_our_input_is_an_end_of_file_for_a_reader_of_lines)
{
    auto stay = foreground();
    auto pty = open_pty();
    auto input = socket_pair();
    auto output = socket_pair();
    auto child = start_on(pty, "cat > /dev/null; exit 4");
    ConsoleRelay relay(std::move(pty.master), input.theirs, output.theirs);
    input.ours.close();
    Followed followed { .pid = child };
    followed.relay = &relay;
    EXPECT_EQ(stay->follow(followed).value(), 4);
}

TEST(ConsoleRelay, the_size_of_our_terminal_is_passed_on)
{
    auto outer = open_pty();
    auto inner = open_pty();
    winsize wanted { .ws_row = 33, .ws_col = 111, .ws_xpixel = 0, .ws_ypixel = 0 };
    ASSERT_EQ(::ioctl(outer.slave.fd(), TIOCSWINSZ, &wanted), 0);
    ConsoleRelay relay(std::move(inner.master), outer.slave, outer.slave);
    winsize seen {};
    ASSERT_EQ(::ioctl(inner.slave.fd(), TIOCGWINSZ, &seen), 0);
    EXPECT_EQ(seen.ws_row, 33);
    EXPECT_EQ(seen.ws_col, 111);
}

TEST(RawTerminal, the_terminal_is_as_before_afterwards)
{
    auto pty = open_pty();
    termios before {};
    ::tcgetattr(pty.slave.fd(), &before);
    {
        RawTerminal raw(pty.slave);
        termios during {};
        ::tcgetattr(pty.slave.fd(), &during);
        EXPECT_EQ(during.c_lflag & (ICANON | ECHO | ISIG), 0U);
        EXPECT_EQ(during.c_oflag & OPOST, 0U);
    }
    termios after {};
    ::tcgetattr(pty.slave.fd(), &after);
    EXPECT_EQ(after.c_lflag, before.c_lflag);
}

TEST(ConsoleListener, a_terminal_is_received_and_the_socket_vanishes)
{
    TemporaryFolder folder;
    std::string path;
    {
        auto listener = ConsoleListener::listen(folder.path()).release_value();
        path = listener.path();
        auto pty = open_pty();
        auto connection = host::connect_unix(path).release_value();
        ASSERT_TRUE(host::send_files(connection, "/dev/ptmx", { pty.master }).is_ok());
        auto received = listener.receive();
        ASSERT_TRUE(received.is_ok()) << received.error().message;
        EXPECT_EQ(::isatty(received.value().fd()), 1);
    }
    EXPECT_FALSE(file_exists(path));
}

TEST(ConsoleListener, something_else_than_a_terminal_is_refused)
{
    TemporaryFolder folder;
    auto listener = ConsoleListener::listen(folder.path()).release_value();
    auto connection = host::connect_unix(listener.path()).release_value();
    File null(::open("/dev/null", O_RDONLY));
    ASSERT_TRUE(host::send_files(connection, "x", { null }).is_ok());
    EXPECT_TRUE(listener.receive().is_error());
}

TEST(NotifyProxy, only_ready_is_passed_on_and_with_the_main_pid)
{
    TemporaryFolder folder;
    ::mkdir((folder.path() + "/notify").c_str(), 0755);
    File host_folder(::open(folder.path().c_str(), O_RDONLY | O_DIRECTORY));
    auto host_socket = host::listen_unix(host_folder, "host.sock", SOCK_DGRAM).release_value();
    auto proxy = NotifyProxy::open(folder.path(), folder.path() + "/host.sock").release_value();
    auto inside = host::connect_unix_at(FileView::current_directory(), folder.path() + "/notify/notify.sock", SOCK_DGRAM);
    ASSERT_TRUE(inside.is_ok()) << inside.error().message;
    ASSERT_GT(::send(inside.value().fd(), "STATUS=evil\nMAINPID=1", 21, 0), 0);
    EXPECT_FALSE(proxy.pass_on(77).value());
    ASSERT_GT(::send(inside.value().fd(), "STATUS=up\nREADY=1\nMAINPID=1\n", 28, 0), 0);
    EXPECT_TRUE(proxy.pass_on(77).value());
    EXPECT_EQ(all_of(host_socket), "READY=1\nMAINPID=77\n");
}
