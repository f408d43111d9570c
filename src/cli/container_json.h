// A container as `state` and `list --format json` print it: the specification's state with what runc adds.
#pragma once

#include "base/json.h"
#include "container/record.h"
#include "oci/state.h"

#include <string>

namespace bulkhead::cli {

void write_container(JsonWriter&, container::Record const&, oci::Status, pid_t);
// The name of a user, or the number where it has none.
std::string user_name(std::uint32_t uid);

} // namespace bulkhead::cli
