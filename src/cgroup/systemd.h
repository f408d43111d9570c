// systemd as the cgroup driver: the container's group is a transient scope that systemd makes and removes; limits are
// told to systemd, too, so that it does not undo them. The D-Bus side is a program of its own, libexec/bulkhead/systemd-unit.
#pragma once

#include "cgroup/cgroup.h"

namespace bulkhead::cgroup {

Result<std::unique_ptr<Cgroup>> create_systemd(HostCgroups const&, Request const&);
Result<std::unique_ptr<Cgroup>> restore_systemd(JsonObject const& saved);

} // namespace bulkhead::cgroup
