// Checkpoint and restore of a container through criu. The sandbox brings the facts; criu's own words are in
// checkpoint_criu.h, the mounts in checkpoint_mounts.h.
#pragma once

#include "base/file.h"
#include "cgroup/cgroup.h"
#include "isolation/isolation.h"
#include "oci/config.h"

#include <functional>
#include <map>
#include <string>

#include <sys/types.h>

namespace bulkhead::namespaces {

struct DumpPlan {
    std::string criu; // program; empty: "criu" out of PATH
    pid_t pid = 0; // the container's first process
    oci::Config const& config;
    std::map<std::string, std::string> cgroup_paths; // Cgroup::paths()
    isolation::CheckpointOptions const& options;
};

// Writes the images, criu's dump.log into the work folder (or beside the images), and two small files that restore needs.
// The processes are gone afterwards unless options say otherwise.
Result<Unit> dump_container(DumpPlan const&);

struct RestorePlan {
    std::string criu;
    std::string bundle;
    std::string root; // the root file system, absolute
    std::string state_path; // the container's state folder, for a mount point
    oci::Config const& config;
    cgroup::Cgroup* group = nullptr; // made, limits set; null: none
    isolation::CheckpointOptions const& options;
    std::string console_socket; // takes the terminal's master; empty: none
    // Prestart and createRuntime hooks, with the pid of the first process; may be empty.
    std::function<Result<Unit>(pid_t)> on_namespaces;
};

struct RestoredProcess {
    pid_t pid = 0; // a child of the caller
    File pidfd;
};

// The processes run when this returns. Standard input, output and error of the caller take the place of the pipes that the
// container had.
Result<RestoredProcess> restore_container(RestorePlan const&);

} // namespace bulkhead::namespaces
