// A container of the `namespaces` isolation: its first process, its control group, and what can be done with them.
#pragma once

#include "cgroup/cgroup.h"
#include "isolation/isolation.h"
#include "isolations/namespaces/intel_rdt.h"
#include "isolations/namespaces/launch.h"

#include <memory>

namespace bulkhead::namespaces {

class NamespacesSandbox final : public isolation::Sandbox,
                                public isolation::Pausable,
                                public isolation::Measurable,
                                public isolation::Updatable,
                                public isolation::Checkpointable {
public:
    static Result<std::unique_ptr<NamespacesSandbox>> load(JsonObject const& saved);

    Result<Unit> create(isolation::SandboxPlan const&, isolation::CreateEvents const&) override;
    Result<Unit> restore(isolation::SandboxPlan const&, isolation::CheckpointOptions const&, isolation::CreateEvents const&) override;
    Result<Unit> start() override;
    Result<Unit> signal(int number, Target) override;
    Result<isolation::StartedProcess> exec(isolation::ExecPlan const&) override;
    Result<std::vector<pid_t>> processes() override;
    Result<Unit> remove() override;
    oci::Status status() const override;
    pid_t pid() const override { return m_pid; }
    void save(JsonWriter&) const override;

    Pausable* as_pausable() override { return m_group ? this : nullptr; }
    Measurable* as_measurable() override { return m_group ? this : nullptr; }
    Updatable* as_updatable() override { return m_group ? this : nullptr; }
    Checkpointable* as_checkpointable() override { return this; }

    Result<Unit> pause() override;
    Result<Unit> resume() override;
    Result<std::string> stats_json() override;
    Result<bool> wait_for_oom(int milliseconds) override;
    Result<Unit> update(oci::Resources const&) override;
    Result<Unit> checkpoint(isolation::CheckpointOptions const&) override;

private:
    bool is_first_process_alive() const { return host::is_alive(m_pid, m_start_time); }
    bool waits_for_start() const;
    // The config this container was created from, out of its state folder.
    Result<oci::Config> read_config() const;
    Result<Unit> kill_everything();
    // Sets m_group. What is about to be made is recorded first, so that a crash in between leaves nothing unknown.
    Result<Unit> make_group(cgroup::HostCgroups const&, isolation::SandboxPlan const&, isolation::CreateEvents const&);

    std::string m_state_path;
    std::string m_cache_path;
    pid_t m_pid = 0;
    std::uint64_t m_start_time = 0;
    bool m_is_ready = false; // create is through
    bool m_has_own_pid_namespace = false;
    bool m_rootless = false;
    bool m_no_new_keyring = false;
    std::string m_id;
    std::unique_ptr<cgroup::Cgroup> m_group;
    cgroup::Cgroup const* m_planned_group = nullptr; // while m_group is being made
    RdtGroup m_rdt;
    std::optional<Launched> m_launched; // only in the process that created it
};

} // namespace bulkhead::namespaces
