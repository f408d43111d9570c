// linux.rootfsPropagation, at the start and at the end.
#pragma once

#include "isolations/namespaces/root/root_file_system.h"

namespace bulkhead::root {

bool is_shared(RootPlan const&);
// Of everything that came from the host. A shared root leaves the host's peer groups as they are, so that binds can be
// shared with the host; everything else lets nothing out.
Result<Unit> set_inherited_propagation(RootPlan const&);
// Of the container's root, once it is "/".
Result<Unit> set_final_propagation(RootPlan const&);

} // namespace bulkhead::root
