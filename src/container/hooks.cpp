#include "container/hooks.h"
#include "base/log.h"
#include "host/hook_process.h"

namespace bulkhead::container {

namespace {

Result<Unit> run_one(oci::Hook const& hook, oci::State const& state)
{
    host::HookProgram program {
        .path = hook.path, .args = hook.args, .env = hook.env, .timeout_seconds = hook.timeout, .working_directory = state.bundle
    };
    return host::run_hook(program, oci::state_json(state, 0));
}

std::string place(std::string_view kind, std::size_t index)
{
    return "run " + std::string(kind) + " hook #" + std::to_string(index);
}

} // namespace

Result<Unit> run_hooks(std::vector<oci::Hook> const& hooks, std::string_view kind, oci::State const& state)
{
    for (std::size_t index = 0; index < hooks.size(); ++index)
        TRY(run_one(hooks[index], state).context([&] { return place(kind, index); }));
    return ok();
}

void run_hooks_and_go_on(std::vector<oci::Hook> const& hooks, std::string_view kind, oci::State const& state)
{
    for (std::size_t index = 0; index < hooks.size(); ++index) {
        auto result = run_one(hooks[index], state);
        if (result.is_error())
            log::warning("a hook failed", { { "id", state.id }, { "hook", place(kind, index) }, { "reason", result.error().message } });
    }
}

} // namespace bulkhead::container
