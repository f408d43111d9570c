#include "cgroup/oom.h"

#include <array>
#include <cstdint>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

namespace bulkhead::cgroup {

namespace {

Error group_is_gone()
{
    return Error { .code = Errno::nodev, .message = "the container's memory group is gone" };
}

// False when the time is over.
Result<bool> wait_readable(FileView file, int milliseconds)
{
    pollfd waiting { .fd = file.fd(), .events = POLLIN, .revents = 0 };
    int ready = ::poll(&waiting, 1, milliseconds);
    if (ready < 0 && errno != EINTR)
        return Error::last("wait for an out-of-memory event");
    return ready > 0;
}

} // namespace

Result<Unit> V1OomWatch::arm(GroupFolder const& memory)
{
    auto control = open_at(memory.folder(), "memory.oom_control", O_RDONLY);
    if (control.is_error())
        return Error::from_errno(control.error(), "open memory.oom_control");
    m_control = control.release_value();
    m_event = File(::eventfd(0, EFD_CLOEXEC));
    if (!m_event.is_open())
        return Error::last("make an eventfd");
    auto request = std::to_string(m_event.fd()) + " " + std::to_string(m_control.fd());
    auto written = memory.write("cgroup.event_control", request);
    if (written.is_error()) {
        m_event.close();
        return Error::from_errno(written.error(), "ask for out-of-memory events in cgroup.event_control");
    }
    return ok();
}

Result<bool> V1OomWatch::wait(GroupFolder const& memory, int milliseconds)
{
    if (!m_event.is_open())
        TRY(arm(memory));
    bool is_ready = TRY(wait_readable(m_event, milliseconds));
    if (!is_ready)
        return false;
    std::uint64_t count = 0;
    if (::read(m_event.fd(), &count, sizeof(count)) != sizeof(count))
        return Error::last("read an out-of-memory event");
    // The removal of the group signals, too.
    if (!memory.has("cgroup.event_control"))
        return group_is_gone();
    return true;
}

std::uint64_t V1OomWatch::kill_count(GroupFolder const& memory)
{
    auto text = memory.read("memory.oom_control"); // "oom_kill N" since Linux 4.13
    return text.is_ok() ? keyed_number(text.value(), "oom_kill").value_or(0) : 0;
}

Result<Unit> V2OomWatch::arm(GroupFolder const& group, std::string const& absolute_path)
{
    m_inotify = File(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!m_inotify.is_open())
        return Error::last("make an inotify descriptor");
    // cgroup.events changes when the last process leaves; the files' own removal is not always reported.
    for (auto const* name : { "memory.events", "cgroup.events" }) {
        if (::inotify_add_watch(m_inotify.fd(), (absolute_path + "/" + name).c_str(), IN_MODIFY | IN_DELETE_SELF) < 0) {
            auto error = Error::last("watch " + std::string(name));
            m_inotify.close();
            return error;
        }
    }
    m_seen = kill_count(group);
    return ok();
}

Result<bool> V2OomWatch::wait(GroupFolder const& group, std::string const& absolute_path, int milliseconds)
{
    if (!m_inotify.is_open())
        TRY(arm(group, absolute_path));
    bool is_ready = TRY(wait_readable(m_inotify, milliseconds));
    if (!is_ready)
        return false;
    alignas(inotify_event) std::array<char, 4096> events {};
    while (::read(m_inotify.fd(), events.data(), events.size()) > 0) { }
    if (auto count = kill_count(group); count > m_seen) {
        m_seen = count;
        return true;
    }
    auto state = group.read("cgroup.events");
    if (state.is_error() || keyed_number(state.value(), "populated") == std::uint64_t { 0 })
        return group_is_gone();
    return false;
}

std::uint64_t V2OomWatch::kill_count(GroupFolder const& group)
{
    auto text = group.read("memory.events");
    return text.is_ok() ? keyed_number(text.value(), "oom_kill").value_or(0) : 0;
}

} // namespace bulkhead::cgroup
