// Which mounts of a container come from outside of it: criu saves those by name only, and restore says what each name is.
// The names are runc's where runc has one, so that images of either can be restored by the other.
#pragma once

#include "base/result.h"
#include "oci/config.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace bulkhead::namespaces {

struct ExternalMount {
    std::string place; // mount point inside when dumping, path on the host when restoring
    std::string name;
};

struct MountLine {
    std::string root; // inside its file system
    std::string place;
    std::string type;
};

// /proc/PID/mountinfo (proc_pid_mountinfo(5)); lines that make no sense are left out.
std::vector<MountLine> parse_mountinfo(std::string_view text);

// RESOLVE gives a destination of config.mounts as the kernel names it (symlinks inside the container followed).
using ResolvePlace = std::string (*)(std::string const& destination, void* context);
struct Resolver {
    ResolvePlace call;
    void* context;
    std::string operator()(std::string const& destination) const { return call(destination, context); }
};

std::vector<ExternalMount> external_mounts(oci::Config const&, std::vector<MountLine> const&, Resolver);

struct HostPlaces {
    std::string bundle; // relative sources start here
    std::map<std::string, std::string> cgroup_folders; // by the last part of the hierarchy's mount point: "cpu,cpuacct"
};

// Where each name is on this host. NAMES are those that external_mounts() gave; empty: all that the config may need, as
// for images that runc has made.
Result<std::vector<ExternalMount>> external_sources(oci::Config const&, std::vector<std::string> const& names, HostPlaces const&);

bool is_bind(oci::Mount const&);

} // namespace bulkhead::namespaces
