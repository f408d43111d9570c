#include "isolation/isolation.h"

namespace bulkhead::isolation {

Result<Unit> Sandbox::restore(SandboxPlan const&, CheckpointOptions const&, CreateEvents const&)
{
    return Error { .code = Errno::notsup, .message = "this isolation cannot restore a checkpoint", .hint = "use --isolation=namespaces" };
}

} // namespace bulkhead::isolation
