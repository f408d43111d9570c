#include "cgroup/removal.h"
#include "base/text.h"
#include "cgroup/group_folder.h"

#include <algorithm>
#include <ctime>
#include <optional>

#include <unistd.h>

namespace bulkhead::cgroup {

namespace {

SysResult<Unit> remove_one(std::string const& folder)
{
    if (::rmdir(folder.c_str()) == 0 || errno == ENOENT)
        return ok();
    if (errno != EBUSY && errno != ENOTEMPTY && errno != EROFS)
        return last_errno();
    auto slash = folder.rfind('/');
    auto parent = open_at(FileView::current_directory(), folder.substr(0, slash), O_PATH | O_DIRECTORY);
    if (parent.is_error())
        return parent.error() == Errno::noent ? SysResult<Unit>(ok()) : SysResult<Unit>(parent.error());
    // Linux: a read-only mount says EROFS even of a folder that does not exist.
    if (::faccessat(parent.value().fd(), folder.c_str() + slash + 1, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
        return ok();
    return remove_folders(parent.value(), folder.substr(slash + 1));
}

Error still_there(std::string const& folder, Errno code)
{
    auto error = Error::from_errno(code, "remove the control group " + quoted(folder));
    auto open = open_at(FileView::current_directory(), folder, O_PATH | O_DIRECTORY);
    if (open.is_error())
        return error;
    auto pids = processes_below(open.value());
    if (pids.is_error() || pids.value().empty())
        return error;
    std::vector<std::string> names;
    for (std::size_t index = 0; index < std::min<std::size_t>(pids.value().size(), 10); ++index)
        names.push_back(std::to_string(pids.value()[index]));
    error.message += ": still in it: process " + join(names, ", ");
    error.hint = "end these processes and delete the container again";
    return error;
}

} // namespace

Result<Unit> remove_patiently(std::vector<std::string> const& absolute_folders)
{
    auto left = absolute_folders;
    constexpr long patience_microseconds = 2000000;
    long pause = 100;
    for (long waited = 0;; waited += pause, pause = std::min(pause * 2, 100000L)) {
        std::optional<Errno> problem;
        std::erase_if(left, [&](std::string const& folder) {
            auto removed = remove_one(folder);
            if (removed.is_error() && (!problem || *problem == Errno::busy))
                problem = removed.error();
            return removed.is_ok();
        });
        if (left.empty())
            return ok();
        if (problem != Errno::busy || waited >= patience_microseconds)
            return still_there(left.front(), *problem);
        std::timespec time { .tv_sec = 0, .tv_nsec = pause * 1000 };
        ::nanosleep(&time, nullptr);
    }
}

} // namespace bulkhead::cgroup
