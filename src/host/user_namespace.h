// Filling a new user namespace's id maps: by our own hand with privileges, through newuidmap(1) and newgidmap(1) without.
#pragma once

#include "base/file.h"

#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

namespace bulkhead::host {

struct IdRange {
    std::uint32_t inside = 0;
    std::uint32_t outside = 0;
    std::uint32_t size = 0;
};

struct IdMaps {
    std::vector<IdRange> uids;
    std::vector<IdRange> gids;
};

// Writes /proc/PID/setgroups, uid_map and gid_map of a process in a fresh user namespace. user_namespaces(7).
Result<Unit> write_id_maps(pid_t, IdMaps const&);

// True when this process is root (uid 0) with CAP_SYS_ADMIN in the initial user namespace.
bool has_host_privileges();
// True when /proc/self/uid_map is not the identity over all ids.
bool is_in_user_namespace();

} // namespace bulkhead::host
