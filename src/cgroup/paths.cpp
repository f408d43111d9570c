#include "cgroup/paths.h"
#include "base/text.h"

#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace bulkhead::cgroup {

namespace {

// A kernel before 5.6, or a seccomp filter from before openat2: one step at a time, never through a symlink.
SysResult<File> open_stepwise(FileView folder, std::string const& path, int flags)
{
    auto here = TRY(open_at(folder, ".", O_PATH | O_DIRECTORY));
    auto parts = split(path, '/');
    for (std::size_t index = 0; index < parts.size(); ++index) {
        if (parts[index].empty())
            continue;
        if (parts[index] == "..")
            return Errno::xdev;
        auto step = index + 1 == parts.size() ? flags | O_NOFOLLOW : O_PATH | O_DIRECTORY | O_NOFOLLOW;
        here = TRY(open_at(here, std::string(parts[index]), step));
    }
    return here;
}

char const* relative(std::string const& path)
{
    auto begin = path.find_first_not_of('/');
    return begin == std::string::npos ? "." : path.c_str() + begin;
}

} // namespace

Result<std::string> clean_path(std::string_view path, std::string_view place)
{
    constexpr std::size_t longest = 2048;
    if (path.size() > longest)
        return invalid(std::string(place) + " is longer than " + std::to_string(longest) + " characters");
    std::string clean;
    for (auto part : split(path, '/')) {
        if (part.empty() || part == ".")
            continue;
        if (part == "..")
            return invalid(
                std::string(place) + " " + quoted(path) + " leads upwards (\"..\")", "name the group by its path from the root of the hierarchy");
        for (char c : part)
            if (static_cast<unsigned char>(c) < ' ')
                return invalid(std::string(place) + " contains a control character");
        if (part.size() > 255)
            return invalid(std::string(place) + " has a part longer than 255 characters");
        if (!clean.empty() || path.front() == '/')
            clean += '/';
        clean += part;
    }
    if (clean.empty() && !path.empty() && path.front() == '/')
        clean = "/";
    return clean;
}

std::string join_path(std::string_view parent, std::string_view child)
{
    while (!child.empty() && child.front() == '/')
        child.remove_prefix(1);
    while (!parent.empty() && parent.back() == '/')
        parent.remove_suffix(1);
    if (child.empty())
        return parent.empty() ? "/" : std::string(parent);
    return std::string(parent) + "/" + std::string(child);
}

std::string parent_path(std::string_view path)
{
    auto slash = path.rfind('/');
    return slash == std::string_view::npos || slash == 0 ? "/" : std::string(path.substr(0, slash));
}

SysResult<File> open_beneath(FileView folder, std::string const& path, int flags)
{
    struct open_how how { };
    how.flags = static_cast<unsigned>(flags | O_CLOEXEC);
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    for (;;) {
        auto fd = ::syscall(SYS_openat2, folder.fd(), relative(path), &how, sizeof(how));
        if (fd >= 0)
            return File(static_cast<int>(fd));
        if (errno == ENOSYS || errno == EPERM)
            return open_stepwise(folder, path, flags);
        if (errno != EINTR && errno != EAGAIN)
            return last_errno();
    }
}

SysResult<Made> make_folders(FileView mount, std::string const& path)
{
    // Cgroup file systems hold no symlinks, so one call for the whole path is safe; open_beneath looks again.
    if (::mkdirat(mount.fd(), relative(path), 0755) == 0)
        return Made::here;
    if (errno == EEXIST)
        return Made::existed;
    if (errno != ENOENT)
        return last_errno();
    auto parent = parent_path(path);
    if (parent == path)
        return Errno::noent;
    TRY(make_folders(mount, parent));
    if (::mkdirat(mount.fd(), relative(path), 0755) == 0)
        return Made::here;
    if (errno == EEXIST)
        return Made::existed;
    return last_errno();
}

} // namespace bulkhead::cgroup
