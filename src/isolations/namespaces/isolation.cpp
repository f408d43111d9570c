#include "isolations/namespaces/isolation.h"

#include "host/sealed_copy.h"
#include "isolations/namespaces/root/root_file_system.h"
#include "isolations/namespaces/sandbox.h"

#include <algorithm>

namespace bulkhead::namespaces {

std::vector<std::string_view> NamespacesIsolation::mount_options() const
{
    return root::known_mount_options();
}

// Between clone3 and the init stage, a process of ours is in the container's pid namespace with the runtime's own file as
// its executable. It is not dumpable, so that looking at it takes CAP_SYS_PTRACE in the host's user namespace: who may
// have that, and is already there, must find a copy in memory instead of the file.
Result<Unit> NamespacesIsolation::protect_runtime(oci::Config const& config, Occasion occasion) const
{
    if (config.find_namespace(oci::NamespaceType::user))
        return ok();
    auto const* pids = config.find_namespace(oci::NamespaceType::pid);
    bool is_shared = pids && !pids->path.empty(); // with whom is not known here
    bool may_trace = config.process && config.process->capabilities
        && std::ranges::find(config.process->capabilities->bounding, "CAP_SYS_PTRACE") != config.process->capabilities->bounding.end();
    if (is_shared || (occasion == Occasion::exec && may_trace))
        return host::run_from_sealed_copy();
    return ok();
}

Result<std::unique_ptr<isolation::Sandbox>> NamespacesIsolation::make_sandbox() const
{
    return std::unique_ptr<isolation::Sandbox>(std::make_unique<NamespacesSandbox>());
}

Result<std::unique_ptr<isolation::Sandbox>> NamespacesIsolation::load_sandbox(JsonObject const& saved) const
{
    auto sandbox = TRY(NamespacesSandbox::load(saved));
    return std::unique_ptr<isolation::Sandbox>(std::move(sandbox));
}

} // namespace bulkhead::namespaces
