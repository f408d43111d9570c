// Bind mounts: a detached copy of the source gets its flags, then is attached, so that the container never sees it
// without them.
#include "isolations/namespaces/root/builder.h"

#include "base/text.h"

#include <climits>

#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

namespace bulkhead::root {

namespace {

// "copy-symlink": a source that is a symlink is made again in the container. Nothing when it is none.
Result<std::optional<Unit>> copy_symlink(Builder& builder, std::string const& source, std::string const& destination)
{
    char text[PATH_MAX];
    auto length = ::readlink(source.c_str(), text, sizeof text - 1);
    if (length < 0 && errno == EINVAL)
        return std::optional<Unit>();
    if (length < 0)
        return Error::last("read the source \"" + source + "\"");
    text[length] = '\0';
    builder.plain_paths_are_safe = false;
    auto slash = destination.rfind('/');
    auto name = destination.substr(slash + 1);
    auto parent = host::make_in_root(builder.root, slash == 0 ? "/" : destination.substr(0, slash), host::Make::directory);
    if (parent.is_error())
        return Error::from_errno(parent.error(), "find or make the folder for the symlink");
    if (::symlinkat(text, parent.value().fd(), name.c_str()) == 0)
        return std::optional<Unit>(ok());
    if (errno != EEXIST)
        return Error::last("make the symlink");
    char present[PATH_MAX];
    auto present_length = ::readlinkat(parent.value().fd(), name.c_str(), present, sizeof present);
    if (present_length == length && std::string_view(present, static_cast<std::size_t>(length)) == text)
        return std::optional<Unit>(ok());
    return invalid("something else than this symlink is there already", "remove it from the image, or leave out \"copy-symlink\"");
}

} // namespace

std::string source_path(RootPlan const& plan, oci::Mount const& mount)
{
    if (mount.source.starts_with('/'))
        return mount.source;
    return plan.bundle + "/" + mount.source;
}

std::uint64_t inherited_propagation(RootPlan const& plan)
{
    auto const& wanted = plan.config.linux_section.rootfs_propagation;
    if (wanted == "shared" || wanted == "rshared")
        return 0;
    return wanted == "private" || wanted == "rprivate" ? MS_PRIVATE : MS_SLAVE;
}

Result<File> open_source(RootPlan const& plan, oci::Mount const& mount, MountOptions const& options)
{
    if (mount.source.empty())
        return invalid("a bind mount needs a source");
    auto path = source_path(plan, mount);
    auto depth = options.is_recursive_bind ? host::Depth::whole_tree : host::Depth::one_mount;
    int flags = options.source_not_followed ? AT_SYMLINK_NOFOLLOW : 0;
    auto tree = host::clone_tree(FileView::current_directory(), path.c_str(), depth, flags);
    // In a user namespace what lies below a mount may be locked to it: it comes as a whole or not at all.
    if (tree.is_error() && tree.error() == Errno::inval && plan.in_user_namespace && depth == host::Depth::one_mount)
        tree = host::clone_tree(FileView::current_directory(), path.c_str(), host::Depth::whole_tree, flags);
    if (tree.is_error()) {
        auto error = Error::from_errno(tree.error(), "open the source \"" + path + "\"");
        if (tree.error() == Errno::noent)
            error.hint = "make it on the host first";
        if (tree.error() == Errno::inval)
            error.hint = "the source may be an unbindable mount";
        return error;
    }
    return tree.release_value();
}

Result<Unit> mount_bind(Builder& builder, std::size_t index, oci::Mount const& mount, MountOptions const& options)
{
    auto path = host::clean_path(mount.destination);
    if (options.copies_symlink) {
        auto copied = TRY(copy_symlink(builder, source_path(builder.plan, mount), path));
        if (copied)
            return ok();
    }
    auto tree = builder.take_prepared(PreparedTree::Kind::mount, index);
    bool is_prepared = tree.is_open();
    if (!is_prepared) {
        if (options.is_idmapped)
            return invalid("an id-mapped mount needs privileges on the host", "leave out the mappings, or run as root");
        tree = TRY(open_source(builder.plan, mount, options));
    }
    if (path == "/proc") {
        auto type = host::file_system_type(tree);
        if (type.is_error() || type.value() != PROC_SUPER_MAGIC)
            return invalid("only procfs can be mounted at \"/proc\"", "mount the source elsewhere");
    }
    auto make = is_directory(tree) ? host::Make::directory : host::Make::file;
    auto spot
        = TRY(find_spot(builder, mount.destination, make, options.destination_not_followed ? host::Links::follow_but_last : host::Links::follow));
    if (is_prepared)
        TRY(host::attach_tree(tree, spot.directory, spot.name.c_str()).or_error("attach the mount"));
    else
        TRY(attach_with_options(builder, tree, spot, options));
    if (path == "/dev")
        builder.dev_is_bound = true;
    if (path == "/proc" && host::is_procfs_root(tree))
        builder.book_base(Base::Kind::procfs, path, std::move(tree));
    else
        builder.book(path);
    return ok();
}

} // namespace bulkhead::root
