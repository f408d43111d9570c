// Small pieces of a launch that concern the network namespace and the session keyring.
#pragma once

#include "base/result.h"

#include <string>

namespace bulkhead::namespaces {

// Sets IFF_UP on "lo" of the network namespace that the caller is in.
Result<Unit> bring_loopback_up();

// keyctl(2): the session keyring "_ses.ID", made when absent, so that the container does not share the runtime's.
Result<Unit> join_session_keyring(std::string const& id);

} // namespace bulkhead::namespaces
