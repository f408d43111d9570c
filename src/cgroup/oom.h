// Hearing of out-of-memory kills: v1's eventfd on memory.oom_control, v2's inotify on memory.events.
#pragma once

#include "cgroup/group_folder.h"

namespace bulkhead::cgroup {

class V1OomWatch {
public:
    // True: an OOM happened; false: the time is over. Errno::nodev: the group is gone.
    Result<bool> wait(GroupFolder const& memory, int milliseconds);
    static std::uint64_t kill_count(GroupFolder const& memory);

private:
    Result<Unit> arm(GroupFolder const& memory);
    File m_event;
    File m_control;
};

class V2OomWatch {
public:
    Result<bool> wait(GroupFolder const&, std::string const& absolute_path, int milliseconds);
    static std::uint64_t kill_count(GroupFolder const&);

private:
    Result<Unit> arm(GroupFolder const&, std::string const& absolute_path);
    File m_inotify;
    std::uint64_t m_seen = 0;
};

} // namespace bulkhead::cgroup
