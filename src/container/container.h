// One container through its life: the state machine of the runtime specification over whatever isolation made it.
// Found through Containers.
#pragma once

#include "container/record.h"
#include "container/state_folder.h"
#include "isolation/isolation.h"
#include "oci/state.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace bulkhead::container {

// How the isolation that a record names is found.
using FindIsolation = Result<isolation::Isolation const*> (*)(std::string_view name);

enum class Force { no, yes };

struct CreateRequest {
    isolation::Isolation const* isolation = nullptr;
    isolation::SandboxPlan plan; // all but the paths that the store decides
    isolation::CheckpointOptions const* restore = nullptr; // the processes come from this checkpoint
    // Called when the state folder exists and nothing else does: for sockets that stand in it.
    std::function<Result<Unit>(isolation::SandboxPlan&)> on_folder = {};
};

class Container {
public:
    std::string const& id() const { return m_record.id; }
    Record const& record() const { return m_record; }
    std::string const& state_path() const { return m_folder.path(); }
    oci::Status status() const;
    // The first process on the host; 0 when it is gone.
    pid_t pid() const;
    oci::State state(oci::Status) const;
    // From the copy of config.json that create made; read once. Valid as long as this object.
    Result<oci::Config const*> config() const;
    // Why the sandbox cannot be used, if so; such a container can only be listed and removed by force.
    std::optional<Error> const& trouble() const { return m_trouble; }

    Result<Unit> start();
    // What start does, for a container that may be running already because `run` let it.
    Result<Unit> ensure_started();
    Result<Unit> kill(int signal, isolation::Sandbox::Target);
    Result<Unit> pause();
    Result<Unit> resume();
    Result<Unit> update(oci::Resources const&);
    // Before exec, and before anything is read from standard input: may run this program again (see Isolation).
    Result<Unit> protect_runtime() const;
    Result<isolation::StartedProcess> exec(isolation::ExecPlan const&);
    Result<std::vector<pid_t>> processes();
    Result<std::string> stats_json();
    Result<bool> wait_for_oom(int milliseconds);
    Result<Unit> checkpoint(isolation::CheckpointOptions const&);
    // Kills what is left, removes it and the state folder, runs the poststop hooks.
    Result<Unit> remove(Force);

private:
    friend class Containers;
    Container(StateFolder, FindIsolation);

    Result<Unit> load();
    void load_sandbox();
    Result<Unit> save();
    Result<Unit> lock_and_refresh();
    Result<Unit> create_sandbox(CreateRequest&);
    void undo_creation(std::vector<oci::Hook> const& poststop);
    Result<Unit> usable() const;
    Result<Unit> run_poststart_hooks();
    void kill_whatever_is_left();
    Error not_running() const;

    StateFolder m_folder;
    FindIsolation m_find;
    Record m_record;
    std::string m_record_text; // as last read or written
    std::unique_ptr<isolation::Sandbox> m_sandbox;
    std::optional<Error> m_trouble;
    mutable std::unique_ptr<oci::Config> m_config;
};

} // namespace bulkhead::container
