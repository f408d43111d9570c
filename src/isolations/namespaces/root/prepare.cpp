// In the runtime, before the container's first process exists: what only the host's side may open.

#include "isolations/namespaces/root/state.h"

#include "host/process.h"
#include "host/user_namespace.h"

#include <csignal>

#include <linux/sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

namespace bulkhead::root {

namespace {

std::vector<host::IdRange> ranges_of(std::vector<oci::IdMapping> const& mappings)
{
    std::vector<host::IdRange> ranges;
    for (auto const& mapping : mappings)
        ranges.push_back({ .inside = mapping.container_id, .outside = mapping.host_id, .size = mapping.size });
    return ranges;
}

// A user namespace that exists for its mappings alone: it lives as long as the descriptor.
Result<File> make_user_namespace(host::IdMaps const& maps)
{
    auto child = TRY(host::clone_process({ .flags = CLONE_NEWUSER }).or_error("make a user namespace for an idmapped mount"));
    if (child.pid == 0) {
        for (;;)
            ::pause();
    }
    auto written = host::write_id_maps(child.pid, maps);
    auto opened = open_file("/proc/" + std::to_string(child.pid) + "/ns/user", O_RDONLY);
    (void)host::signal_pidfd(child.pidfd, SIGKILL);
    (void)host::wait_for_exit(child.pid);
    TRY(std::move(written));
    return opened;
}

class Preparation {
public:
    Preparation(RootPlan const& plan, FileView user_namespace)
        : m_plan(plan)
        , m_user_namespace(user_namespace)
    {
    }

    Result<PreparedSources> run()
    {
        auto const& mounts = m_plan.config.mounts;
        for (std::size_t index = 0; index < mounts.size(); ++index)
            TRY(prepare(mounts[index], index).context([&] { return place_of(mounts[index], index); }));
        return std::move(m_sources);
    }

private:
    Result<Unit> prepare(oci::Mount const& mount, std::size_t index)
    {
        auto options = TRY(parse_mount_options(mount));
        if (!options.is_bind) {
            if (options.is_idmapped)
                return Error { .code = Errno::notsup, .message = "id mappings work for bind mounts only", .hint = "mount the file system on the host and bind it" };
            return ok();
        }
        // Binds of a container in a user namespace are opened here: its root may not reach the source, and what it binds
        // itself keeps every flag locked.
        if (!options.is_idmapped && !m_plan.in_user_namespace)
            return ok();
        auto path = mount.source.starts_with('/') ? mount.source : m_plan.bundle + "/" + mount.source;
        auto depth = options.is_recursive_bind ? host::Depth::whole_tree : host::Depth::one_mount;
        auto tree = host::clone_tree(FileView::current_directory(), path.c_str(), depth, options.source_not_followed ? AT_SYMLINK_NOFOLLOW : 0);
        if (tree.is_error() && tree.error() == Errno::perm && !options.is_idmapped)
            return ok(); // without privileges: the child tries inside its own namespaces
        if (tree.is_error())
            return Error { .code = tree.error(), .message = "bind source \"" + path + "\": " + errno_text(tree.error()),
                .hint = tree.error() == Errno::noent ? "make it before the container starts" : "" };
        if (options.is_idmapped)
            TRY(map_ids(tree.value(), mount, options));
        m_sources.trees.push_back({ .kind = PreparedTree::Kind::mount, .index = index, .tree = tree.release_value() });
        return ok();
    }

    Result<Unit> map_ids(FileView tree, oci::Mount const& mount, MountOptions const& options)
    {
        auto maps = TRY(maps_for(mount, options));
        File made;
        if (maps)
            made = TRY(make_user_namespace(*maps));
        else if (!m_user_namespace.is_open())
            return invalid("the option idmap needs mappings, in the mount or of the container's user namespace");
        auto depth = options.is_idmapped_whole_tree ? host::Depth::whole_tree : host::Depth::one_mount;
        auto set = host::set_mount_attributes(tree, "", { .set = MOUNT_ATTR_IDMAP, .user_namespace = made.is_open() ? FileView(made) : m_user_namespace }, depth);
        if (set.is_error())
            return Error { .code = set.error(), .message = "map the ids of the mount: " + errno_text(set.error()),
                .hint = "the source's file system must support idmapped mounts (ext4, xfs, btrfs, tmpfs, overlay...; Linux 5.12 and newer)" };
        return ok();
    }

    Result<std::optional<host::IdMaps>> maps_for(oci::Mount const& mount, MountOptions const& options) const
    {
        if (!options.idmap_text.empty())
            return Error { .code = Errno::notsup, .message = "the option \"idmap=" + options.idmap_text + "\" is crun's own",
                .hint = "use uidMappings and gidMappings of the mount" };
        if (!mount.uid_mappings.empty())
            return std::optional(host::IdMaps { .uids = ranges_of(mount.uid_mappings), .gids = ranges_of(mount.gid_mappings) });
        auto const& section = m_plan.config.linux_section;
        if (!section.uid_mappings.empty())
            return std::optional(host::IdMaps { .uids = ranges_of(section.uid_mappings), .gids = ranges_of(section.gid_mappings) });
        return std::optional<host::IdMaps>();
    }

    RootPlan const& m_plan;
    FileView m_user_namespace;
    PreparedSources m_sources;
};

} // namespace

Result<PreparedSources> prepare_sources(RootPlan const& plan, FileView user_namespace)
{
    return Preparation(plan, user_namespace).run();
}

} // namespace bulkhead::root
