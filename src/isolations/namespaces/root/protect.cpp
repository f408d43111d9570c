// Read-only and masked paths, and the read-only root. CVE-2025-31133: what hides a file is the host's null device,
// looked at before it is used, never what the image calls /dev/null.
#include "isolations/namespaces/root/builder.h"

#include "base/text.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace bulkhead::root {

namespace {

// What is absent needs no protection; nor does what would lie below a file.
bool is_absent(Errno code)
{
    return code == Errno::noent || code == Errno::notdir;
}

bool is_null_device(struct stat const& status)
{
    return S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3);
}

class Protection {
public:
    explicit Protection(Builder& builder)
        : m_builder(builder)
    {
    }

    // A copy of what is mounted there, read-only, on top of it.
    Result<Unit> make_read_only(std::string const& path)
    {
        if (path == "/")
            return host::set_mount_attributes(m_builder.root, "", { .set = MOUNT_ATTR_RDONLY }, host::Depth::one_mount).or_error("make it read-only");
        if (auto below = kernel_path(path))
            return make_kernel_path_read_only(*below);
        auto found = host::find_in_root(m_builder.root, path);
        if (found.is_error())
            return is_absent(found.error()) ? Result<Unit>(ok()) : Result<Unit>(Error::from_errno(found.error(), "find it"));
        auto tree = TRY(host::clone_tree(found.value(), "", host::Depth::whole_tree).or_error("copy its mount"));
        bool is_set = false;
        if (host::mount_features().mount_setattr) {
            TRY(set_read_only(tree));
            is_set = true;
        }
        TRY(host::attach_tree(tree, found.value(), "").or_error("mount the read-only copy"));
        return is_set ? Result<Unit>(ok()) : set_read_only(tree);
    }

    Result<Unit> mask(std::string const& path)
    {
        if (path == "/")
            return invalid("the root itself cannot be masked");
        struct stat status { };
        if (auto below = kernel_path(path)) {
            auto directory = FileView(below->base->directory);
            if (::fstatat(directory.fd(), below->rest.c_str(), &status, 0) < 0)
                return is_absent(last_errno()) ? Result<Unit>(ok()) : Result<Unit>(Error::last("look at it"));
            if (S_ISDIR(status.st_mode))
                return mask_directory(directory, below->rest);
            return mask_kernel_file(directory, below->rest);
        }
        auto found = host::find_in_root(m_builder.root, path);
        if (found.is_error())
            return is_absent(found.error()) ? Result<Unit>(ok()) : Result<Unit>(Error::from_errno(found.error(), "find it"));
        if (::fstat(found.value().fd(), &status) < 0)
            return Error::last("look at it");
        return S_ISDIR(status.st_mode) ? mask_directory(found.value(), "") : mask_file(found.value(), "");
    }

private:
    // Names in our own procfs and sysfs are the kernel's: nobody can exchange them, so they can be used as they are.
    std::optional<Builder::Below> kernel_path(std::string const& path)
    {
        auto below = m_builder.below_a_base(host::clean_path(path));
        if (below && below->base->kind == Base::Kind::tmpfs)
            return std::nullopt;
        return below;
    }

    static Result<Unit> set_read_only(FileView tree)
    {
        auto set = host::set_mount_attributes(
            tree, "", { .set = MOUNT_ATTR_RDONLY }, host::mount_features().mount_setattr ? host::Depth::whole_tree : host::Depth::one_mount);
        // The first ENOSYS comes for the whole tree; then this mount alone, as before Linux 5.12.
        if (set.is_error() && set.error() == Errno::nosys)
            set = host::set_mount_attributes(tree, "", { .set = MOUNT_ATTR_RDONLY }, host::Depth::one_mount);
        return std::move(set).or_error("make it read-only");
    }

    Result<Unit> make_kernel_path_read_only(Builder::Below const& below)
    {
        auto const* name = below.rest.c_str();
        auto directory = FileView(below.base->directory);
        auto bound = m_builder.work_in(directory);
        if (bound.is_ok())
            bound = host::mount_classic(name, name, nullptr, MS_BIND | MS_REC, nullptr);
        if (bound.is_error())
            return is_absent(bound.error()) ? Result<Unit>(ok()) : Result<Unit>(Error::from_errno(bound.error(), "bind it on itself"));
        auto set = host::set_mount_attributes(
            directory, name, { .set = MOUNT_ATTR_RDONLY }, host::mount_features().mount_setattr ? host::Depth::whole_tree : host::Depth::one_mount);
        if (set.is_error() && set.error() == Errno::nosys)
            set = host::set_mount_attributes(directory, name, { .set = MOUNT_ATTR_RDONLY }, host::Depth::one_mount);
        return std::move(set).or_error("make it read-only");
    }

