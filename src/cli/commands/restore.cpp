#include "cli/checkpoint_flags.h"
#include "cli/launch.h"

namespace bulkhead::cli {

namespace {

struct Extra {
    bool const& detach;
    bool const& keep;
    bool const& no_subreaper;
    std::string const& lsm_profile;
    std::string const& lsm_mount_context;
};

Result<int> restore(Session const& session, LaunchFlags const& launch_flags, CheckpointFlags const& flags, Extra const& extra)
{
    auto options = TRY(checkpoint_options(flags));
    options.criu = session.flags.criu;
    options.detach = extra.detach;
    options.lsm_profile = extra.lsm_profile;
    options.lsm_mount_context = extra.lsm_mount_context;
    return launch(session,
        { .flags = launch_flags, .start = true, .detach = extra.detach, .keep = extra.keep, .subreaper = !extra.no_subreaper, .restore = &options });
}

} // namespace

void add_restore(CommandLine& line)
{
    auto& command = line.add("restore", "create a container from the files of a checkpoint");
    auto launch_flags = add_launch_flags(command);
    auto flags = add_checkpoint_flags(command);
    Extra extra {
        .detach = command.flag("detach,d", "return once the container runs"),
        .keep = command.flag("keep", "do not remove the container after its end"),
        .no_subreaper = command.flag("no-subreaper", "do not adopt orphaned processes of the container"),
        .lsm_profile = command.text("lsm-profile", "TYPE:NAME", "another security profile than the saved one"),
        .lsm_mount_context = command.text("lsm-mount-context", "CONTEXT", "another mount context than the saved one"),
    };
    command.runs([&line, launch_flags, flags, extra] { return restore(line.session, launch_flags, flags, extra); });
}

} // namespace bulkhead::cli
