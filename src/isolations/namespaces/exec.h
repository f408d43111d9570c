// One more process in a running container.
#pragma once

#include "cgroup/cgroup.h"
#include "isolation/isolation.h"

namespace bulkhead::namespaces {

// What exec has to know of the container.
struct ExecTarget {
    std::string id;
    oci::Config const& config; // the one the container was created from
    pid_t first_pid = 0;
    std::uint64_t first_start_time = 0;
    cgroup::Cgroup* group = nullptr; // null: none
    std::string cache_path;
    oci::State state; // for a seccomp agent
    bool rootless = false;
    bool no_new_keyring = false;
};

Result<isolation::StartedProcess> exec_in_container(ExecTarget const&, isolation::ExecPlan const&);

} // namespace bulkhead::namespaces
