// Stopping and continuing every process of a group: v1's freezer.state and v2's cgroup.freeze.
#pragma once

#include "cgroup/group_folder.h"

namespace bulkhead::cgroup {

Result<Unit> freeze_v1(GroupFolder const& freezer);
Result<Unit> thaw_v1(GroupFolder const& freezer);
bool is_frozen_v1(GroupFolder const& freezer);

Result<Unit> freeze_v2(GroupFolder const&);
Result<Unit> thaw_v2(GroupFolder const&);
bool is_frozen_v2(GroupFolder const&);

} // namespace bulkhead::cgroup
