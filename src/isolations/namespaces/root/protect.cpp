// Read-only and masked paths, and the read-only root.

#include "isolations/namespaces/root/state.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

namespace bulkhead::root {

namespace {

// Absent paths are nothing to protect; so is what cannot be reached below a file.
bool is_absent(Errno code)
{
    return code == Errno::noent || code == Errno::notdir;
}

Result<Unit> make_read_only(FileView root, std::string const& path, bool in_user_namespace)
{
    auto found = host::find_in_root(root, path);
    if (found.is_error()) {
        if (is_absent(found.error()))
            return ok();
        return Error::from_errno(found.error(), "find it");
    }
    auto tree = TRY(host::clone_tree(found.value(), "", host::Depth::whole_tree).or_error("bind it on itself"));
    auto set = host::set_mount_attributes(tree, "", { .set = MOUNT_ATTR_RDONLY }, host::Depth::whole_tree);
    bool has_no_tree_call = set.is_error() && set.error() == Errno::nosys;
    if (set.is_error() && !has_no_tree_call)
        return Error::from_errno(set.error(), "make it read-only");
    (void)in_user_namespace;
    TRY(host::attach_tree(tree, found.value(), "").or_error("bind it on itself"));
    if (has_no_tree_call)
        TRY(host::set_mount_attributes(tree, "", { .set = MOUNT_ATTR_RDONLY }, host::Depth::one_mount).or_error("make it read-only"));
    return ok();
}

bool is_dev_null(FileView file)
{
    struct stat status { };
    return ::fstat(file.fd(), &status) == 0 && S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3);
}

// The masks: one empty read-only tmpfs for all directories, /dev/null for all files.
class Masks {
public:
    explicit Masks(FileView root)
        : m_root(root)
    {
    }

    Result<Unit> cover(std::string const& path)
    {
        auto found = host::find_in_root(m_root, path);
        if (found.is_error()) {
            if (is_absent(found.error()))
                return ok();
            return Error::from_errno(found.error(), "find it");
        }
        struct stat status { };
        if (::fstat(found.value().fd(), &status) < 0)
            return Error::last("examine it");
        return S_ISDIR(status.st_mode) ? cover_directory(found.value()) : cover_file(found.value());
    }

private:
    Result<Unit> cover_directory(FileView place)
    {
        if (!m_empty.is_open()) {
            auto made = [&]() -> SysResult<File> {
                auto context = TRY(host::NewFileSystem::open("tmpfs"));
                TRY(context.set_text("source", "tmpfs"));
                TRY(context.set_text("mode", "755"));
                TRY(context.set_text("nr_inodes", "2"));
                return context.mount(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
            };
            m_empty = TRY(made().or_error("make an empty directory"));
            return host::attach_tree(m_empty, place, "").or_error("cover it");
        }
        auto tree = TRY(host::clone_tree(m_empty, "", host::Depth::one_mount).or_error("cover it"));
        return host::attach_tree(tree, place, "").or_error("cover it");
    }

    // The image may have put anything at its /dev/null (CVE-2025-31133): only the real device hides anything.
    Result<Unit> cover_file(FileView place)
    {
        if (!m_null.is_open()) {
            auto own = host::find_in_root(m_root, "/dev/null", { .links = host::Links::refuse });
            if (own.is_ok() && is_dev_null(own.value())) {
                m_null = own.release_value();
            } else {
                m_null = TRY(open_file("/dev/null", O_PATH | O_NOFOLLOW));
                if (!is_dev_null(m_null))
                    return Error { .code = Errno::nodev, .message = "neither the container's nor the host's /dev/null is the null device" };
            }
        }
        auto tree = TRY(host::clone_tree(m_null, "", host::Depth::one_mount).or_error("cover it"));
        return host::attach_tree(tree, place, "").or_error("cover it");
    }

    FileView m_root;
    File m_empty;
    File m_null;
};

} // namespace

Result<Unit> RootFileSystem::protect()
{
    auto const& config = m_state->plan.config;
    auto const& section = config.linux_section;
    if (!m_state->plan.new_mount_namespace)
        return ok();
    for (std::size_t index = 0; index < section.readonly_paths.size(); ++index)
        TRY(make_read_only(m_state->root, section.readonly_paths[index], m_state->plan.in_user_namespace)
                .context([&] { return "linux.readonlyPaths[" + std::to_string(index) + "] (\"" + section.readonly_paths[index] + "\")"; }));
    Masks masks(m_state->root);
    for (std::size_t index = 0; index < section.masked_paths.size(); ++index)
        TRY(masks.cover(section.masked_paths[index])
                .context([&] { return "linux.maskedPaths[" + std::to_string(index) + "] (\"" + section.masked_paths[index] + "\")"; }));
    for (auto index : m_state->late_read_only) {
        auto place = TRY(host::find_in_root(m_state->root, config.mounts[index].destination).or_error(place_of(config.mounts[index], index)));
        TRY(host::set_mount_attributes(place, "", { .set = MOUNT_ATTR_RDONLY }, host::Depth::one_mount).or_error(place_of(config.mounts[index], index)));
    }
    if (config.root.readonly)
        TRY(host::set_mount_attributes(m_state->root, "", { .set = MOUNT_ATTR_RDONLY }, host::Depth::one_mount).or_error("root.readonly: make the root read-only"));
    return ok();
}

} // namespace bulkhead::root
