// What is done with a container's v1 groups while it lives: limits, devices, freezing, signals, out-of-memory events.
#include "base/log.h"
#include "base/text.h"
#include "cgroup/v1.h"

#include <csignal>

namespace bulkhead::cgroup {

Result<Unit> V1Cgroup::set_limits(oci::Resources const& resources)
{
    if (!resources.unified.empty() && m_groups.empty())
        return left_out("v2", "unified." + resources.unified.begin()->first);
    if (!resources.unified.empty())
        return Error { .code = Errno::notsup,
            .message = "linux.resources.unified." + resources.unified.begin()->first + " needs cgroup v2, and this host has v1",
            .hint = "use the members of v1 (linux.resources.memory and the like), or boot with systemd.unified_cgroup_hierarchy=1" };
    TRY(set_cpuset(resources.cpu ? &*resources.cpu : nullptr));
    return set_v1_limits(*this, resources);
}

Result<Unit> V1Cgroup::set_devices(std::vector<oci::DeviceRule> const& rules)
{
    auto const* group = group_of("devices");
    if (!group && m_rootless)
        return ok(); // a user namespace cannot make device nodes anyway
    auto folder = TRY(folder_of("devices", "devices"));
    auto set = set_v1_devices(folder, rules, m_values);
    if (set.is_error() && m_rootless && is_lack_of_permission(set.error().code)) {
        log::debug("device rules are left as they are: this user may not change them");
        return ok();
    }
    return set;
}

Result<Unit> V1Cgroup::freeze()
{
    auto freezer = find_folder("freezer");
    if (!freezer)
        return Error { .code = Errno::notsup,
            .message = "freeze the container: the cgroup v1 controller \"freezer\" is not mounted or its group is gone",
            .hint = "mount it: mount -t cgroup -o freezer cgroup /sys/fs/cgroup/freezer" };
    return freeze_v1(*freezer);
}

Result<Unit> V1Cgroup::thaw()
{
    auto freezer = find_folder("freezer");
    if (!freezer)
        return Error { .code = Errno::notsup,
            .message = "thaw the container: the cgroup v1 controller \"freezer\" is not mounted or its group is gone" };
    return thaw_v1(*freezer);
}

bool V1Cgroup::is_frozen() const
{
    auto freezer = find_folder("freezer");
    return freezer && is_frozen_v1(*freezer);
}

// All hierarchies hold the same processes; a container is least likely to have moved its own in these.
V1Group const* V1Cgroup::group_with_processes() const
{
    for (auto const* controller : { "devices", "freezer", "pids" })
        if (auto const* group = group_of(controller))
            return group;
    return m_groups.empty() ? nullptr : &m_groups.front();
}

Result<std::vector<pid_t>> V1Cgroup::processes() const
{
    auto const* group = group_with_processes();
    if (!group)
        return std::vector<pid_t> {};
    auto folder = group->open();
    if (folder.is_error() && folder.error() == Errno::noent)
        return std::vector<pid_t> {};
    if (folder.is_error())
        return Error::from_errno(folder.error(), "open the control group " + quoted(group->absolute()));
    return processes_below(folder.value()).or_error("list the processes of the control group " + quoted(group->absolute()));
}

Result<Unit> V1Cgroup::signal_all(int signal)
{
    auto freezer = find_folder("freezer");
    bool was_frozen = freezer && is_frozen_v1(*freezer);
    // Frozen processes cannot fork away from the list. Where freezing fails, signalling still reaches most.
    bool froze = freezer && !was_frozen && freeze_v1(*freezer).is_ok();
    auto sent = [&]() -> Result<Unit> {
        auto pids = TRY(processes());
        for (auto pid : pids)
            if (::kill(pid, signal) < 0 && errno != ESRCH)
                return Error::last("signal process " + std::to_string(pid));
        return ok();
    }();
    // Linux: a process frozen by v1 does not even die of SIGKILL before it is thawed.
    if (froze || (was_frozen && signal == SIGKILL)) {
        auto thawed = thaw_v1(*freezer);
        if (sent.is_ok())
            return thawed;
    }
    return sent;
}

Result<std::string> V1Cgroup::stats_json() const
{
    return v1_stats_json(*this);
}

Result<bool> V1Cgroup::wait_for_oom(int milliseconds)
{
    auto memory = find_folder("memory");
    if (!memory)
        return Error { .code = Errno::nodev, .message = "the container has no memory group" };
    return m_oom.wait(*memory, milliseconds);
}

std::uint64_t V1Cgroup::oom_kill_count() const
{
    auto memory = find_folder("memory");
    return memory ? V1OomWatch::kill_count(*memory) : 0;
}

} // namespace bulkhead::cgroup
