#include "cli/session.h"
#include "cli/version.h"
#include "isolations/list.h"
#include "oci/features.h"
#include "seccomp/words.h"

namespace bulkhead::cli {

void add_features(CommandLine& line)
{
    auto& command = line.add("features", "print what this runtime can do, as JSON");
    command.runs([]() -> Result<int> {
        auto facts = oci::known_features();
        for (auto const* isolation : isolations::all()) {
            for (auto word : isolation->mount_options())
                facts.mount_options.emplace_back(word);
        }
        facts.seccomp_actions = seccomp::known_actions();
        facts.seccomp_operators = seccomp::known_operators();
        facts.seccomp_archs = seccomp::known_architectures();
        facts.seccomp_known_flags = seccomp::known_flags();
        facts.seccomp_supported_flags = seccomp::supported_flags();
        facts.annotations = { { "dev.bulkhead.version", version_number() }, { "org.opencontainers.runc.checkpoint.enabled", "true" } };
        TRY(print(oci::features_json(facts, 2) + "\n"));
        return 0;
    });
}

} // namespace bulkhead::cli
