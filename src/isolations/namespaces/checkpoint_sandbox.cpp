// What a sandbox does with checkpoints: the facts for criu out of its own state, and a new sandbox around restored processes.
#include "isolations/namespaces/checkpoint.h"
#include "isolations/namespaces/sandbox.h"

#include "base/log.h"

namespace bulkhead::namespaces {

namespace {

Result<Unit> refuse_rootless(bool rootless)
{
    if (rootless)
        return Error { .code = Errno::perm, .message = "checkpoint and restore need root", .hint = "run the container, and this command, as root" };
    return ok();
}

Result<Unit> set_limits(cgroup::Cgroup* group, oci::Config const& config)
{
    auto const& resources = config.linux_section.resources;
    if (!group)
        return ok();
    if (resources)
        TRY(group->set_limits(*resources));
    return ok();
}

// After criu is through: it makes device nodes.
Result<Unit> set_devices(cgroup::Cgroup* group, oci::Config const& config)
{
    if (!group)
        return ok();
    auto rules = config.linux_section.resources ? config.linux_section.resources->devices : std::vector<oci::DeviceRule>();
    for (auto& rule : cgroup::default_device_rules())
        rules.push_back(std::move(rule));
    return group->set_devices(rules);
}

} // namespace

Result<Unit> NamespacesSandbox::checkpoint(isolation::CheckpointOptions const& options)
{
    TRY(refuse_rootless(m_rootless));
    if (!is_first_process_alive())
        return Error { .code = Errno::srch, .message = "container not running" };
    auto config = TRY(read_config());
    auto paths = m_group ? m_group->paths() : std::map<std::string, std::string>();
    return dump_container({ .criu = options.criu, .pid = m_pid, .config = config, .cgroup_paths = std::move(paths), .options = options });
}

Result<Unit> NamespacesSandbox::restore(
    isolation::SandboxPlan const& plan, isolation::CheckpointOptions const& options, isolation::CreateEvents const& events)
{
    TRY(refuse_rootless(plan.rootless));
    m_id = plan.id;
    m_state_path = plan.state_path;
    m_cache_path = plan.cache_path;
    m_no_new_keyring = plan.no_new_keyring;
    auto const* pid_namespace = plan.config.find_namespace(oci::NamespaceType::pid);
    m_has_own_pid_namespace = pid_namespace && pid_namespace->path.empty();

    auto host_cgroups = TRY(cgroup::HostCgroups::discover());
    auto made = [&]() -> Result<Unit> {
        TRY(make_group(host_cgroups, plan, events));
        TRY(set_limits(m_group.get(), plan.config));
        auto remember = [&](pid_t pid) -> Result<Unit> {
            m_pid = pid;
            m_start_time = TRY(host::process_start_time(pid).or_error("identify the container's first process"));
            return events.on_process ? events.on_process(pid) : Result<Unit>(ok());
        };
        auto on_namespaces = [&](pid_t pid) -> Result<Unit> {
            TRY(remember(pid));
            return events.on_namespaces ? events.on_namespaces(pid) : Result<Unit>(ok());
        };
        RestorePlan restore { .criu = options.criu,
            .bundle = plan.bundle,
            .root = plan.root,
            .state_path = plan.state_path,
            .config = plan.config,
            .group = m_group.get(),
            .options = options,
            .console_socket = plan.io.console_socket,
            .on_namespaces = on_namespaces };
        auto process = TRY(restore_container(restore));
        if (process.pid != m_pid)
            TRY(remember(process.pid));
        TRY(set_devices(m_group.get(), plan.config));
        if (auto const& rdt = plan.config.linux_section.intel_rdt)
            m_rdt = TRY(apply_intel_rdt(*rdt, m_id, m_pid));
        return ok();
    }();
    if (made.is_error()) {
        auto removed = remove();
        if (removed.is_error())
            log::warning("what a failed restore left could not all be removed", { { "error", removed.error().message } });
        return made;
    }
    m_is_ready = true;
    return ok();
}

} // namespace bulkhead::namespaces
