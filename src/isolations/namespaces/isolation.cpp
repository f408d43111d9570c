#include "isolations/namespaces/isolation.h"

#include "isolations/namespaces/sandbox.h"

namespace bulkhead::namespaces {

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
