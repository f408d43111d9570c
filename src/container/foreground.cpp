#include "container/foreground.h"
#include "base/log.h"
#include "host/process.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bulkhead::container {

namespace {

std::atomic<std::uint64_t> arrived_signals; // bit N-1: signal N
std::atomic<int> wake_descriptor { -1 };
static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "a signal handler must not lock");

extern "C" void note_signal(int number)
{
    int saved = errno;
    arrived_signals.fetch_or(std::uint64_t { 1 } << (number - 1));
    std::uint64_t one = 1;
    (void)!::write(wake_descriptor.load(), &one, sizeof one);
    errno = saved;
}

// Everything that says something to the container. Not: what cannot be caught, what is our own fault (SIGSEGV...), what
// stops us when we touch a terminal in the background, and SIGURG and SIGPIPE, which mean nothing to it.
bool is_forwarded(int number)
{
    switch (number) {
    case SIGKILL:
    case SIGSTOP:
    case SIGCHLD:
    case SIGURG:
    case SIGPIPE:
    case SIGTTIN:
    case SIGTTOU:
    case SIGSEGV:
    case SIGBUS:
    case SIGFPE:
    case SIGILL:
    case SIGTRAP:
    case SIGABRT:
    case SIGSYS:
    case 32: // the C library's own
    case 33:
        return false;
    default:
        return number >= 1 && number <= 64;
    }
}

void set_handlers(void (*handler)(int))
{
    struct sigaction action { };
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    sigfillset(&action.sa_mask);
    for (int number = 1; number <= 64; ++number) {
        struct sigaction before { };
        bool is_ignored = number != SIGCHLD && ::sigaction(number, nullptr, &before) == 0 && before.sa_handler == SIG_IGN;
        if (is_ignored)
            continue; // nohup(1) means the container, too
        // SIGPIPE has a handler only so that a closed output gives EPIPE; "ignore" would be inherited by the container.
        if (is_forwarded(number) || number == SIGCHLD || number == SIGPIPE)
            ::sigaction(number, &action, nullptr);
    }
}

} // namespace

Result<std::unique_ptr<Foreground>> Foreground::prepare(Subreaper subreaper)
{
    File wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!wake.is_open())
        return Error::last("prepare for signals");
    if (subreaper == Subreaper::yes && ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
        return Error::last("become a subreaper");
    arrived_signals = 0;
    wake_descriptor = wake.fd();
    set_handlers(note_signal);
    return std::unique_ptr<Foreground>(new Foreground(std::move(wake)));
}

Foreground::~Foreground()
{
    set_handlers(SIG_DFL);
    wake_descriptor = -1;
}

void Foreground::forward_signals(Followed const& followed)
{
    std::uint64_t count = 0;
    (void)!::read(m_wake.fd(), &count, sizeof count);
    auto bits = arrived_signals.exchange(0);
    for (int number = 1; number <= 64; ++number) {
        if ((bits & (std::uint64_t { 1 } << (number - 1))) == 0 || !is_forwarded(number))
            continue;
        if (number == SIGWINCH && followed.relay) {
            followed.relay->copy_size();
            continue;
        }
        if (followed.pidfd.is_open())
            (void)host::signal_pidfd(followed.pidfd, number);
        else
            ::kill(followed.pid, number); // our child, not yet reaped: the number cannot have another owner
    }
}

// As a subreaper we may get orphans of the container, too.
std::optional<int> Foreground::reap(pid_t wanted)
{
    for (;;) {
        int status = 0;
        auto pid = ::waitpid(-1, &status, WNOHANG);
        if (pid < 0 && errno == EINTR)
            continue;
        if (pid <= 0)
            return std::nullopt;
        if (pid == wanted)
            return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }
}

void Foreground::handle_notify(Followed const& followed)
{
    auto passed = followed.notify->pass_on(::getpid());
    if (passed.is_error())
        log::warning("the container is ready, but the service manager could not be told", { { "reason", passed.error().message } });
    m_is_ready_passed_on = passed.is_error() || passed.value();
}

Result<int> Foreground::follow(Followed const& followed)
{
    for (;;) {
        if (auto status = reap(followed.pid)) {
            if (followed.relay)
                followed.relay->drain();
            return *status;
        }
        std::array<pollfd, 7> watched {};
        watched.fill(pollfd { -1, 0, 0 });
        watched[4] = { m_wake.fd(), POLLIN, 0 };
        watched[5] = { followed.pidfd.fd(), POLLIN, 0 };
        if (followed.notify && !m_is_ready_passed_on)
            watched[6] = { followed.notify->socket().fd(), POLLIN, 0 };
        std::array<pollfd, 4> relayed {};
        if (followed.relay) {
            relayed = followed.relay->wanted();
            std::copy(relayed.begin(), relayed.end(), watched.begin());
        }
        if (::poll(watched.data(), watched.size(), -1) < 0 && errno != EINTR)
            return Error::last("wait for the container's process");
        if (watched[4].revents != 0)
            forward_signals(followed);
        if (watched[6].revents != 0)
            handle_notify(followed);
        if (followed.relay) {
            std::copy(watched.begin(), watched.begin() + 4, relayed.begin());
            followed.relay->handle(relayed);
        }
        siginfo_t info {};
        if (watched[5].revents != 0 && ::waitid(P_PID, static_cast<id_t>(followed.pid), &info, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD)
            return Error { .code = Errno::child,
                .message = "the container's process has ended, but not as a child of this one: its exit status is unknown" };
    }
}

} // namespace bulkhead::container
