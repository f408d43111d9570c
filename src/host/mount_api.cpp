#include "host/mount_api.h"

#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace bulkhead::host {

namespace {

struct FlagPair {
    std::uint64_t attribute;
    unsigned long mount_flag;
};
constexpr unsigned long ms_nosymfollow = 256; // MS_NOSYMFOLLOW, Linux 5.10
constexpr FlagPair flag_pairs[] = {
    { MOUNT_ATTR_RDONLY, MS_RDONLY },
    { MOUNT_ATTR_NOSUID, MS_NOSUID },
    { MOUNT_ATTR_NODEV, MS_NODEV },
    { MOUNT_ATTR_NOEXEC, MS_NOEXEC },
    { MOUNT_ATTR_NOATIME, MS_NOATIME },
    { MOUNT_ATTR_STRICTATIME, MS_STRICTATIME },
    { MOUNT_ATTR_NODIRATIME, MS_NODIRATIME },
    { MOUNT_ATTR_NOSYMFOLLOW, ms_nosymfollow },
};

SysResult<Unit> result_of(long status)
{
    if (status < 0)
        return last_errno();
    return ok();
}

// How set_mount_attributes() does its work where mount_setattr(2) is missing.
SysResult<Unit> set_by_remount(FileView directory, char const* path, MountAttributes const& wanted, Depth depth)
{
    if ((wanted.set & MOUNT_ATTR_IDMAP) != 0)
        return Errno::nosys;
    if ((wanted.set | wanted.clear) != 0 && depth == Depth::whole_tree)
        return Errno::nosys;
    File opened;
    FileView target = directory;
    if (path[0] != '\0') {
        opened = TRY(open_at(directory, path, O_PATH));
        target = opened;
    }
    auto target_path = target.proc_path();
    if ((wanted.set | wanted.clear) != 0) {
        auto attributes = TRY(mount_attributes_of(target));
        attributes = (attributes & ~wanted.clear) | wanted.set;
        auto flags = mount_flags_from_attributes(attributes) | MS_REMOUNT | MS_BIND;
        if ((attributes & MOUNT_ATTR__ATIME) == MOUNT_ATTR_RELATIME)
            flags |= MS_RELATIME;
        TRY(mount_classic(nullptr, target_path.c_str(), nullptr, flags, nullptr));
    }
    if (wanted.propagation != 0) {
        unsigned long flags = wanted.propagation | (depth == Depth::whole_tree ? static_cast<unsigned long>(MS_REC) : 0UL);
        TRY(mount_classic(nullptr, target_path.c_str(), nullptr, flags, nullptr));
    }
    return ok();
}

} // namespace

MountFeatures& mount_features()
{
    static MountFeatures features;
    return features;
}

SysResult<File> open_resolved(FileView directory, char const* path, int flags, std::uint64_t resolve, mode_t mode)
{
    if (!mount_features().openat2)
        return Errno::nosys;
    struct open_how how { };
    how.flags = static_cast<std::uint64_t>(flags) | O_CLOEXEC;
    how.mode = mode;
    how.resolve = resolve;
    for (;;) {
        auto fd = ::syscall(SYS_openat2, directory.fd(), path, &how, sizeof how);
        if (fd >= 0)
            return File(static_cast<int>(fd));
        if (errno == EINTR)
            continue;
        if (errno == ENOSYS)
            mount_features().openat2 = false;
        return last_errno();
    }
}

SysResult<File> clone_tree(FileView directory, char const* path, Depth depth, int at_flags)
{
    auto flags = static_cast<unsigned>(OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | at_flags);
    if (path[0] == '\0')
        flags |= AT_EMPTY_PATH;
    if (depth == Depth::whole_tree)
        flags |= AT_RECURSIVE;
    int fd = ::open_tree(directory.fd(), path, flags);
    if (fd < 0)
        return last_errno();
    return File(fd);
}

SysResult<Unit> attach_tree(FileView tree, FileView directory, char const* path)
{
    unsigned flags = MOVE_MOUNT_F_EMPTY_PATH;
    if (path[0] == '\0')
        flags |= MOVE_MOUNT_T_EMPTY_PATH;
    return result_of(::move_mount(tree.fd(), "", directory.fd(), path, flags));
}

