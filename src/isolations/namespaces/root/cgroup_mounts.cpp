// Mounts of type "cgroup" and "cgroup2". On v1 that is a tmpfs with a bind of the container's own group for each
// hierarchy: with a cgroup namespace a bind shows the same as a mount of its own, and costs no superblock.
#include "isolations/namespaces/root/builder.h"

#include "base/text.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

namespace bulkhead::root {

namespace {

constexpr std::uint64_t read_only = MOUNT_ATTR_RDONLY;

std::string base_name(std::string const& path)
{
    return path.substr(path.rfind('/') + 1);
}

Result<Unit> attach_group(Builder& builder, std::string const& group, oci::Mount const& mount, MountOptions const& options)
{
    auto tree = TRY(
        host::clone_tree(FileView::current_directory(), group.c_str(), host::Depth::one_mount).or_error("open the control group \"" + group + "\""));
    auto spot = TRY(find_spot(builder, mount.destination, host::Make::directory, host::Links::follow));
    TRY(attach_with_options(builder, tree, spot, options));
    builder.book(host::clean_path(mount.destination));
    return ok();
}

// A new cgroup2 mount shows the cgroup namespace's root, or the whole tree without one. What may not be mounted (a user
// namespace without a cgroup namespace) is a bind of the container's own group.
Result<Unit> mount_v2(Builder& builder, oci::Mount const& mount, MountOptions const& options)
{
    std::string group;
    for (auto const& hierarchy : builder.plan.cgroups.hierarchies) {
        if (hierarchy.is_v2)
            group = hierarchy.group;
    }
    auto path = host::clean_path(mount.destination);
    Errno code = Errno::nodev;
    if (options.propagation.empty() && options.clear == 0) {
        auto spot = TRY(find_spot(builder, mount.destination, host::Make::directory, host::Links::follow));
        auto flags = host::mount_flags_from_attributes(options.set | options.tree_set) | options.superblock_flags;
        auto mounted = mount_at(builder, spot, "cgroup", "cgroup2", flags, options.joined_data());
        if (mounted.is_ok()) {
            builder.book(path);
            return ok();
        }
        code = mounted.error();
    }
    if (!group.empty())
        return attach_group(builder, group, mount, options);
    return Error { .code = code, .message = "mount cgroup2: " + errno_text(code), .hint = "this host may have no cgroup v2; leave the mount out" };
}

class V1Mounts {
public:
    V1Mounts(Builder& builder, oci::Mount const& mount, MountOptions const& options)
        : m_builder(builder)
        , m_mount(mount)
        , m_options(options)
    {
    }

    Result<Unit> run()
    {
        auto attributes = m_options.set | m_options.tree_set;
        m_folder = TRY(make_folder(attributes & ~read_only).or_error("mount the folder of the control groups"));
        auto spot = TRY(find_spot(m_builder, m_mount.destination, host::Make::directory, host::Links::follow));
        TRY(host::attach_tree(m_folder, spot.directory, spot.name.c_str()).or_error("attach the folder of the control groups"));
        if (::fchdir(m_folder.fd()) < 0)
            return Error::last("enter the folder of the control groups");
        m_builder.working_directory = {};
        for (auto const& hierarchy : m_builder.plan.cgroups.hierarchies) {
            // Beside v1, a v2 tree in which the container has no group of its own shows only the host's.
            if (hierarchy.is_v2 && (hierarchy.group.empty() || hierarchy.group == hierarchy.mount_point))
                continue;
            TRY(add(hierarchy, attributes).context([&] { return "control group " + quoted(hierarchy.mount_point); }));
        }
        TRY(finish(attributes));
        m_builder.book(host::clean_path(m_mount.destination));
        return ok();
    }

private:
    static SysResult<File> make_folder(std::uint64_t attributes)
    {
        auto context = TRY(host::NewFileSystem::open("tmpfs"));
        TRY(context.set_text("source", "tmpfs"));
        TRY(context.set_text("mode", "755"));
        return context.mount(attributes);
    }

    // The working directory is a tmpfs that nobody else has, so short names are safe.
    Result<Unit> add(CgroupView::Hierarchy const& hierarchy, std::uint64_t attributes)
    {
        auto name = base_name(hierarchy.mount_point);
        if (::mkdir(name.c_str(), 0755) < 0 && errno != EEXIST)
            return Error::last("make its folder");
        if (!hierarchy.group.empty())
            TRY(host::mount_classic(hierarchy.group.c_str(), name.c_str(), nullptr, MS_BIND, nullptr).or_error("bind the container's group"));
        else
            TRY(mount_new(hierarchy, name).or_error("mount it"));
        if (!host::mount_features().mount_setattr)
            TRY(host::set_mount_attributes(FileView::current_directory(), name.c_str(), { .set = attributes }, host::Depth::one_mount)
                    .or_error("set its flags"));
        // "cpu,cpuacct" is found as "cpu" and as "cpuacct", too.
        for (auto const& controller : hierarchy.controllers) {
            bool is_other_name = controller != name && !controller.starts_with("name=");
            if (is_other_name && ::symlink(name.c_str(), controller.c_str()) < 0 && errno != EEXIST)
                return Error::last("link " + quoted(controller));
        }
        return ok();
    }

    SysResult<Unit> mount_new(CgroupView::Hierarchy const& hierarchy, std::string const& name)
    {
        auto data = join(hierarchy.controllers, ",");
        if (data.starts_with("name="))
            data = "none," + data;
        return host::mount_classic("cgroup", name.c_str(), hierarchy.is_v2 ? "cgroup2" : "cgroup", 0, data.empty() ? nullptr : data.c_str());
    }

    // One call for all of them where there is one.
    Result<Unit> finish(std::uint64_t attributes)
    {
        auto depth = host::mount_features().mount_setattr ? host::Depth::whole_tree : host::Depth::one_mount;
        if (attributes != 0) {
            auto set = host::set_mount_attributes(m_folder, "", { .set = attributes }, depth);
            if (set.is_error() && set.error() == Errno::nosys)
                set = host::set_mount_attributes(m_folder, "", { .set = attributes }, host::Depth::one_mount);
            TRY(std::move(set).or_error("set the flags of the control groups"));
        }
        MountOptions rest;
        rest.propagation = m_options.propagation;
        return set_options(m_folder, rest, false);
    }

    Builder& m_builder;
    oci::Mount const& m_mount;
    MountOptions const& m_options;
    File m_folder;
};

} // namespace

Result<Unit> mount_cgroups(Builder& builder, oci::Mount const& mount, MountOptions const& options)
{
    auto const& view = builder.plan.cgroups;
    if (mount.type == "cgroup2" || view.layout == CgroupView::Layout::v2)
        return mount_v2(builder, mount, options);
    if (view.hierarchies.empty())
        return Error {
            .code = Errno::nodev, .message = "this host has no control groups mounted that could be shown", .hint = "leave the mount out"
        };
    return V1Mounts(builder, mount, options).run();
}

} // namespace bulkhead::root
