// Mounts of type cgroup and cgroup2: what the container sees of its control groups.

#include "isolations/namespaces/root/state.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

namespace bulkhead::root {

namespace {

std::string base_name(std::string const& path)
{
    return path.substr(path.rfind('/') + 1);
}

// Binds the container's own group, for those who have no cgroup namespace or may not mount.
Result<File> bind_group(std::string const& group, std::uint64_t attributes)
{
    auto tree = TRY(host::clone_tree(FileView::current_directory(), group.c_str(), host::Depth::one_mount).or_error("bind the control group \"" + group + "\""));
    if (attributes != 0)
        TRY(host::set_mount_attributes(tree, "", { .set = attributes }, host::Depth::one_mount).or_error("set the mount options of the control group"));
    return tree;
}

SysResult<File> mount_hierarchy(CgroupView::Hierarchy const& hierarchy, std::uint64_t attributes)
{
    auto made = TRY(host::NewFileSystem::open(hierarchy.is_v2 ? "cgroup2" : "cgroup"));
    TRY(made.set_text("source", "cgroup"));
    for (auto const& controller : hierarchy.controllers) {
        if (controller.starts_with("name="))
            TRY(made.set_text("name", controller.c_str() + 5));
        else
            TRY(made.set_flag(controller.c_str()));
    }
    return made.mount(attributes);
}

Result<File> open_hierarchy(CgroupView const& view, CgroupView::Hierarchy const& hierarchy, std::uint64_t attributes)
{
    if (view.has_own_namespace) {
        auto mounted = mount_hierarchy(hierarchy, attributes);
        if (mounted.is_ok())
            return mounted.release_value();
        if (mounted.error() != Errno::perm && mounted.error() != Errno::busy && mounted.error() != Errno::inval)
            return Error::from_errno(mounted.error(), "mount the control groups of \"" + hierarchy.mount_point + "\"");
    }
    return bind_group(hierarchy.group, attributes);
}

// "cpu,cpuacct" is found as "cpu" and as "cpuacct", too.
SysResult<Unit> link_controllers(FileView folder, CgroupView::Hierarchy const& hierarchy)
{
    auto name = base_name(hierarchy.mount_point);
    for (auto const& controller : hierarchy.controllers) {
        if (controller != name && !controller.starts_with("name=") && ::symlinkat(name.c_str(), folder.fd(), controller.c_str()) < 0 && errno != EEXIST)
            return last_errno();
    }
    return ok();
}

Result<Unit> mount_v1(MountContext const& context, std::uint64_t attributes)
{
    auto const& view = context.state.plan.cgroups;
    auto writable = attributes & ~static_cast<std::uint64_t>(MOUNT_ATTR_RDONLY);
    MountOptions options = context.options;
    options.data = { "mode=755" };
    oci::Mount mount = context.mount;
    mount.source = "tmpfs";
    MountContext tmpfs { context.state, mount, options, context.index };
    auto folder = TRY(new_file_system(tmpfs, "tmpfs", writable));
    TRY(attach_at_destination(context, folder, true));
    for (auto const& hierarchy : view.hierarchies) {
        auto name = base_name(hierarchy.mount_point);
        if (::mkdirat(folder.fd(), name.c_str(), 0755) < 0 && errno != EEXIST)
            return Error::last("make a folder for the control groups \"" + name + "\"");
        auto tree = TRY(open_hierarchy(view, hierarchy, attributes));
        TRY(host::attach_tree(tree, folder, name.c_str()).or_error("attach the control groups \"" + name + "\""));
        TRY(link_controllers(folder, hierarchy).or_error("link the control groups \"" + name + "\""));
    }
    if (attributes & MOUNT_ATTR_RDONLY)
        TRY(host::set_mount_attributes(folder, "", { .set = MOUNT_ATTR_RDONLY }, host::Depth::one_mount).or_error("make the folder of control groups read-only"));
    return ok();
}

} // namespace

Result<Unit> mount_cgroups(MountContext const& context)
{
    auto const& view = context.state.plan.cgroups;
    if (view.hierarchies.empty())
        return Error { .code = Errno::notsup, .message = "this host has no control groups mounted", .hint = "leave the cgroup mount out" };
    auto attributes = context.options.set | context.options.tree_set;
    if (view.layout != CgroupView::Layout::v2 && context.mount.type == "cgroup")
        return mount_v1(context, attributes);
    for (auto const& hierarchy : view.hierarchies) {
        if (!hierarchy.is_v2)
            continue;
        auto tree = TRY(open_hierarchy(view, hierarchy, attributes));
        return attach_at_destination(context, tree, true);
    }
    return Error { .code = Errno::notsup, .message = "this host has no cgroup v2 mounted", .hint = "use a mount of type cgroup" };
}

} // namespace bulkhead::root
