#include "isolations/list.h"
#include "isolations/namespaces/isolation.h"

namespace bulkhead::isolations {

std::vector<isolation::Isolation const*> const& all()
{
    static namespaces::NamespacesIsolation const namespaces_isolation;
    static std::vector<isolation::Isolation const*> const list { &namespaces_isolation };
    return list;
}

isolation::Isolation const* find(std::string_view name)
{
    for (auto const* isolation : all()) {
        if (isolation->name() == name)
            return isolation;
    }
    return nullptr;
}

std::vector<std::string_view> const& known_names()
{
    static std::vector<std::string_view> const names { "namespaces", "userns", "sentry", "microvm" };
    return names;
}

} // namespace bulkhead::isolations
