// The root file system of a container: mounts, devices, masks and the step into it. Everything runs in the container's
// first process, inside the new mount namespace, single-threaded, while the host's paths are still reachable; only
// prepare_sources() runs before, in the runtime. The root's contents are hostile: see README.md.
#pragma once

#include "base/file.h"
#include "base/result.h"
#include "oci/config.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bulkhead::root {

// What a mount of type "cgroup" has to show. Without hierarchies such a mount is an error.
struct CgroupView {
    enum class Layout { none, v1, hybrid, v2 };
    struct Hierarchy {
        std::string mount_point; // on the host: "/sys/fs/cgroup/cpu,cpuacct"
        std::vector<std::string> controllers; // "cpu", "cpuacct"; "name=systemd"; empty for cgroup2
        bool is_v2 = false;
        std::string group; // absolute host folder of the container's own group
    };
    Layout layout = Layout::none;
    std::vector<Hierarchy> hierarchies;
    bool has_own_namespace = false; // a cgroup namespace whose root is the container's group
};

// Must outlive the RootFileSystem made from it.
struct RootPlan {
    oci::Config const& config;
    std::string bundle; // absolute; relative bind sources start here
    std::string root; // absolute
    bool new_mount_namespace = true; // false: nothing is mounted, enter() is chroot(2) alone
    bool in_user_namespace = false; // the container's user namespace is not the initial one
    bool no_pivot = false;
    CgroupView cgroups;
};

// A tree that the child could not open itself, detached, with every flag and mapping already applied.
struct PreparedTree {
    enum class Kind { root, mount, device };
    Kind kind = Kind::mount;
    std::size_t index = 0; // in config.mounts; for devices in device_nodes()
    File tree;
    bool is_directory = false;
};

struct PreparedSources {
    std::vector<PreparedTree> trees;
};

// In the runtime, before clone3, in the host's user and mount namespaces: opens idmapped trees and, for a container in
// a user namespace, bind sources and devices. USER_NAMESPACE is the one the container joins by path, else not open:
// then mappings come from the config. Costs no system call when nothing needs it. A runtime without privileges on the
// host (rootless) leaves to the child what the kernel refuses here. Keep the result alive across clone3, then hand it
// to the child's RootFileSystem; in the parent let it go afterwards.
Result<PreparedSources> prepare_sources(RootPlan const&, FileView user_namespace = {});

struct Terminal {
    File master;
    File slave;
};

// The steps, in the order in which a launch calls them. Each is safe to leave out only where its comment says so.
class RootFileSystem {
public:
    RootFileSystem(RootPlan const&, PreparedSources);
    RootFileSystem(RootFileSystem const&) = delete;
    RootFileSystem& operator=(RootFileSystem const&) = delete;
    ~RootFileSystem();

    // Propagation of all that was inherited, and the root as a mount of its own.
    Result<Unit> attach();
    // config.mounts, in order.
    Result<Unit> mount_all();
    // Default devices, linux.devices, the links of /dev. Does nothing when /dev is bound from the host.
    Result<Unit> make_devices();
    // process.cwd, with missing folders, inside the root.
    Result<Unit> make_working_directory();

    // Here prestart, createRuntime and createContainer hooks run: they may add mounts and files below plan.root.

    // linux.sysctl. Call after the network and IPC namespaces are entered and before protect().
    Result<Unit> write_sysctls();
    // A new pair from the container's own devpts (checked to be one), 0620 and owned by the process's user. Before enter().
    Result<Terminal> open_terminal();
    // Binds the terminal on /dev/console. Before enter(); only for containers with a terminal.
    Result<Unit> bind_console(FileView slave);
    // Read-only paths, masked paths, read-only mounts that had to wait, then root.readonly.
    Result<Unit> protect();
    // pivot_root(2), or chroot where the plan says so. Afterwards the host's tree is gone, the working directory is "/".
    Result<Unit> enter();

    // All of attach, mount_all, make_devices, make_working_directory: what comes before the hooks.
    Result<Unit> build();

    // The container's root: an O_PATH descriptor, open from attach() to the end.
    FileView root_directory() const;
    // The root of a procfs known to be genuine and seen from inside the namespaces (the container's own where it mounts
    // one at /proc, else the host's), for /proc/self/attr/... and the like; not open when there is none. Valid from
    // mount_all() on, after enter() as well.
    FileView proc() const;

private:
    struct State;
    State* m_state; // owned; hidden so that the header stays small
};

// Names for `features`: every mount option that is understood, sorted.
std::vector<std::string_view> known_mount_options();

} // namespace bulkhead::root
