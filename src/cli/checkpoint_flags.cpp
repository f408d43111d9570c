#include "cli/checkpoint_flags.h"
#include "base/text.h"
#include "container/bundle.h"

namespace bulkhead::cli {

CheckpointFlags add_checkpoint_flags(Command& command)
{
    return {
        .image_path = command.text("image-path", "FOLDER", "where the images are", "checkpoint"),
        .work_path = command.text("work-path", "FOLDER", "where criu keeps its log and work files"),
        .tcp_established = command.flag("tcp-established", "allow open TCP connections"),
        .tcp_skip_in_flight = command.flag("tcp-skip-in-flight", "leave out TCP connections that are still being made"),
        .ext_unix_sk = command.flag("ext-unix-sk", "allow connections to unix sockets outside"),
        .shell_job = command.flag("shell-job", "allow a terminal from outside"),
        .file_locks = command.flag("file-locks", "handle file locks"),
        .link_remap = command.flag("link-remap", "allow links to deleted files"),
        .lazy_pages = command.flag("lazy-pages", "bring memory over when it is first used (userfaultfd)"),
        .auto_dedup = command.flag("auto-dedup", "remove memory pages from images once they are used"),
        .manage_cgroups_mode = command.text("manage-cgroups-mode", "MODE", "soft, full, strict or ignore"),
        .empty_ns = command.texts("empty-ns", "NAMESPACE", "restore this namespace empty; may be repeated"),
    };
}

Result<isolation::CheckpointOptions> checkpoint_options(CheckpointFlags const& flags)
{
    isolation::CheckpointOptions options;
    options.image_path = TRY(container::absolute_path(flags.image_path));
    if (!flags.work_path.empty())
        options.work_path = TRY(container::absolute_path(flags.work_path));
    options.tcp_established = flags.tcp_established;
    options.tcp_skip_in_flight = flags.tcp_skip_in_flight;
    options.ext_unix_sk = flags.ext_unix_sk;
    options.shell_job = flags.shell_job;
    options.file_locks = flags.file_locks;
    options.link_remap = flags.link_remap;
    options.lazy_pages = flags.lazy_pages;
    options.auto_dedup = flags.auto_dedup;
    options.manage_cgroups_mode = flags.manage_cgroups_mode;
    auto const& mode = flags.manage_cgroups_mode;
    if (!mode.empty() && mode != "soft" && mode != "full" && mode != "strict" && mode != "ignore")
        return invalid("invalid value " + quoted(mode) + " for --manage-cgroups-mode", "write soft, full, strict or ignore");
    options.empty_ns = flags.empty_ns;
    for (auto const& name : options.empty_ns) {
        if (name != "network")
            return invalid("--empty-ns: " + quoted(name) + " is not supported", "only network can be left empty");
    }
    return options;
}

} // namespace bulkhead::cli
