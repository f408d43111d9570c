// Small pieces of a launch that concern the network namespace and the session keyring.
#pragma once

#include "base/result.h"
#include "oci/config.h"

#include <string>
#include <vector>

#include <sys/types.h>

namespace bulkhead::namespaces {

// Sets IFF_UP on "lo" of the network namespace that the caller is in.
Result<Unit> bring_loopback_up();

// linux.netDevices: moves each interface of the runtime's network namespace into that of PID, renames it, and gives it
// its global addresses back, up as it was made to be by the specification.
Result<Unit> move_net_devices(std::vector<oci::NetDevice> const&, pid_t);

// keyctl(2): the session keyring "_ses.ID", made when absent, so that the container does not share the runtime's.
Result<Unit> join_session_keyring(std::string const& id);

} // namespace bulkhead::namespaces