    // One empty read-only tmpfs for all of them.
    Result<Unit> mask_directory(FileView directory, std::string const& name)
    {
        if (m_empty.is_open()) {
            auto copy = TRY(host::clone_tree(m_empty, "", host::Depth::one_mount).or_error("copy the empty folder"));
            return host::attach_tree(copy, directory, name.c_str()).or_error("cover it");
        }
        m_empty = TRY(make_empty_folder().or_error("make an empty folder"));
        return host::attach_tree(m_empty, directory, name.c_str()).or_error("cover it");
    }

    static SysResult<File> make_empty_folder()
    {
        auto context = TRY(host::NewFileSystem::open("tmpfs"));
        TRY(context.set_text("source", "tmpfs"));
        TRY(context.set_text("nr_inodes", "1"));
        TRY(context.set_flag("ro"));
        return context.mount(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    }

    Result<Unit> mask_kernel_file(FileView directory, std::string const& name)
    {
        TRY(find_null_device());
        if (!m_host_null_is_good || m_builder.work_in(directory).is_error())
            return mask_file(directory, name);
        return host::mount_classic("/dev/null", name.c_str(), nullptr, MS_BIND, nullptr).or_error("cover it with /dev/null");
    }

    Result<Unit> mask_file(FileView directory, std::string const& name)
    {
        TRY(find_null_device());
        auto tree = m_host_null_is_good ? host::clone_tree(FileView::current_directory(), "/dev/null", host::Depth::one_mount)
                                        : host::clone_tree(m_own_null, "", host::Depth::one_mount);
        if (tree.is_error())
            return Error::from_errno(tree.error(), "copy the null device");
        struct stat status { };
        if (::fstat(tree.value().fd(), &status) < 0 || !is_null_device(status))
            return Error { .code = Errno::nodev, .message = "/dev/null was exchanged for something else" };
        return host::attach_tree(tree.value(), directory, name.c_str()).or_error("cover it with /dev/null");
    }

    // The host's; where that is no null device (a container without one), the one made in the container, if it is one.
    Result<Unit> find_null_device()
    {
        if (m_host_null_is_good || m_own_null.is_open())
            return ok();
        struct stat status { };
        if (::stat("/dev/null", &status) == 0 && is_null_device(status)) {
            m_host_null_is_good = true;
            return ok();
        }
        auto own = host::find_in_root(m_builder.root, "/dev/null", { .links = host::Links::refuse });
        if (own.is_error() || ::fstat(own.value().fd(), &status) < 0 || !is_null_device(status))
            return Error { .code = Errno::nodev,
                .message = "neither the host's nor the container's /dev/null is the null device",
                .hint = "make it: mknod -m 666 /dev/null c 1 3" };
        m_own_null = own.release_value();
        return ok();
    }

    Builder& m_builder;
    File m_empty;
    bool m_host_null_is_good = false;
    File m_own_null;
};

} // namespace

Result<Unit> RootFileSystem::protect()
{
    auto& builder = m_state->builder;
    if (!builder.plan.new_mount_namespace)
        return ok();
    auto const& section = builder.plan.config.linux_section;
    Protection protection(builder);
    for (std::size_t index = 0; index < section.readonly_paths.size(); ++index) {
        auto const& path = section.readonly_paths[index];
        TRY(protection.make_read_only(path).context([&] { return "linux.readonlyPaths[" + std::to_string(index) + "] (" + quoted(path) + ")"; }));
    }
    for (std::size_t index = 0; index < section.masked_paths.size(); ++index) {
        auto const& path = section.masked_paths[index];
        TRY(protection.mask(path).context([&] { return "linux.maskedPaths[" + std::to_string(index) + "] (" + quoted(path) + ")"; }));
    }
    for (auto const& mount : builder.read_only_later)
        TRY(host::set_mount_attributes(mount, "", { .set = MOUNT_ATTR_RDONLY }, host::Depth::one_mount).or_error("make a tmpfs read-only"));
    if (builder.plan.config.root.readonly)
        TRY(host::set_mount_attributes(builder.root, "", { .set = MOUNT_ATTR_RDONLY }, host::Depth::one_mount)
                .or_error("root.readonly: make the root read-only"));
    return ok();
}

} // namespace bulkhead::root
