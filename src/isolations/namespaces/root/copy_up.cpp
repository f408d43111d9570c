#include "isolations/namespaces/root/copy_up.h"

#include <array>
#include <memory>
#include <vector>

#include <dirent.h>
#include <climits>
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

SysResult<Unit> copy_owner_and_names(FileView from, FileView to, struct stat const& status)
{
    if (::fchown(to.fd(), status.st_uid, status.st_gid) < 0)
        return last_errno();
    std::array<char, 16384> names {};
    auto length = ::flistxattr(from.fd(), names.data(), names.size());
    for (ssize_t offset = 0; offset < length;) {
        std::string name(names.data() + offset);
        offset += static_cast<ssize_t>(name.size()) + 1;
        std::array<char, 65536> value {};
        auto size = ::fgetxattr(from.fd(), name.c_str(), value.data(), value.size());
        if (size >= 0 && ::fsetxattr(to.fd(), name.c_str(), value.data(), static_cast<std::size_t>(size), 0) < 0 && errno != EOPNOTSUPP
            && errno != EPERM)
            return last_errno();
    }
    return ok();
}

// Owner before mode: chown(2) takes set-id bits away.
SysResult<Unit> copy_attributes(FileView from, FileView to, struct stat const& status)
{
    TRY(copy_owner_and_names(from, to, status));
    if (::fchmod(to.fd(), status.st_mode & 07777) < 0)
        return last_errno();
    std::array<timespec, 2> times { status.st_atim, status.st_mtim };
    ::futimens(to.fd(), times.data());
    return ok();
}

SysResult<Unit> copy_file(FileView from, FileView to_directory, char const* name, struct stat const& status)
{
    auto source = TRY(open_at(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
    struct stat opened { };
    if (::fstat(source.fd(), &opened) < 0)
        return last_errno();
    if (!S_ISREG(opened.st_mode))
        return ok(); // exchanged while we looked: nothing that tmpcopyup copies
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

// FIFOs and sockets; device nodes where that is allowed.
SysResult<Unit> copy_node(FileView to_directory, char const* name, struct stat const& status)
{
    if (::mknodat(to_directory.fd(), name, status.st_mode & (S_IFMT | 07777), status.st_rdev) < 0) {
        if (errno == EPERM)
            return ok();
        return last_errno();
    }
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
        return copy_node(to, name, status);
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

SysResult<Unit> copy_up(FileView from, FileView to)
{
    auto target = TRY(open_at(to, ".", O_RDONLY | O_DIRECTORY));
    TRY(copy_directory(from, target, 0));
    struct stat status { };
    if (::fstat(from.fd(), &status) < 0)
        return last_errno();
    return copy_owner_and_names(from, target, status);
}

} // namespace bulkhead::root
