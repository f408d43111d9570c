// Processes of the host: clone3, pidfds, waiting, identities that survive pid reuse.
#pragma once

#include "base/file.h"

#include <cstdint>
#include <optional>

#include <sys/types.h>

namespace bulkhead::host {

struct CloneRequest {
    std::uint64_t flags = 0; // CLONE_NEW... and CLONE_PARENT; SIGCHLD and CLONE_PIDFD are added
    FileView into_cgroup = {}; // a cgroup v2 directory, or none
};

struct Cloned {
    pid_t pid = 0; // 0 in the child
    File pidfd; // in the parent
};

// clone3(2), as fork: both sides return. Only for a process with one thread.
SysResult<Cloned> clone_process(CloneRequest const&);

SysResult<File> open_pidfd(pid_t);
SysResult<Unit> signal_pidfd(FileView pidfd, int signal);
// pidfd_getfd(2).
SysResult<File> take_descriptor(FileView pidfd, int number);

// Field 22 of /proc/PID/stat, clock ticks since boot: with the pid it names one process for good. 'Z' and 'X' count
// as gone: Errno::srch.
SysResult<std::uint64_t> process_start_time(pid_t);
// True while the process that had START_TIME lives and is no zombie.
bool is_alive(pid_t, std::uint64_t start_time);

// waitpid(2) without EINTR: the exit status as a shell counts it (code, or 128 + signal).
SysResult<int> wait_for_exit(pid_t);

// Sets close-on-exec for every descriptor from FIRST on (close_range(2), with a fallback through /proc/self/fd).
SysResult<Unit> close_on_exec_from(unsigned first);
SysResult<Unit> keep_on_exec(FileView);

// The number of the highest capability this kernel knows (/proc/sys/kernel/cap_last_cap).
unsigned last_capability();

} // namespace bulkhead::host
