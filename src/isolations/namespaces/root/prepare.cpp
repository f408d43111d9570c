// In the runtime, before the container's first process exists: what only the host's side may open.
#include "isolations/namespaces/root/builder.h"

#include "base/text.h"
#include "host/process.h"
#include "host/user_namespace.h"

#include <algorithm>
#include <csignal>

#include <sched.h>
#include <sys/mount.h>
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

bool are_same(std::vector<host::IdRange> const& left, std::vector<host::IdRange> const& right)
{
    return std::equal(left.begin(), left.end(), right.begin(), right.end(),
        [](auto const& a, auto const& b) { return a.inside == b.inside && a.outside == b.outside && a.size == b.size; });
}

// crun's form: "uids=0-1000-1#1-2000-10;gids=0-1000-1", each entry id in the file system, id on the host, count.
Result<host::IdMaps> parse_idmap_text(std::string const& text)
{
    host::IdMaps maps;
    for (auto part : split(text, ';')) {
        bool is_uids = part.starts_with("uids=");
        if (!is_uids && !part.starts_with("gids="))
            return invalid("the option \"idmap=" + text + "\" is not understood", "write uids=FROM-TO-COUNT#...;gids=FROM-TO-COUNT#...");
        for (auto entry : split(part.substr(5), '#')) {
            auto numbers = split(entry, '-');
            std::optional<std::uint32_t> from, to, count;
            if (numbers.size() == 3) {
                from = parse_number<std::uint32_t>(numbers[0]);
                to = parse_number<std::uint32_t>(numbers[1]);
                count = parse_number<std::uint32_t>(numbers[2]);
            }
            if (!from || !to || !count)
                return invalid("\"" + std::string(entry) + "\" in the option \"idmap\" is not FROM-TO-COUNT",
                    "relative entries (\"@\") are not supported; use the mount's uidMappings and gidMappings");
            (is_uids ? maps.uids : maps.gids).push_back({ .inside = *from, .outside = *to, .size = *count });
        }
    }
    return maps;
}

// A user namespace that exists for its mappings alone: it lives as long as the descriptor.
Result<File> make_user_namespace(host::IdMaps const& maps)
{
    auto child = TRY(host::clone_process({ .flags = CLONE_NEWUSER }).or_error("make a user namespace for an id-mapped mount"));
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
            TRY(prepare_mount(mounts[index], index).context([&] { return mount_place(index, mounts[index]); }));
        if (m_plan.in_user_namespace && !m_is_unprivileged && m_plan.new_mount_namespace) {
            prepare_devices();
            prepare_root();
        }
        return std::move(m_sources);
    }

