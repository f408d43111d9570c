// Runs libexec/bulkhead/systemd-unit, which speaks D-Bus for us: the runtime itself stays static and small.
#pragma once

#include "base/result.h"

#include <string>
#include <vector>

namespace bulkhead::cgroup {

enum class Bus { system, user };

struct UnitAnswer {
    std::string control_group; // of a started unit: "/system.slice/docker-abc.scope"
};

// COMMAND is "start", "set" or "stop".
Result<UnitAnswer> ask_systemd(Bus, std::string const& command, std::string const& unit, std::vector<std::string> const& properties);

} // namespace bulkhead::cgroup
