#include "base/text.h"
#include "cli/checkpoint_flags.h"
#include "container/bundle.h"

#include <sys/stat.h>

namespace bulkhead::cli {

namespace {

struct Extra {
    std::string const& parent_path;
    bool const& leave_running;
    bool const& pre_dump;
    std::string const& page_server;
    std::optional<std::int64_t> const& status_fd;
    std::string const& id;
};

Result<int> checkpoint(Session const& session, CheckpointFlags const& flags, Extra const& extra)
{
    auto options = TRY(checkpoint_options(flags));
    options.criu = session.flags.criu;
    options.parent_path = extra.parent_path; // relative to the images, as criu wants it
    options.leave_running = extra.leave_running;
    options.pre_dump = extra.pre_dump;
    options.page_server = extra.page_server;
    options.status_fd = static_cast<int>(extra.status_fd.value_or(-1));
    if (!options.parent_path.empty() && options.parent_path.front() == '/')
        return invalid("--parent-path must be relative to --image-path");
    if (::mkdir(options.image_path.c_str(), 0700) < 0 && errno != EEXIST)
        return Error::last("make the folder for the images " + quoted(options.image_path));
    auto container = TRY(session.load(extra.id));
    TRY(container.checkpoint(options));
    if (options.leave_running || options.pre_dump)
        return 0;
    TRY(container.remove(container::Force::yes));
    return 0;
}

} // namespace

void add_checkpoint(CommandLine& line)
{
    auto& command = line.add("checkpoint", "save a running container to files (with criu) and stop it");
    auto flags = add_checkpoint_flags(command);
    Extra extra {
        .parent_path = command.text("parent-path", "FOLDER", "images of an earlier --pre-dump, relative to --image-path"),
        .leave_running = command.flag("leave-running", "do not stop the container"),
        .pre_dump = command.flag("pre-dump", "save only memory, and go on"),
        .page_server = command.text("page-server", "ADDRESS:PORT", "send memory to this page server"),
        .status_fd = command.number("status-fd", "FD", "criu writes a byte there once it is ready for lazy pages"),
        .id = command.argument("container-id", "name given to create or run"),
    };
    command.runs([&line, flags, extra] { return checkpoint(line.session, flags, extra); });
}

} // namespace bulkhead::cli
