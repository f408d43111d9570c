// The kernel's mount calls as typed functions: detached trees, attributes, file systems by fsopen(2), and what replaces
// them on kernels that lack a part (mount_setattr came with 5.12, openat2 with 5.6; the rest is required).
#pragma once

#include "base/file.h"

#include <cstdint>
#include <string>

namespace bulkhead::host {

// What this kernel has. Each starts as true and turns false at the first ENOSYS; tests clear them to take the other way.
struct MountFeatures {
    bool openat2 = true;
    bool mount_setattr = true;
};
MountFeatures& mount_features();

// openat2(2); RESOLVE is made of RESOLVE_* bits. Errno::nosys where it is absent; EINTR is retried, EAGAIN is not.
SysResult<File> open_resolved(FileView directory, char const* path, int flags, std::uint64_t resolve, mode_t mode = 0);

enum class Depth { one_mount, whole_tree };

// open_tree(OPEN_TREE_CLONE): a detached copy of what is mounted at PATH; "" is the directory itself. AT_FLAGS may hold
// AT_SYMLINK_NOFOLLOW. Closing it unattached costs an RCU grace period: open it last.
SysResult<File> clone_tree(FileView directory, char const* path, Depth, int at_flags = 0);
// move_mount(2) of a detached tree; a symlink as last component of PATH is not followed.
SysResult<Unit> attach_tree(FileView tree, FileView directory, char const* path);

struct MountAttributes {
    std::uint64_t set = 0; // MOUNT_ATTR_*
    std::uint64_t clear = 0;
    std::uint64_t propagation = 0; // one of MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE
    FileView user_namespace = {}; // with MOUNT_ATTR_IDMAP in `set`

    bool is_empty() const { return set == 0 && clear == 0 && propagation == 0; }
};
// mount_setattr(2). Without it mount(2) does the same for one attached mount; for a detached tree, for IDMAP and for
// attributes of a whole tree there is no other way: Errno::nosys.
SysResult<Unit> set_mount_attributes(FileView directory, char const* path, MountAttributes const&, Depth);
// MOUNT_ATTR_* of the mount that FILE is on (read-only, nosuid, nodev, noexec, atime, nosymfollow).
SysResult<std::uint64_t> mount_attributes_of(FileView);
// The MS_* bits that mean the same as MOUNT_ATTR_* ones.
unsigned long mount_flags_from_attributes(std::uint64_t attributes);

// mount(2). DATA and SOURCE may be null.
SysResult<Unit> mount_classic(char const* source, char const* target, char const* type, unsigned long flags, char const* data);

// A file system being set up: fsopen(2), fsconfig(2), fsmount(2).
class NewFileSystem {
public:
    static SysResult<NewFileSystem> open(char const* type);
    SysResult<Unit> set_flag(char const* name);
    SysResult<Unit> set_text(char const* name, char const* value);
    // Creates the superblock and mounts it, detached.
    SysResult<File> mount(std::uint64_t attributes);
    // What the kernel has to say about the last failure ("tmpfs: Bad value for 'size'"); may be empty.
    std::string complaint();

private:
    File m_context;
};

// statfs(2)'s f_type.
SysResult<long> file_system_type(FileView);
// True for the root directory of a genuine procfs.
bool is_procfs_root(FileView);

} // namespace bulkhead::host