SysResult<Unit> set_mount_attributes(FileView directory, char const* path, MountAttributes const& wanted, Depth depth)
{
    if (!mount_features().mount_setattr)
        return set_by_remount(directory, path, wanted, depth);
    struct mount_attr attributes { };
    attributes.attr_set = wanted.set;
    attributes.attr_clr = wanted.clear;
    attributes.propagation = wanted.propagation;
    if (wanted.user_namespace.is_open())
        attributes.userns_fd = static_cast<std::uint64_t>(wanted.user_namespace.fd());
    unsigned flags = path[0] == '\0' ? AT_EMPTY_PATH : 0;
    if (depth == Depth::whole_tree)
        flags |= AT_RECURSIVE;
    if (::mount_setattr(directory.fd(), path, flags, &attributes, sizeof attributes) == 0)
        return ok();
    if (errno != ENOSYS)
        return last_errno();
    mount_features().mount_setattr = false;
    return set_by_remount(directory, path, wanted, depth);
}

SysResult<std::uint64_t> mount_attributes_of(FileView file)
{
    struct statvfs status { };
    if (::fstatvfs(file.fd(), &status) < 0)
        return last_errno();
    std::uint64_t attributes = 0;
    if ((status.f_flag & ST_RDONLY) != 0)
        attributes |= MOUNT_ATTR_RDONLY;
    if ((status.f_flag & ST_NOSUID) != 0)
        attributes |= MOUNT_ATTR_NOSUID;
    if ((status.f_flag & ST_NODEV) != 0)
        attributes |= MOUNT_ATTR_NODEV;
    if ((status.f_flag & ST_NOEXEC) != 0)
        attributes |= MOUNT_ATTR_NOEXEC;
    if ((status.f_flag & ST_NODIRATIME) != 0)
        attributes |= MOUNT_ATTR_NODIRATIME;
    if ((status.f_flag & 0x2000) != 0) // ST_NOSYMFOLLOW
        attributes |= MOUNT_ATTR_NOSYMFOLLOW;
    if ((status.f_flag & ST_NOATIME) != 0)
        attributes |= MOUNT_ATTR_NOATIME;
    else if ((status.f_flag & ST_RELATIME) == 0)
        attributes |= MOUNT_ATTR_STRICTATIME;
    return attributes;
}

unsigned long mount_flags_from_attributes(std::uint64_t attributes)
{
    unsigned long flags = 0;
    for (auto const& pair : flag_pairs) {
        if ((attributes & pair.attribute) != 0)
            flags |= pair.mount_flag;
    }
    return flags;
}

SysResult<Unit> mount_classic(char const* source, char const* target, char const* type, unsigned long flags, char const* data)
{
    return result_of(::mount(source, target, type, flags, data));
}

SysResult<NewFileSystem> NewFileSystem::open(char const* type)
{
    int fd = ::fsopen(type, FSOPEN_CLOEXEC);
    if (fd < 0)
        return last_errno();
    NewFileSystem made;
    made.m_context = File(fd);
    return made;
}

SysResult<Unit> NewFileSystem::set_flag(char const* name)
{
    return result_of(::fsconfig(m_context.fd(), FSCONFIG_SET_FLAG, name, nullptr, 0));
}

SysResult<Unit> NewFileSystem::set_text(char const* name, char const* value)
{
    return result_of(::fsconfig(m_context.fd(), FSCONFIG_SET_STRING, name, value, 0));
}

SysResult<File> NewFileSystem::mount(std::uint64_t attributes)
{
    TRY(result_of(::fsconfig(m_context.fd(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0)));
    int fd = ::fsmount(m_context.fd(), FSMOUNT_CLOEXEC, static_cast<unsigned>(attributes));
    if (fd < 0)
        return last_errno();
    return File(fd);
}

std::string NewFileSystem::complaint()
{
    // One message for each read, "e text\n" for errors; ENODATA when there are no more. See fs/fs_context.c.
    std::string text;
    char line[512];
    for (int messages = 0; messages < 16; ++messages) {
        auto count = ::read(m_context.fd(), line, sizeof line);
        if (count <= 0)
            break;
        if (count < 3 || line[0] != 'e')
            continue;
        std::string message(line + 2, static_cast<std::size_t>(count) - 2);
        while (!message.empty() && message.back() == '\n')
            message.pop_back();
        text += (text.empty() ? "" : "; ") + message;
    }
    return text;
}

SysResult<long> file_system_type(FileView file)
{
    struct statfs status { };
    if (::fstatfs(file.fd(), &status) < 0)
        return last_errno();
    return static_cast<long>(status.f_type);
}

bool is_procfs_root(FileView file)
{
    constexpr ino_t proc_root_inode = 1; // PROC_ROOT_INO
    struct stat status { };
    auto type = file_system_type(file);
    return type.is_ok() && type.value() == PROC_SUPER_MAGIC && ::fstat(file.fd(), &status) == 0 && status.st_ino == proc_root_inode;
}

} // namespace bulkhead::host
