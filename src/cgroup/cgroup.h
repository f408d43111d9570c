// A container's control groups: made, limited, joined, measured, frozen and removed, on cgroup v1, hybrid and v2, by
// our own hand (cgroupfs) or through systemd. cgroups(7); Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/.
#pragma once

#include "base/file.h"
#include "base/json.h"
#include "oci/config.h"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

namespace bulkhead::cgroup {

// v1: only v1 hierarchies are mounted; hybrid: v1 controllers beside a v2 tree without them (at /sys/fs/cgroup/unified);
// v2: /sys/fs/cgroup is cgroup2; none: nothing usable is mounted.
enum class Layout { none, v1, hybrid, v2 };

// One mounted hierarchy of this host.
struct Hierarchy {
    std::string mount_point; // "/sys/fs/cgroup/cpu,cpuacct"
    std::vector<std::string> controllers; // "cpu", "cpuacct"; "name=systemd" for named ones; empty for cgroup2
    bool is_v2 = false;
    std::string own_path; // where this very process is, from /proc/self/cgroup
};

struct HostCgroups {
    Layout layout = Layout::none;
    std::vector<Hierarchy> hierarchies;
    // Reads /proc/self/mountinfo and /proc/self/cgroup below ROOT ("" is the real host; tests give a fake tree).
    static Result<HostCgroups> discover(std::string const& root = "");
};

class Cgroup;

struct Request {
    // linux.cgroupsPath. Absolute: from the root of each hierarchy. Relative, as runc: on v1 below the group this process
    // is in, on v2 beside it (a group with processes cannot give controllers to groups below it). "" is the container's id,
    // relative. For systemd "slice:prefix:name".
    std::string cgroups_path;
    std::string container_id;
    bool systemd = false; // --systemd-cgroup
    // Rootless with an empty cgroups_path (as runc): hierarchies that are not writable are left out, or all of them, with
    // a warning in the log; a limit that needs one is then an error, device rules are not. With a path of its own the
    // user has asked for that group, and a group that cannot be made is an error.
    bool rootless = false;
    // Called before the first folder is made, with a group that save() can describe: for a record that must be there
    // when the runtime dies in between. Not called where create() makes no folder.
    std::function<Result<Unit>(Cgroup const&)> before_making = {};
};

// What a process needs to enter by itself, opened by the runtime before it starts the process.
struct Entry {
    // cgroup v2: a directory descriptor for clone3(CLONE_INTO_CGROUP) or whose cgroup.procs takes "0".
    File v2_directory;
    // cgroup v1 (and hybrid): opened "tasks" files. A single-threaded process that writes "0" to each moves itself
    // without the global lock that writing somebody's pid to cgroup.procs takes (an RCU grace period for each).
    std::vector<File> v1_tasks;
};

// Writes "0" to each, after fork, in the process that is to move. Async-signal-safe.
SysResult<Unit> enter(Entry const&);

// What every container may use (null, zero, full, random, urandom, tty, ptmx, pts; mknod of anything). Callers put these
// after the rules of the config, as runc does: set_devices denies what no rule allows.
std::vector<oci::DeviceRule> default_device_rules();

class Cgroup {
public:
    virtual ~Cgroup() = default;

    // Makes the folders (or the systemd scope) of a new container. With systemd, PID joins the scope at once.
    static Result<std::unique_ptr<Cgroup>> create(HostCgroups const&, Request const&);
    // Finds again what save() wrote.
    static Result<std::unique_ptr<Cgroup>> load(JsonObject const& saved);
    virtual void save(JsonWriter&) const = 0; // writes one JSON object

    // For systemd the scope is made when the first process is known; for others this does nothing.
    virtual Result<Unit> adopt_first_process(pid_t) = 0;
    virtual Result<Entry> entry() = 0;
    // The same for a path below the container's own group (exec --cgroup). CONTROLLER "" means every hierarchy.
    virtual Result<Entry> entry_below(std::string const& controller, std::string const& path) = 0;
    // The same for the groups that PID is in. For exec when entry() is refused with EBUSY: on v2 a container that made
    // groups of its own (systemd, Docker inside) leaves none for new processes at the top, but its first process has one.
    virtual Result<Entry> entry_of_process(pid_t) = 0;

    // Everything but device rules. Names the member ("linux.resources.memory.limit") when the kernel refuses.
    virtual Result<Unit> set_limits(oci::Resources const&) = 0;
    // Device rules: v1 devices.allow/deny, v2 a BPF_PROG_TYPE_CGROUP_DEVICE program. Replaces what was there.
    virtual Result<Unit> set_devices(std::vector<oci::DeviceRule> const&) = 0;

    virtual Result<Unit> freeze() = 0;
    virtual Result<Unit> thaw() = 0;
    virtual bool is_frozen() const = 0;
    virtual Result<std::vector<pid_t>> processes() const = 0; // of the group and all below it
    // SIGKILL by cgroup.kill where there is one; else freezes, signals each process, thaws.
    virtual Result<Unit> signal_all(int signal) = 0;
    // The "data" object of `events --stats` as runc prints it (cpu, memory, pids, blkio, hugetlb, rdma...).
    virtual Result<std::string> stats_json() const = 0;
    // True when an out-of-memory event came within the time, false when the time is over. The first call arms it.
    // Errno::nodev: the group is gone, no more events will come.
    virtual Result<bool> wait_for_oom(int milliseconds) = 0;
    virtual std::uint64_t oom_kill_count() const = 0;
    // Removes every folder made, after the processes are gone; retries while the kernel is still busy. Idempotent.
    virtual Result<Unit> remove() = 0;
    // Controller name to absolute folder ("" for v2), for the cgroup mount and for tools.
    virtual std::map<std::string, std::string> paths() const = 0;
};

} // namespace bulkhead::cgroup
