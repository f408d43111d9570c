// The part of a launch that create and exec share: an OCI process turned into the plan of the init stage, and the
// attributes that the runtime sets on the new process from outside.
#pragma once

#include "base/file.h"
#include "host/channel.h"
#include "init_stage/init_stage.h"
#include "isolation/isolation.h"
#include "oci/config.h"
#include "seccomp/program.h"

#include <string>
#include <vector>

#include <sys/types.h>

namespace bulkhead::namespaces {

struct ProcessSetup {
    init_stage::Plan plan {};
    init_stage::PlanParts parts;
    std::vector<std::string> arguments;
    std::vector<std::string> environment;
    unsigned preserved = 0; // descriptors 3 .. 3+N-1
};

struct ProcessFacts {
    unsigned preserve_fds = 0;
    bool setgroups_denied = false; // by the user namespace
    seccomp::Program const* filter = nullptr; // null: none; outlives the setup
};

// Everything that can be decided before the process exists. Adds LISTEN_FDS of the runtime's own environment.
Result<ProcessSetup> prepare_process(oci::Process const&, ProcessFacts const&);

// In the container, root entered, still privileged: finds the program by PATH, completes HOME, enters the working
// directory, sets process.rlimits.
Result<Unit> settle_process(ProcessSetup&, oci::Process const&);

// linux.personality and linux.memoryPolicy of the calling process; both last across execve(2).
Result<Unit> apply_linux_attributes(oci::Config const&);

// In the runtime, before the new process is made, which inherits: raises the runtime's own hard limits where
// process.rlimits asks for more, since a process in a user namespace cannot; without privileges also the OOM score, since
// the new process's own is then out of reach.
Result<Unit> make_room_for_limits(oci::Process const&, bool is_rootless);
// In the runtime: OOM score, scheduler and I/O priority of the new process, which waits at its gate.
Result<Unit> set_process_attributes(pid_t, oci::Process const&, bool is_rootless);

// --pidfd-socket: one message with the descriptor; its text is runc's word for how the process was made.
Result<Unit> send_pidfd(FileView receiver, FileView pidfd, std::string_view how);

// CPU lists of execCPUAffinity, of the calling process.
Result<Unit> set_cpu_affinity(std::string const& list, std::string_view place);

// The index of a capability by its name ("CAP_CHOWN"); negative when unknown.
int capability_number(std::string_view name);

// What the launching process (not yet the stage) tells the runtime on the channel. The stage's own kinds are in init_stage/plan.h.
constexpr char message_error = 'X'; // an Error in text form
constexpr char message_pid = 'P'; // the second process of a two-stage launch: its pid in the runtime's pid namespace
constexpr char message_hooks = 'H'; // namespaces and mounts are made: run hooks, then answer with go
constexpr char message_cgroup = 'C'; // put me into my control group, then answer with go

std::string encode_error(Error const&);
Error decode_error(std::string_view);

// Reads the answer `go`; anything else, or a runtime that is gone, is an error.
Result<Unit> wait_for_go(host::Channel const&);

// Turns a message of the stage (kind message_failed) into words for a person.
Error stage_error(host::Message const&, oci::Process const&);

} // namespace bulkhead::namespaces
