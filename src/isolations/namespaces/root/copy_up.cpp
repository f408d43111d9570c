#include "isolations/namespaces/root/copy_up.h"

#include "host/path_walk.h"

#include <array>
#include <memory>
#include <vector>

#include <dirent.h>
#include <limits.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace bulkhead::root {

namespace {

constexpr int deepest = 128; // an image that nests deeper is hostile

struct CloseDirectory {
    void operator()(DIR* directory) const { ::closedir(directory); }
};

// Owner before mode: chown(2) takes set-id bits away.
SysResult<Unit> copy_attributes(FileView from, FileView to, struct stat const& status)
{
    if (::fchown(to.fd(), status.st_uid, status.st_gid) < 0)
        return last_errno();
    if (::fchmod(to.fd(), status.st_mode & 07777) < 0)
        return last_errno();
    std::array<char, 16384> names {};
    auto length = ::flistxattr(from.fd(), names.data(), names.size());
    for (ssize_t offset = 0; offset < length;) {
        std::string name(names.data() + offset);
        offset += static_cast<ssize_t>(name.size()) + 1;
        std::array<char, 65536> value {};
        auto size = ::fgetxattr(from.fd(), name.c_str(), value.data(), value.size());
        if (size >= 0 && ::fsetxattr(to.fd(), name.c_str(), value.data(), static_cast<std::size_t>(size), 0) < 0 && errno != EOPNOTSUPP && errno != EPERM)
            return last_errno();
    }
    std::array<timespec, 2> times { status.st_atim, status.st_mtim };
    ::futimens(to.fd(), times.data());
    return ok();
}

SysResult<Unit> copy_file(FileView from, FileView to_directory, char const* name, struct stat const& status)
{
    auto source = TRY(open_at(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
    auto target = TRY(open_at(to_directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
    for (;;) {
        auto count = ::sendfile(target.fd(), source.fd(), nullptr, 1U << 30);
        if (count < 0)
            return last_errno();
        if (count == 0)
            break;
    }
    return copy_attributes(source, target, status);
}

SysResult<Unit> copy_link(FileView from, FileView to_directory, char const* name, struct stat const& status)
{
    std::array<char, PATH_MAX + 1> target {};
    auto length = ::readlinkat(from.fd(), name, target.data(), PATH_MAX);
    if (length < 0 || ::symlinkat(target.data(), to_directory.fd(), name) < 0)
        return last_errno();
    if (::fchownat(to_directory.fd(), name, status.st_uid, status.st_gid, AT_SYMLINK_NOFOLLOW) < 0)
        return last_errno();
    return ok();
}

SysResult<Unit> copy_directory(FileView from, FileView to, int depth);

SysResult<Unit> copy_entry(FileView from, FileView to, char const* name, int depth)
{
    struct stat status { };
    if (::fstatat(from.fd(), name, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return last_errno();
    if (S_ISREG(status.st_mode))
        return copy_file(from, to, name, status);
    if (S_ISLNK(status.st_mode))
        return copy_link(from, to, name, status);
    if (!S_ISDIR(status.st_mode))
        return ok();
    auto source = TRY(open_at(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    if (::mkdirat(to.fd(), name, 0700) < 0)
        return last_errno();
    auto target = TRY(open_at(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    TRY(copy_directory(source, target, depth + 1));
    return copy_attributes(source, target, status);
}

SysResult<Unit> copy_directory(FileView from, FileView to, int depth)
{
    if (depth > deepest)
        return Errno::loop;
    auto listed = TRY(open_at(from, ".", O_RDONLY | O_DIRECTORY));
    std::unique_ptr<DIR, CloseDirectory> directory(::fdopendir(listed.fd()));
    if (!directory)
        return last_errno();
    (void)listed.release(); // closedir(3) closes it
    while (auto const* entry = ::readdir(directory.get())) {
        std::string_view name = entry->d_name;
        if (name != "." && name != "..")
            TRY(copy_entry(from, to, entry->d_name, depth));
    }
    return ok();
}

} // namespace

Result<Unit> copy_up(FileView root, std::string const& path, FileView tree, MountOptions const& options)
{
    auto source = host::open_in_root(root, path, O_RDONLY | O_DIRECTORY);
    if (source.is_error() && source.error() == Errno::noent)
        return ok();
    auto copy = [&]() -> SysResult<Unit> {
        if (source.is_error())
            return source.error();
        auto target = TRY(open_at(tree, ".", O_RDONLY | O_DIRECTORY));
        TRY(copy_directory(source.value(), target, 0));
        struct stat status { };
        if (::fstat(source.value().fd(), &status) < 0)
            return last_errno();
        if (!options.has_data("mode") && ::fchmod(target.fd(), status.st_mode & 07777) < 0)
            return last_errno();
        return ok();
    };
    return copy().or_error("tmpcopyup: copy what the image has there");
}

} // namespace bulkhead::root