private:
    // Mappings need the host's rights; so may reaching the source of a container whose root is nobody on the host.
    Result<Unit> prepare_mount(oci::Mount const& mount, std::size_t index)
    {
        auto may_be_idmapped = [](std::string const& option) { return option.starts_with("idmap") || option.starts_with("ridmap"); };
        bool has_mappings
            = !mount.uid_mappings.empty() || !mount.gid_mappings.empty() || std::any_of(mount.options.begin(), mount.options.end(), may_be_idmapped);
        if (!has_mappings && !m_plan.in_user_namespace)
            return ok();
        auto options = TRY(parse_mount_options(mount));
        if (!options.is_bind || options.copies_symlink || (m_is_unprivileged && !options.is_idmapped))
            return ok();
        if (options.is_idmapped && !mount.source.starts_with('/'))
            return invalid("the source of an id-mapped mount must be an absolute path");
        auto tree = open_source(m_plan, mount, options);
        if (tree.is_error() && tree.error().code == Errno::perm && !options.is_idmapped) {
            m_is_unprivileged = true; // the child opens it with the same rights
            return ok();
        }
        if (tree.is_error())
            return tree.release_error();
        return keep(mount, index, options, tree.release_value());
    }

    Result<Unit> keep(oci::Mount const& mount, std::size_t index, MountOptions const& options, File tree)
    {
        if (options.is_idmapped)
            TRY(map_ids(tree, mount, options));
        if (host::mount_features().mount_setattr) {
            // In the container's own namespace it would have come like that.
            if (auto propagation = inherited_propagation(m_plan); propagation != 0)
                TRY(host::set_mount_attributes(tree, "", { .propagation = propagation }, host::Depth::whole_tree).or_error("set the propagation"));
            TRY(set_options(tree, options, false));
        }
        bool is_folder = is_directory(tree);
        m_sources.trees.push_back({ .kind = PreparedTree::Kind::mount, .index = index, .tree = std::move(tree), .is_directory = is_folder });
        return ok();
    }

    Result<Unit> map_ids(FileView tree, oci::Mount const& mount, MountOptions const& options)
    {
        auto user_namespace = TRY(namespace_for(mount, options));
        auto depth = options.is_idmapped_whole_tree ? host::Depth::whole_tree : host::Depth::one_mount;
        auto set = host::set_mount_attributes(tree, "", { .set = MOUNT_ATTR_IDMAP, .user_namespace = user_namespace }, depth);
        if (set.is_error())
            return Error { .code = set.error(),
                .message = "map the ids of the mount: " + errno_text(set.error()),
                .hint = "id-mapped mounts need Linux 5.12 and a file system that supports them, which has no mapping yet" };
        return ok();
    }

    Result<FileView> namespace_for(oci::Mount const& mount, MountOptions const& options)
    {
        auto const& section = m_plan.config.linux_section;
        host::IdMaps maps;
        if (!options.idmap_text.empty())
            maps = TRY(parse_idmap_text(options.idmap_text));
        else if (!mount.uid_mappings.empty())
            maps = { .uids = ranges_of(mount.uid_mappings), .gids = ranges_of(mount.gid_mappings) };
        else if (m_user_namespace.is_open())
            return m_user_namespace;
        else
            maps = { .uids = ranges_of(section.uid_mappings), .gids = ranges_of(section.gid_mappings) };
        if (maps.uids.empty() || maps.gids.empty())
            return invalid("there is no mapping of ids to use", "give the mount uidMappings and gidMappings, or the container a user namespace");
        for (auto const& made : m_namespaces) {
            if (are_same(made.maps.uids, maps.uids) && are_same(made.maps.gids, maps.gids))
                return FileView(made.file);
        }
        auto file = TRY(make_user_namespace(maps));
        m_namespaces.push_back({ .maps = std::move(maps), .file = std::move(file) });
        return FileView(m_namespaces.back().file);
    }

    // A failure shows, with its reason, when the child tries the same.
    void prepare_devices()
    {
        auto devices = device_nodes(m_plan.config);
        for (std::size_t index = 0; index < devices.size(); ++index) {
            if (devices[index].type == "p")
                continue;
            auto tree = open_host_device(devices[index]);
            if (tree.is_ok())
                m_sources.trees.push_back({ .kind = PreparedTree::Kind::device, .index = index, .tree = tree.release_value() });
        }
    }

    void prepare_root()
    {
        auto tree = host::clone_tree(FileView::current_directory(), m_plan.root.c_str(), host::Depth::whole_tree);
        if (tree.is_error())
            return;
        // A copy of a shared mount is shared, and pivot_root(2) takes no such root. In the container's own namespace it would
        // have come as that namespace's mounts are. Where that cannot be had, the child makes its own copy.
        auto propagation = inherited_propagation(m_plan);
        if (propagation == 0 || host::set_mount_attributes(tree.value(), "", { .propagation = propagation }, host::Depth::whole_tree).is_ok())
            m_sources.trees.push_back({ .kind = PreparedTree::Kind::root, .tree = tree.release_value(), .is_directory = true });
    }

    struct NamespaceOfMaps {
        host::IdMaps maps;
        File file;
    };

    RootPlan const& m_plan;
    FileView m_user_namespace;
    PreparedSources m_sources;
    std::vector<NamespaceOfMaps> m_namespaces;
    bool m_is_unprivileged = false;
};

} // namespace

Result<PreparedSources> prepare_sources(RootPlan const& plan, FileView user_namespace)
{
    return Preparation(plan, user_namespace).run();
}

} // namespace bulkhead::root
