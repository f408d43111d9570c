// Which groups a process is in: /proc/PID/cgroup, cgroups(7).
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace bulkhead::cgroup {

// "4:memory:/docker/abc" or "0::/init.scope".
struct Membership {
    std::vector<std::string> controllers; // empty for cgroup2
    std::string path;
};

std::vector<Membership> parse_memberships(std::string_view text);
Result<std::vector<Membership>> memberships_of(pid_t);
// Where below the group PATH the process is: "/init.scope", "" for the group itself or when it is elsewhere.
// CONTROLLER "" means cgroup2.
std::string path_inside(std::vector<Membership> const&, std::string_view controller, std::string const& path);

} // namespace bulkhead::cgroup
