// What the steps of RootFileSystem share: the plan, the descriptors of what is mounted already, and how a place inside
// the root is found. Internal to this module.
#pragma once

#include "host/mount_api.h"
#include "host/path_walk.h"
#include "isolations/namespaces/root/mount_options.h"
#include "isolations/namespaces/root/root_file_system.h"

#include <list>
#include <optional>
#include <string>
#include <vector>

namespace bulkhead::root {

// A file system that this process itself has mounted, with a descriptor of its root. Its contents cannot be swapped by
// anybody else: it is the kernel's (procfs, sysfs) or empty and in nobody else's mount namespace (tmpfs).
struct Base {
    enum class Kind { procfs, sysfs, tmpfs };
    Kind kind = Kind::tmpfs;
    std::string destination;
    File directory;
};

// Where something is to be mounted: NAME below DIRECTORY, or DIRECTORY itself when NAME is empty.
struct Spot {
    FileView directory;
    std::string name;
    File owned = {}; // what `directory` is, when it was opened for this spot alone
};

struct Builder {
    RootPlan const& plan;
    std::vector<PreparedTree> prepared;

    File root = {};
    std::list<Base> bases = {};
    std::vector<std::string> destinations = {}; // everything mounted so far, cleaned
    std::vector<File> read_only_later = {}; // mounts that become read-only in protect()
    // False as soon as a destination was reached through a symlink: then a mount may lie where no text says so, and
    // every path is resolved from the root again.
    bool plain_paths_are_safe = true;
    bool dev_is_bound = false;
    File host_proc = {};
    FileView working_directory = {}; // a base that is the working directory now

    // Makes DIRECTORY the working directory, so that mount(2) may use short names.
    SysResult<Unit> work_in(FileView directory);
    // The base below which the cleaned PATH lies with no other mount of the config between, and the rest of the path.
    struct Below {
        Base* base;
        std::string rest;
    };
    std::optional<Below> below_a_base(std::string const& path);
    Base* find_base(std::string_view destination);
    // Books a finished mount at the cleaned DESTINATION: what it covers can no longer be reached by name.
    void book(std::string const& destination);
    void book_base(Base::Kind, std::string const& destination, File directory);
    File take_prepared(PreparedTree::Kind, std::size_t index);
};

// Finds or makes the place for a mount (mount_spot.cpp).
Result<Spot> find_spot(Builder&, std::string const& destination, host::Make, host::Links last_link);
// mount(2) of a file system on the spot.
SysResult<Unit> mount_at(Builder&, Spot const&, char const* source, char const* type, unsigned long flags, std::string const& data);

// Attributes and propagation of OPTIONS for a tree, then attached; the other way round where mount_setattr is missing.
Result<Unit> attach_with_options(Builder&, FileView tree, Spot const&, MountOptions const&);
// The attributes and propagation alone. In a user namespace flags that the host has locked stay as they are.
Result<Unit> set_options(FileView tree, MountOptions const&, bool in_user_namespace);
// The same for a tree that just came from the host, before any of the config's own words count.
std::uint64_t inherited_propagation(RootPlan const&);

// One mount of each family.
Result<Unit> mount_bind(Builder&, std::size_t index, oci::Mount const&, MountOptions const&);
Result<Unit> mount_file_system(Builder&, std::size_t index, oci::Mount const&, MountOptions const&);
Result<Unit> remount(Builder&, oci::Mount const&, MountOptions const&);
Result<Unit> mount_cgroups(Builder&, oci::Mount const&, MountOptions const&);

// "mounts[3] (\"/data\")"
std::string mount_place(std::size_t index, oci::Mount const&);
// The absolute host path of a bind source.
std::string source_path(RootPlan const&, oci::Mount const&);
// Opens a bind source as a detached tree, in whatever namespaces the caller is.
Result<File> open_source(RootPlan const&, oci::Mount const&, MountOptions const&);

// Default devices, then those of the config; the config's replaces a default one of the same path.
std::vector<oci::Device> device_nodes(oci::Config const&);
// The host's node for DEVICE as a detached tree: at its own path, else by number in /dev/char or /dev/block.
Result<File> open_host_device(oci::Device const&);

bool is_directory(FileView);

struct RootFileSystem::State {
    Builder builder;
};

} // namespace bulkhead::root
