// The hooks that run in the runtime's own namespaces: prestart, createRuntime, poststart and poststop. (createContainer
// and startContainer run inside the container and are the isolation's, through the same host::run_hook.)
#pragma once

#include "base/result.h"
#include "oci/config.h"
#include "oci/state.h"

#include <string_view>
#include <vector>

namespace bulkhead::container {

// In order; the first that fails ends it. KIND names the list in the error: "createRuntime".
Result<Unit> run_hooks(std::vector<oci::Hook> const&, std::string_view kind, oci::State const&);
// In order, all of them; failures are only logged (poststart, poststop: runtime.md, lifecycle).
void run_hooks_and_go_on(std::vector<oci::Hook> const&, std::string_view kind, oci::State const&);

} // namespace bulkhead::container
