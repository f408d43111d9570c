// What the steps of building a root file system share; internal to this module.
#pragma once

#include "host/mount_api.h"
#include "host/path_walk.h"
#include "isolations/namespaces/root/mount_options.h"
#include "isolations/namespaces/root/root_file_system.h"

namespace bulkhead::root {

struct RootFileSystem::State {
    RootPlan const& plan;
    PreparedSources sources;
    File root;
    File proc;
    bool proc_is_own = false;
    std::vector<std::size_t> late_read_only; // mounts that become read-only only when devices are made
};

// One mount of config.json onto the root.
struct MountContext {
    RootFileSystem::State& state;
    oci::Mount const& mount;
    MountOptions const& options;
    std::size_t index;
};

// "mounts[3] (\"/data\")"
std::string place_of(oci::Mount const&, std::size_t index);

// Opens, or makes, the place where a mount goes: IS_DIRECTORY as the source. Refuses links at /proc and /sys and
// destinations inside of a mounted procfs that nobody may cover.
Result<File> open_destination(MountContext const&, bool is_directory);
// Attaches a detached tree, then applies whole-tree attributes and propagation.
Result<Unit> attach_at_destination(MountContext const&, FileView tree, bool is_directory);

Result<Unit> mount_bind(MountContext const&);
Result<Unit> mount_file_system(MountContext const&, std::string const& type);
Result<Unit> mount_cgroups(MountContext const&);
Result<File> new_file_system(MountContext const&, std::string const& type, std::uint64_t attributes);

} // namespace bulkhead::root
