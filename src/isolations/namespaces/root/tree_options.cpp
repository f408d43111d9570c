// Attributes and propagation of one mount or tree, and the order in which they are set and the tree attached.
#include "isolations/namespaces/root/builder.h"

#include "base/text.h"

#include <sys/mount.h>

namespace bulkhead::root {

namespace {

constexpr std::uint64_t atime = MOUNT_ATTR__ATIME;

std::string attribute_names(std::uint64_t attributes)
{
    constexpr std::pair<std::uint64_t, char const*> names[] = {
        { MOUNT_ATTR_RDONLY, "ro" },
        { MOUNT_ATTR_NOSUID, "nosuid" },
        { MOUNT_ATTR_NODEV, "nodev" },
        { MOUNT_ATTR_NOEXEC, "noexec" },
        { atime, "its access time setting" },
    };
    std::vector<std::string> found;
    for (auto const& [bit, name] : names) {
        if ((attributes & bit) != 0)
            found.emplace_back(name);
    }
    return found.empty() ? "flags" : join(found, ", ");
}

// EPERM in a user namespace: a flag that the host's owner set may stay, but not be taken away. Asks only for what is
// not already so.
Result<Unit> set_around_locks(FileView tree, host::MountAttributes wanted, host::Depth depth)
{
    auto read = host::mount_attributes_of(tree);
    if (read.is_error())
        return Error::from_errno(read.error(), "read the flags of the mount");
    auto current = read.value();
    auto denied = wanted.clear & current & ~atime;
    if ((wanted.clear & atime) != 0) {
        if ((wanted.set & atime) != (current & atime))
            denied |= atime;
        wanted.set &= ~atime;
        wanted.clear &= ~atime;
    }
    if (denied != 0)
        return Error { .code = Errno::perm,
            .message = "the host has locked " + attribute_names(denied) + " on the source",
            .hint = "leave out the option that takes it away, or change the host's mount" };
    wanted.clear = 0;
    wanted.set &= depth == host::Depth::whole_tree ? ~std::uint64_t(0) : ~current;
    if (wanted.is_empty())
        return ok();
    return host::set_mount_attributes(tree, "", wanted, depth).or_error("set the flags of the mount");
}

Result<Unit> set_attributes(FileView tree, host::MountAttributes const& wanted, host::Depth depth, bool in_user_namespace)
{
    if (wanted.is_empty())
        return ok();
    auto set = host::set_mount_attributes(tree, "", wanted, depth);
    if (set.is_ok())
        return ok();
    if (set.error() == Errno::perm && in_user_namespace && (wanted.set | wanted.clear) != 0)
        return set_around_locks(tree, wanted, depth);
    if (set.error() == Errno::nosys)
        return Error { .code = Errno::nosys,
            .message = "flags for a whole tree (such as \"rro\") need mount_setattr(2)",
            .hint = "use Linux 5.12 or newer, or the flag without its leading \"r\"" };
    return Error::from_errno(set.error(), "set the flags of the mount");
}

} // namespace

Result<Unit> set_options(FileView tree, MountOptions const& options, bool in_user_namespace)
{
    host::MountAttributes own { .set = options.set, .clear = options.clear };
    std::size_t next = 0;
    // One call where the first propagation is for this mount alone, too.
    if (!own.is_empty() && !options.propagation.empty() && !options.propagation[0].whole_tree && !in_user_namespace)
        own.propagation = options.propagation[next++].kind;
    TRY(set_attributes(tree, own, host::Depth::one_mount, in_user_namespace));
    TRY(set_attributes(tree, { .set = options.tree_set, .clear = options.tree_clear }, host::Depth::whole_tree, in_user_namespace));
    for (; next < options.propagation.size(); ++next) {
        auto const& one = options.propagation[next];
        TRY(set_attributes(tree, { .propagation = one.kind }, one.whole_tree ? host::Depth::whole_tree : host::Depth::one_mount, in_user_namespace));
    }
    return ok();
}

// "remount" changes the file system and the mount, "remount,bind" the mount alone, as for mount(8).
Result<Unit> remount(Builder& builder, oci::Mount const& mount, MountOptions const& wanted)
{
    auto options = wanted;
    auto place = host::find_in_root(builder.root, mount.destination);
    if (place.is_error())
        return Error::from_errno(place.error(), "find what to remount");
    if (host::clean_path(mount.destination) == "/dev" && options.is_read_only()) {
        // The devices still have to be made.
        options.set &= ~std::uint64_t(MOUNT_ATTR_RDONLY);
        auto kept = host::find_in_root(builder.root, mount.destination);
        if (kept.is_error())
            return Error::from_errno(kept.error(), "find what to remount");
        builder.read_only_later.push_back(kept.release_value());
    }
    if (options.is_bind)
        return set_options(place.value(), options, builder.plan.in_user_namespace);
    auto flags = MS_REMOUNT | host::mount_flags_from_attributes(options.set) | options.superblock_flags;
    auto data = options.joined_data();
    auto done = host::mount_classic(nullptr, place.value().proc_path().c_str(), nullptr, flags, data.empty() ? nullptr : data.c_str());
    if (done.is_error() && done.error() == Errno::inval)
        return Error { .code = done.error(),
            .message = "remount: nothing is mounted there, or the file system refuses an option",
            .hint = "put the mount before its remount" };
    TRY(std::move(done).or_error("remount"));
    options.set = 0;
    options.clear = 0;
    return set_options(place.value(), options, builder.plan.in_user_namespace);
}

Result<Unit> attach_with_options(Builder& builder, FileView tree, Spot const& spot, MountOptions const& options)
{
    bool in_user_namespace = builder.plan.in_user_namespace;
    bool is_set = false;
    if (host::mount_features().mount_setattr) {
        auto set = set_options(tree, options, in_user_namespace);
        is_set = set.is_ok();
        // The first ENOSYS comes here: then the classic way, which needs the tree attached.
        if (set.is_error() && host::mount_features().mount_setattr)
            return set;
    }
    TRY(host::attach_tree(tree, spot.directory, spot.name.c_str()).or_error("attach the mount"));
    if (!is_set)
        TRY(set_options(tree, options, in_user_namespace));
    return ok();
}

} // namespace bulkhead::root
