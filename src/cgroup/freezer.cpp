#include "cgroup/freezer.h"
#include "base/text.h"

#include <algorithm>
#include <array>
#include <ctime>

#include <poll.h>
#include <unistd.h>

namespace bulkhead::cgroup {

namespace {

void sleep_microseconds(long microseconds)
{
    std::timespec time { .tv_sec = microseconds / 1000000, .tv_nsec = (microseconds % 1000000) * 1000 };
    ::nanosleep(&time, nullptr);
}

Error cannot(std::string_view doing, Errno code)
{
    auto error = Error::from_errno(code, doing);
    if (code == Errno::noent)
        error.hint = "this kernel has no cgroup freezer here (v2 has it since Linux 5.2)";
    return error;
}

} // namespace

// Linux: a process that is forking or waiting uninterruptibly keeps the group in FREEZING, and only a new write looks
// at it again (Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst). Now and then the group is thawed for a
// moment, so that processes which wait for each other can get on.
Result<Unit> freeze_v1(GroupFolder const& freezer)
{
    constexpr int attempts = 1000;
    for (int attempt = 0; attempt < attempts; ++attempt) {
        if (attempt % 50 == 49) {
            (void)freezer.write("freezer.state", "THAWED"); // the next write decides
            sleep_microseconds(10000);
        }
        auto written = freezer.write("freezer.state", "FROZEN");
        if (written.is_error())
            return cannot("freeze the container", written.error());
        if (attempt % 25 == 24)
            sleep_microseconds(100);
        auto state = freezer.read("freezer.state");
        if (state.is_error())
            return cannot("freeze the container", state.error());
        if (state.value() == "FROZEN")
            return ok();
    }
    (void)freezer.write("freezer.state", "THAWED"); // nothing better is left to do
    return Error { .code = Errno::busy,
        .message = "freeze the container: some process cannot be stopped now",
        .hint = "it waits uninterruptibly (see state D in ps); try again when its I/O is done" };
}

Result<Unit> thaw_v1(GroupFolder const& freezer)
{
    auto written = freezer.write("freezer.state", "THAWED");
    if (written.is_error())
        return cannot("thaw the container", written.error());
    return ok();
}

bool is_frozen_v1(GroupFolder const& freezer)
{
    auto state = freezer.read("freezer.state");
    // FREEZING counts: somebody has asked for it, and it must be taken back before processes can run.
    return state.is_ok() && state.value() != "THAWED";
}

namespace {

long now_milliseconds()
{
    std::timespec time {};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

Result<Unit> wait_for_frozen(GroupFolder const& group, std::uint64_t wanted)
{
    auto events = open_at(group.folder(), "cgroup.events", O_RDONLY);
    if (events.is_error())
        return cannot("watch cgroup.events", events.error());
    constexpr long patience_milliseconds = 10000;
    auto deadline = now_milliseconds() + patience_milliseconds;
    for (;;) {
        // Linux: reading by the very descriptor that is polled arms it; else poll returns at once, always.
        std::array<char, 256> text {};
        auto length = ::pread(events.value().fd(), text.data(), text.size(), 0);
        if (length < 0 && errno != EINTR)
            return cannot("read cgroup.events", last_errno());
        if (keyed_number({ text.data(), static_cast<std::size_t>(std::max<ssize_t>(length, 0)) }, "frozen") == wanted)
            return ok();
        auto left = deadline - now_milliseconds();
        if (left <= 0)
            break;
        pollfd waiting { .fd = events.value().fd(), .events = POLLPRI, .revents = 0 };
        ::poll(&waiting, 1, static_cast<int>(std::min(left, 100L))); // a look now and then, should a notification be lost
    }
    return Error { .code = Errno::timedout,
        .message = "some process of the container does not stop",
        .hint = "it waits uninterruptibly (see state D in ps); try again when its I/O is done" };
}

} // namespace

Result<Unit> freeze_v2(GroupFolder const& group)
{
    auto written = group.write("cgroup.freeze", "1");
    if (written.is_error())
        return cannot("freeze the container", written.error());
    auto frozen = wait_for_frozen(group, 1).context("freeze the container");
    if (frozen.is_error())
        (void)group.write("cgroup.freeze", "0"); // nothing better is left to do
    return frozen;
}

Result<Unit> thaw_v2(GroupFolder const& group)
{
    auto written = group.write("cgroup.freeze", "0");
    if (written.is_error())
        return cannot("thaw the container", written.error());
    return wait_for_frozen(group, 0).context("thaw the container");
}

bool is_frozen_v2(GroupFolder const& group)
{
    auto state = group.read("cgroup.freeze");
    return state.is_ok() && state.value() == "1";
}

} // namespace bulkhead::cgroup
