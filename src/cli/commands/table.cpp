#include "cli/commands/table.h"

#include <array>

namespace bulkhead::cli {

void add_bench(CommandLine&);
void add_check(CommandLine&);
void add_checkpoint(CommandLine&);
void add_create(CommandLine&);
void add_delete(CommandLine&);
void add_do(CommandLine&);
void add_events(CommandLine&);
void add_exec(CommandLine&);
void add_features(CommandLine&);
void add_install(CommandLine&);
void add_kill(CommandLine&);
void add_list(CommandLine&);
void add_pause(CommandLine&);
void add_ps(CommandLine&);
void add_restore(CommandLine&);
void add_resume(CommandLine&);
void add_run(CommandLine&);
void add_spec(CommandLine&);
void add_start(CommandLine&);
void add_state(CommandLine&);
void add_uninstall(CommandLine&);
void add_update(CommandLine&);

std::span<CommandRow const> command_table()
{
    static constexpr std::array rows {
        CommandRow { "bench", add_bench },
        CommandRow { "check", add_check },
        CommandRow { "checkpoint", add_checkpoint },
        CommandRow { "create", add_create },
        CommandRow { "delete", add_delete },
        CommandRow { "do", add_do },
        CommandRow { "events", add_events },
        CommandRow { "exec", add_exec },
        CommandRow { "features", add_features },
        CommandRow { "install", add_install },
        CommandRow { "kill", add_kill },
        CommandRow { "list", add_list },
        CommandRow { "pause", add_pause },
        CommandRow { "ps", add_ps },
        CommandRow { "restore", add_restore },
        CommandRow { "resume", add_resume },
        CommandRow { "run", add_run },
        CommandRow { "spec", add_spec },
        CommandRow { "start", add_start },
        CommandRow { "state", add_state },
        CommandRow { "uninstall", add_uninstall },
        CommandRow { "update", add_update },
    };
    return rows;
}

} // namespace bulkhead::cli
