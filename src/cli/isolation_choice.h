// Which isolation a new container gets. The first of these that says something: --isolation, the program's name, the
// container's annotation (where the settings allow it), the settings, and `namespaces`.
#pragma once

#include "base/result.h"
#include "cli/settings.h"
#include "isolation/isolation.h"

#include <map>
#include <string>
#include <string_view>

namespace bulkhead::cli {

inline constexpr std::string_view isolation_annotation = "dev.bulkhead.isolation";

struct IsolationWishes {
    std::string flag; // --isolation
    std::string program_name; // argv[0] without folders: "bulkhead-sentry"
    std::map<std::string, std::string> annotations;
    Settings settings;
};

Result<std::string> choose_isolation(IsolationWishes const&);
// The isolation of that name, if it is known and built in.
Result<isolation::Isolation const*> find_isolation(std::string_view name);

} // namespace bulkhead::cli
