// The `namespaces` isolation: namespaces, control groups, capabilities and seccomp of the host's own kernel.
#pragma once

#include "isolation/isolation.h"

namespace bulkhead::namespaces {

class NamespacesIsolation final : public isolation::Isolation {
public:
    std::string_view name() const override { return "namespaces"; }
    std::vector<isolation::Finding> examine() const override;
    std::vector<std::string_view> mount_options() const override;
    Result<Unit> protect_runtime(oci::Config const&, Occasion) const override;
    Result<std::unique_ptr<isolation::Sandbox>> make_sandbox() const override;
    Result<std::unique_ptr<isolation::Sandbox>> load_sandbox(JsonObject const& saved) const override;
};

} // namespace bulkhead::namespaces
