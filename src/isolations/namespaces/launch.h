// How a container's first process comes to be. The runtime's side prepares everything, starts one process (two where
// joined namespaces ask for it), and serves its messages; the other side is in container_side.cpp. Both work on one
// Launch, which clone3 duplicates.
#pragma once

#include "cgroup/cgroup.h"
#include "host/channel.h"
#include "host/process.h"
#include "host/user_namespace.h"
#include "isolation/isolation.h"
#include "isolations/namespaces/namespace_set.h"
#include "isolations/namespaces/process_setup.h"
#include "isolations/namespaces/root/root_file_system.h"
#include "seccomp/program.h"

#include <optional>

namespace bulkhead::namespaces {

struct Launch {
    isolation::SandboxPlan const& plan;
    NamespaceSet namespaces;
    host::IdMaps id_maps;
    std::optional<seccomp::Program> filter;
    ProcessSetup process;
    std::optional<root::RootPlan> root_plan;
    root::PreparedSources sources;
    cgroup::Entry cgroup_entry;
    bool enters_cgroup_itself = false; // else asks the runtime with message_cgroup
    bool has_early_hooks = false; // prestart or createRuntime
    File init_stage;
    File gate; // listening socket, absent for `run`
    File console; // connection to the console socket
    File pidfd_receiver; // connection to the pidfd socket
    host::Channel runtime_end;
    host::Channel container_end;

    explicit Launch(isolation::SandboxPlan const& p)
        : plan(p)
    {
    }
};

// The name of the socket in the state folder that `start` connects to.
constexpr char const* start_socket_name = "start.sock";

// Opens and decides all that can be before a process exists; CGROUP may be null (none on this host or rootless).
Result<Unit> prepare_launch(Launch&, cgroup::HostCgroups const&, cgroup::Cgroup*);

struct Launched {
    pid_t pid = 0;
    File pidfd;
    bool start_at_once = false;
    host::Channel channel; // for `run`: takes message_go and answers by closing when the program runs
};

// Starts the process and serves it until it waits at its gate. On an error the process is dead and reaped.
Result<Launched> launch(Launch&, cgroup::Cgroup*, isolation::CreateEvents const&);

// `run`: opens the gate and waits until the program runs.
Result<Unit> open_gate(Launched&, oci::Process const&);
// `start`: the same for a created container, through the socket in its state folder.
Result<Unit> open_gate_by_socket(std::string const& state_path, oci::Process const&);

// The container's side: from clone3 to the init stage. Never returns.
[[noreturn]] void run_container_side(Launch&);

} // namespace bulkhead::namespaces
