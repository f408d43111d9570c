// Hooks that run inside the container's namespaces: createContainer and startContainer.
#pragma once

#include "base/result.h"
#include "oci/config.h"

#include <string>
#include <string_view>
#include <vector>

namespace bulkhead::namespaces {

// In order; the first that fails is the error. KIND names the list: "createContainer".
Result<Unit> run_hooks(std::vector<oci::Hook> const&, std::string_view kind, std::string const& state_json);

} // namespace bulkhead::namespaces
