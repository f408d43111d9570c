#include "cgroup/group_folder.h"
#include "base/text.h"

#include <algorithm>
#include <limits>

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

namespace bulkhead::cgroup {

namespace {

std::string hint_for(Errno code, std::string_view file)
{
    bool is_memory = file.starts_with("memory.");
    switch (code) {
    case Errno::noent:
        if (file.starts_with("memory.memsw") || file.starts_with("memory.swap"))
            return "this kernel does not account swap: boot it with swapaccount=1, or leave out the swap limit";
        return "this kernel has no \"" + std::string(file) + "\": leave the member out, or use a kernel with that feature";
    case Errno::busy:
        return is_memory ? "the container uses more than that already: give a higher limit, or free memory first"
                         : "the group is in use in a way that forbids this; change it before the container runs";
    case Errno::inval:
        return file.starts_with("cpu.rt") || file.starts_with("cpu.cfs") || file.starts_with("cpu.max")
            ? "the value must fit into what the parent group has"
            : "give a value that the kernel documents for this file";
    case Errno::nospc:
        return "a group with processes needs at least one CPU and one memory node";
    case Errno::nodev:
    case Errno::nxio:
        return "no such block device here: see /proc/partitions for the numbers";
    case Errno::access:
    case Errno::perm:
    case Errno::rofs:
        return "the group is not ours to limit: run as root, or have the group delegated (systemd: Delegate=yes)";
    case Errno::range:
        return "the value is outside what this host has";
    default:
        return {};
    }
}

} // namespace

bool is_lack_of_permission(Errno code)
{
    return code == Errno::access || code == Errno::perm || code == Errno::rofs || code == Errno::noent;
}

Error refusal(Errno code, std::string_view member, std::string_view value, std::string_view file)
{
    auto error
        = Error::from_errno(code, "linux.resources." + std::string(member) + ": the kernel refuses " + quoted(value) + " for " + std::string(file));
    error.hint = hint_for(code, file);
    return error;
}

Result<Unit> GroupFolder::set(char const* file, std::string_view value, std::string_view member) const
{
    auto written = write(file, value);
    if (written.is_error())
        return refusal(written.error(), member, value, file);
    return ok();
}

SysResult<std::string> GroupFolder::read(char const* file) const
{
    auto text = TRY(read_file_at(m_folder, file));
    return std::string(trim(text));
}

std::optional<std::uint64_t> GroupFolder::number(char const* file) const
{
    auto text = read(file);
    if (text.is_error())
        return std::nullopt;
    if (text.value() == "max" || text.value() == "-1")
        return std::numeric_limits<std::uint64_t>::max();
    return parse_number<std::uint64_t>(text.value());
}

bool GroupFolder::has(char const* file) const
{
    return ::faccessat(m_folder.fd(), file, F_OK, 0) == 0;
}

std::optional<std::uint64_t> keyed_number(std::string_view text, std::string_view key)
{
    for (auto line : split(text, '\n'))
        if (line.starts_with(key) && line.size() > key.size() && line[key.size()] == ' ')
            return parse_number<std::uint64_t>(trim(line.substr(key.size())));
    return std::nullopt;
}

SysResult<std::vector<std::string>> folders_in(FileView folder)
{
    // Cgroup folders count their subfolders in the link count, as most file systems do; 1 means "not counted".
    struct stat status { };
    if (::fstat(folder.fd(), &status) < 0)
        return last_errno();
    std::vector<std::string> names;
    if (status.st_nlink == 2)
        return names;
    auto readable = TRY(open_at(folder, ".", O_RDONLY | O_DIRECTORY));
    auto* stream = ::fdopendir(readable.fd());
    if (!stream)
        return last_errno();
    (void)readable.release();
    while (auto const* entry = ::readdir(stream)) {
        std::string name = entry->d_name;
        if (entry->d_type == DT_DIR && name != "." && name != "..")
            names.push_back(std::move(name));
    }
    ::closedir(stream);
    return names;
}

namespace {

SysResult<Unit> collect_processes(FileView folder, std::vector<pid_t>& into)
{
    auto text = read_file_at(folder, "cgroup.procs");
    if (text.is_error() && text.error() == Errno::notsup)
        text = read_file_at(folder, "cgroup.threads"); // a threaded group
    if (text.is_error() && text.error() == Errno::nodev)
        return ok(); // removed between our two looks
    if (text.is_error())
        return text.error();
    for (auto line : split(text.value(), '\n'))
        if (auto pid = parse_number<pid_t>(line); pid && *pid > 0)
            into.push_back(*pid);
    auto names = TRY(folders_in(folder));
    for (auto const& name : names) {
        auto below = open_at(folder, name, O_PATH | O_DIRECTORY | O_NOFOLLOW);
        if (below.is_error() && below.error() == Errno::noent)
            continue;
        if (below.is_error())
            return below.error();
        TRY(collect_processes(below.value(), into));
    }
    return ok();
}

} // namespace

SysResult<std::vector<pid_t>> processes_below(FileView folder)
{
    std::vector<pid_t> pids;
    TRY(collect_processes(folder, pids));
    std::sort(pids.begin(), pids.end());
    pids.erase(std::unique(pids.begin(), pids.end()), pids.end());
    return pids;
}

SysResult<Unit> remove_folders(FileView parent, std::string const& name)
{
    if (::unlinkat(parent.fd(), name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT)
        return ok();
    // EBUSY: folders below, or processes. ENOTEMPTY comes from other file systems.
    if (errno != EBUSY && errno != ENOTEMPTY)
        return last_errno();
    auto folder = open_at(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW);
    if (folder.is_error())
        return folder.error() == Errno::noent ? SysResult<Unit>(ok()) : SysResult<Unit>(folder.error());
    auto names = TRY(folders_in(folder.value()));
    if (names.empty())
        return Errno::busy;
    for (auto const& below : names)
        TRY(remove_folders(folder.value(), below));
    if (::unlinkat(parent.fd(), name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT)
        return ok();
    return last_errno();
}

} // namespace bulkhead::cgroup
