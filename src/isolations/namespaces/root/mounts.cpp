// Binds and file systems of config.mounts.

#include "isolations/namespaces/root/state.h"

#include "base/log.h"
#include "base/text.h"
#include "isolations/namespaces/root/copy_up.h"

#include <algorithm>
#include <array>

#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

namespace bulkhead::root {

std::string place_of(oci::Mount const& mount, std::size_t index)
{
    return "mounts[" + std::to_string(index) + "] (\"" + mount.destination + "\")";
}

namespace {

// What engines do cover inside /proc: files that lxcfs emulates, and the like. Anything else there would fool the
// runtime itself, which reads and writes below /proc (CVE-2019-16884).
constexpr std::array allowed_in_proc { "/proc/cpuinfo", "/proc/diskstats", "/proc/meminfo", "/proc/stat", "/proc/swaps", "/proc/uptime",
    "/proc/loadavg", "/proc/slabinfo", "/proc/sys/kernel/ns_last_pid", "/proc/sys/crypto/fips_enabled" };

Result<Unit> check_destination(MountContext const& context, std::string const& path, std::string_view type)
{
    bool is_own_proc = path == "/proc" && type == "proc";
    if (path.starts_with("/proc/") && std::ranges::find(allowed_in_proc, path) == allowed_in_proc.end())
        return Error { .code = Errno::perm, .message = "\"" + path + "\" is inside of /proc, where nothing may be mounted",
            .hint = "only single files such as /proc/meminfo may be covered" };
    if (path == "/proc" && !is_own_proc && !context.options.is_bind)
        return Error { .code = Errno::perm, .message = "only a proc file system, or a bind of one, may be mounted at /proc" };
    return ok();
}

} // namespace

Result<File> open_destination(MountContext const& context, bool is_directory)
{
    auto path = host::clean_path(context.mount.destination);
    TRY(check_destination(context, path, context.mount.type));
    // A link at /proc or /sys would let the image decide where the kernel's own files appear.
    bool is_kernel = context.mount.type == "proc" || context.mount.type == "sysfs";
    auto links = is_kernel ? host::Links::refuse : context.options.destination_not_followed ? host::Links::follow_but_last : host::Links::follow;
    auto destination = host::make_in_root(context.state.root, path, is_directory ? host::Make::directory : host::Make::file, { .links = links });
    if (destination.is_error()) {
        auto hint = destination.error() == Errno::loop && is_kernel ? "the image has a symbolic link there: it must be a directory" : "";
        return Error { .code = destination.error(), .message = "make the place to mount on: " + errno_text(destination.error()), .hint = hint };
    }
    return destination.release_value();
}

namespace {

Result<Unit> set_propagation(FileView tree, MountOptions const& options)
{
    for (auto const& one : options.propagation) {
        auto depth = one.whole_tree ? host::Depth::whole_tree : host::Depth::one_mount;
        TRY(host::set_mount_attributes(tree, "", { .propagation = one.kind }, depth).or_error("set the propagation"));
    }
    return ok();
}

// Attributes of the whole tree ("rro"): where the kernel has no mount_setattr it is an error, as the specification wants it.
Result<Unit> set_tree_attributes(FileView tree, MountOptions const& options)
{
    if (options.tree_set == 0 && options.tree_clear == 0)
        return ok();
    auto set = host::set_mount_attributes(tree, "", { .set = options.tree_set, .clear = options.tree_clear }, host::Depth::whole_tree);
    if (set.is_error())
        return Error { .code = set.error(), .message = "set the recursive mount options: " + errno_text(set.error()),
            .hint = set.error() == Errno::nosys ? "recursive options such as rro take Linux 5.12" : "" };
    return ok();
}

} // namespace

Result<Unit> attach_at_destination(MountContext const& context, FileView tree, bool is_directory)
{
    auto destination = TRY(open_destination(context, is_directory));
    TRY(host::attach_tree(tree, destination, "").or_error("attach the mount"));
    TRY(set_tree_attributes(tree, context.options));
    return set_propagation(tree, context.options);
}

namespace {

std::string source_path(MountContext const& context)
{
    auto const& source = context.mount.source;
    return source.starts_with('/') ? source : context.state.plan.bundle + "/" + source;
}

Result<File> open_source(MountContext const& context)
{
    for (auto& prepared : context.state.sources.trees) {
        if (prepared.kind == PreparedTree::Kind::mount && prepared.index == context.index)
            return std::move(prepared.tree);
    }
    auto path = source_path(context);
    auto depth = context.options.is_recursive_bind ? host::Depth::whole_tree : host::Depth::one_mount;
    auto tree = host::clone_tree(FileView::current_directory(), path.c_str(), depth, context.options.source_not_followed ? AT_SYMLINK_NOFOLLOW : 0);
    if (tree.is_error())
        return Error { .code = tree.error(), .message = "bind source \"" + path + "\": " + errno_text(tree.error()),
            .hint = tree.error() == Errno::noent ? "make it before the container starts" : "" };
    return tree.release_value();
}

// The bind's own attributes. In a user namespace the kernel locks what the host has set: asking for more is fine, taking
// away is not, and what may not be taken away simply stays.
Result<Unit> set_bind_attributes(MountContext const& context, FileView tree)
{
    host::MountAttributes wanted { .set = context.options.set, .clear = context.options.clear };
    if (wanted.is_empty())
        return ok();
    auto set = host::set_mount_attributes(tree, "", wanted, host::Depth::one_mount);
    if (set.is_error() && set.error() == Errno::perm && wanted.clear != 0) {
        wanted.clear = 0;
        set = wanted.set == 0 ? SysResult<Unit>(ok()) : host::set_mount_attributes(tree, "", wanted, host::Depth::one_mount);
    }
    return std::move(set).or_error("set the mount options");
}

} // namespace

Result<Unit> mount_bind(MountContext const& context)
{
    auto tree = TRY(open_source(context));
    struct stat status { };
    if (::fstat(tree.fd(), &status) < 0)
        return Error::last("examine the bind source");
    auto path = host::clean_path(context.mount.destination);
    if (path == "/proc" && !host::is_procfs_root(tree))
        return Error { .code = Errno::perm, .message = "the source is not a procfs, and only that may be bound at /proc" };
    if (host::mount_features().mount_setattr) {
        TRY(set_bind_attributes(context, tree));
        return attach_at_destination(context, tree, S_ISDIR(status.st_mode));
    }
    TRY(attach_at_destination(context, tree, S_ISDIR(status.st_mode)));
    return set_bind_attributes(context, tree);
}

Result<File> new_file_system(MountContext const& context, std::string const& type, std::uint64_t attributes)
{
    auto opened = host::NewFileSystem::open(type.c_str());
    if (opened.is_error())
        return Error { .code = opened.error(), .message = "file system type \"" + type + "\": " + errno_text(opened.error()),
            .hint = opened.error() == Errno::nodev ? "this kernel does not have it; see /proc/filesystems" : "" };
    auto made = opened.release_value();
    auto configure = [&]() -> SysResult<Unit> {
        if (!context.mount.source.empty())
            TRY(made.set_text("source", context.mount.source.c_str()));
        for (auto const& flag : context.options.superblock)
            TRY(made.set_flag(flag.c_str()));
        for (auto const& entry : context.options.data) {
            auto equals = entry.find('=');
            if (equals == std::string::npos)
                TRY(made.set_flag(entry.c_str()));
            else
                TRY(made.set_text(entry.substr(0, equals).c_str(), entry.c_str() + equals + 1));
        }
        return ok();
    };
    auto configured = configure();
    auto mounted = configured.is_ok() ? made.mount(attributes) : SysResult<File>(configured.error());
    if (mounted.is_error()) {
        auto complaint = made.complaint();
        return Error { .code = mounted.error(), .message = "mount a new " + type + ": " + errno_text(mounted.error())
                + (complaint.empty() ? std::string() : " (" + complaint + ")") };
    }
    return mounted.release_value();
}

namespace {

bool takes_label(std::string const& type)
{
    return type != "proc" && type != "sysfs" && type != "mqueue" && type != "cgroup" && type != "cgroup2";
}

// In a user namespace gid 5 may not be mapped, and devpts then refuses gid=5 (EINVAL): terminals keep their owner's group.
Result<File> make_file_system(MountContext const& context, std::string const& type, std::uint64_t attributes)
{
    auto made = new_file_system(context, type, attributes);
    if (made.is_ok() || type != "devpts" || made.error().code != Errno::inval || !context.state.plan.in_user_namespace)
        return made;
    auto options = context.options;
    std::erase_if(options.data, [](std::string const& entry) { return entry.starts_with("gid="); });
    return new_file_system({ context.state, context.mount, options, context.index }, type, attributes);
}

// Without a network namespace of its own, a user namespace may not mount sysfs; the host's is bound instead.
Result<Unit> bind_host_sysfs(MountContext const& context)
{
    auto tree = TRY(host::clone_tree(FileView::current_directory(), "/sys", host::Depth::whole_tree).or_error("bind the host's /sys"));
    TRY(set_bind_attributes(context, tree));
    return attach_at_destination(context, tree, true);
}

} // namespace

Result<Unit> mount_file_system(MountContext const& original, std::string const& type)
{
    if (type.empty())
        return invalid("type is missing", "name a file system type, or give the option bind");
    auto options = original.options;
    MountContext context { original.state, original.mount, options, original.index };
    auto const& label = context.state.plan.config.linux_section.mount_label;
    if (!label.empty() && takes_label(type) && !options.has_data("context"))
        options.data.push_back("context=" + label);
    auto path = host::clean_path(context.mount.destination);
    auto attributes = options.set | options.tree_set;
    // Devices, links and copied files still have to be written.
    if ((attributes & MOUNT_ATTR_RDONLY) && (path == "/dev" || options.copies_up)) {
        attributes &= ~static_cast<std::uint64_t>(MOUNT_ATTR_RDONLY);
        context.state.late_read_only.push_back(context.index);
    }
    auto tree = make_file_system(context, type, attributes);
    if (tree.is_error()) {
        if (type == "sysfs" && tree.error().code == Errno::perm && context.state.plan.in_user_namespace)
            return bind_host_sysfs(context);
        return tree.release_error();
    }
    if (type == "tmpfs" && options.copies_up)
        TRY(copy_up(context.state.root, path, tree.value(), options));
    TRY(attach_at_destination(context, tree.value(), true));
    if (type == "proc" && path == "/proc") {
        context.state.proc = tree.release_value();
        context.state.proc_is_own = true;
    }
    return ok();
}

} // namespace bulkhead::root
