#include "isolations/namespaces/hooks.h"

#include "host/hook_process.h"

namespace bulkhead::namespaces {

Result<Unit> run_hooks(std::vector<oci::Hook> const& hooks, std::string_view kind, std::string const& state_json)
{
    for (std::size_t index = 0; index < hooks.size(); ++index) {
        auto const& hook = hooks[index];
        host::HookProgram program { .path = hook.path, .args = hook.args, .env = hook.env, .timeout_seconds = hook.timeout };
        TRY(host::run_hook(program, state_json).context([&] { return "hooks." + std::string(kind) + "[" + std::to_string(index) + "]"; }));
    }
    return ok();
}

} // namespace bulkhead::namespaces
