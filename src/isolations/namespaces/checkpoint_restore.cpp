#include "isolations/namespaces/checkpoint.h"

#include "base/json.h"
#include "base/text.h"
#include "host/mount_api.h"
#include "host/path_walk.h"
#include "host/process.h"
#include "isolations/namespaces/checkpoint_criu.h"
#include "isolations/namespaces/checkpoint_mounts.h"
#include "isolations/namespaces/checkpoint_options.h"
#include "isolations/namespaces/console.h"

#include <linux/mount.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/stat.h>
#include <unistd.h>

namespace bulkhead::namespaces {

namespace {

constexpr char const* restore_log = "restore.log";
constexpr std::size_t max_list = 1024UL * 1024;

Result<std::vector<std::string>> read_list(FileView images, char const* name)
{
    auto text = read_file_at(images, name, max_list);
    if (text.is_error() && text.error() == Errno::noent)
        return std::vector<std::string>(); // images that somebody else made
    if (text.is_error())
        return Error::from_errno(text.error(), "read " + quoted(name) + " beside the images");
    auto document = TRY(JsonDocument::parse(text.value(), name));
    std::vector<std::string> list;
    TRY(document.root().read(list));
    return list;
}

Result<std::map<std::string, std::string>> cgroup_folders(cgroup::Cgroup const* group)
{
    std::map<std::string, std::string> folders;
    if (!group)
        return folders;
    auto paths = group->paths();
    auto host = TRY(cgroup::HostCgroups::discover());
    for (auto const& hierarchy : host.hierarchies) {
        auto found = paths.find(hierarchy.controllers.empty() ? "" : hierarchy.controllers.front());
        // A container has no group of its own in a tree without controllers (hybrid layouts).
        auto folder = found != paths.end() ? found->second : host::clean_path(hierarchy.mount_point + hierarchy.own_path);
        folders[hierarchy.mount_point.substr(hierarchy.mount_point.rfind('/') + 1)] = folder;
    }
    return folders;
}

// criu moves the container into the groups that it finds itself in.
Result<Unit> place_in_cgroup(cgroup::Cgroup& group, pid_t pid)
{
    TRY(group.adopt_first_process(pid));
    auto entry = TRY(group.entry());
    auto number = std::to_string(pid);
    for (auto const& tasks : entry.v1_tasks)
        TRY(write_all(tasks, number).or_error("put criu into the container's control group"));
    if (entry.v2_directory.is_open())
        TRY(write_existing_at(entry.v2_directory, "cgroup.procs", number).or_error("put criu into the container's control group"));
    return ok();
}

// "CONTROLLERS:PATH" of each hierarchy as criu, in the container's groups, sees itself (cgroups(7)).
Result<Unit> add_cgroup_roots(WireWriter& writer, pid_t criu)
{
    auto text = TRY(read_file("/proc/" + std::to_string(criu) + "/cgroup"));
    for (auto line : split(text, '\n')) {
        auto first = line.find(':');
        auto second = first == std::string_view::npos ? first : line.find(':', first + 1);
        if (second == std::string_view::npos)
            continue;
        for (auto controller : split(line.substr(first + 1, second - first - 1), ','))
            writer.message(criu_option::cg_root, pair_of_texts(controller, line.substr(second + 1)));
    }
    return ok();
}

bool is_on_tmpfs(oci::Config const& config, std::string const& destination)
{
    for (auto const& mount : config.mounts) {
        if (mount.type == "tmpfs" && destination.starts_with(host::clean_path(mount.destination) + "/"))
            return true;
    }
    return false;
}

// A place for one mount of the config, so that criu finds it. What lies on a tmpfs comes back with it.
Result<Unit> make_mount_point(RestorePlan const& plan, FileView root, oci::Mount const& mount)
{
    auto destination = host::clean_path(mount.destination);
    if (is_on_tmpfs(plan.config, destination) || mount.type == "cgroup" || mount.type == "cgroup2")
        return ok();
    auto kind = host::Make::directory;
    auto source = mount.source.starts_with('/') ? mount.source : plan.bundle + "/" + mount.source;
    struct stat status { };
    if (is_bind(mount)) {
        if (::stat(source.c_str(), &status) < 0)
            return Error::last("find the source " + quoted(source) + " of the mount at " + quoted(destination));
        kind = S_ISDIR(status.st_mode) ? host::Make::directory : host::Make::file;
    }
    auto place = TRY(host::make_in_root(root, destination, kind).or_error("make the mount point " + quoted(destination)));
    if (!is_bind(mount))
        return ok();
    // Mount points of others may lie in here; criu itself mounts all of it again.
    auto tree = TRY(host::clone_tree(FileView::current_directory(), source.c_str(), host::Depth::whole_tree).or_error("bind " + quoted(source)));
    if (::syscall(SYS_move_mount, tree.fd(), "", place.fd(), "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
        return Error::last("bind " + quoted(source) + " on " + quoted(destination));
    return ok();
}

Result<Unit> bind_root(RestorePlan const& plan, std::string const& root)
{
    TRY(host::mount_classic(plan.root.c_str(), root.c_str(), nullptr, MS_BIND | MS_REC, nullptr).or_error("bind the container's root"));
    return ok();
}

// In criu's process, in a mount namespace of its own, so that nothing of this outlives it: every mount point, then the root as
// a mount with nothing above it, as criu wants it.
Result<Unit> prepare_root(RestorePlan const& plan, std::string const& root)
{
    if (::unshare(CLONE_NEWNS) < 0)
        return Error::last("make a mount namespace for criu");
    TRY(host::mount_classic(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr).or_error("keep criu's mounts to itself"));
    TRY(bind_root(plan, root));
    auto directory = TRY(open_file(root, O_PATH | O_DIRECTORY));
    for (auto const& mount : plan.config.mounts)
        TRY(make_mount_point(plan, directory, mount));
    if (::umount2(root.c_str(), MNT_DETACH) < 0) // with what was bound below
        return Error::last("take back the mounts below the container's root");
    return bind_root(plan, root);
}

WireWriter inherited(std::string_view key, int number)
{
    WireWriter writer;
    writer.text(1, key).number(2, static_cast<std::uint64_t>(number));
    return writer;
}

// What the restored processes get from us, by criu's name for it.
struct Inherited {
    std::vector<std::pair<std::string, int>> keys; // criu's descriptors: standard pipes, joined namespaces
    std::vector<oci::Namespace> joined; // opened for it, in order
    std::vector<ExternalMount> mounts;
};

// Network and pid namespaces are handed over open, as the dump named them; criu joins the others by path.
void add_joined_namespaces(Inherited& from_us, oci::Config const& config)
{
    for (auto type : { oci::NamespaceType::network, oci::NamespaceType::pid }) {
        auto const* entry = config.find_namespace(type);
        if (!entry || entry->path.empty())
            continue;
        from_us.keys.emplace_back(joined_namespace_key(type), criu_work + 1 + static_cast<int>(from_us.joined.size()));
        from_us.joined.push_back(*entry);
    }
}

Result<Unit> add_namespaces_by_path(WireWriter& writer, oci::Config const& config)
{
    for (auto const& entry : config.linux_section.namespaces) {
        if (entry.path.empty() || entry.type == oci::NamespaceType::network || entry.type == oci::NamespaceType::pid)
            continue;
        if (entry.type == oci::NamespaceType::cgroup || entry.type == oci::NamespaceType::time)
            return Error { .code = Errno::notsup,
                .message = "criu cannot restore into an existing " + std::string(oci::namespace_name(entry.type)) + " namespace",
                .hint = "leave the path of this namespace out of config.json" };
        auto word = entry.type == oci::NamespaceType::mount ? std::string("mnt") : std::string(oci::namespace_name(entry.type));
        writer.message(criu_option::join_ns, pair_of_texts(word, entry.path));
    }
    return ok();
}

Result<WireWriter> restore_options(RestorePlan const& plan, std::string const& root, Inherited const& from_us, pid_t criu)
{
    if (plan.group)
        TRY(place_in_cgroup(*plan.group, criu));
    auto writer = TRY(common_options(plan.options, plan.config, restore_log));
    writer.text(criu_option::root, root).flag(criu_option::rst_sibling, true).flag(criu_option::evasive_devices, true);
    if (!plan.options.lsm_profile.empty())
        writer.text(criu_option::lsm_profile, plan.options.lsm_profile);
    if (!plan.options.lsm_mount_context.empty())
        writer.text(criu_option::lsm_mount_context, plan.options.lsm_mount_context);
    if (plan.group)
        TRY(add_cgroup_roots(writer, criu));
    TRY(add_namespaces_by_path(writer, plan.config));
    for (auto const& mount : from_us.mounts)
        writer.message(criu_option::ext_mnt, pair_of_texts(mount.name, mount.place));
    for (auto const& [key, number] : from_us.keys)
        writer.message(criu_option::inherit_fd, inherited(key, number));
    return writer;
}

Result<Unit> serve(RestorePlan const& plan, CriuNotification& notification)
{
    if (notification.script == "setup-namespaces" && plan.on_namespaces)
        return plan.on_namespaces(notification.pid);
    if (notification.script == "orphan-pts-master" && !notification.files.empty()) {
        if (plan.console_socket.empty())
            return invalid("the container has a terminal, and nobody to take it", "give --console-socket");
        auto console = TRY(connect_console(plan.console_socket));
        return send_terminal(console, notification.files.front());
    }
    return ok();
}

// A folder in the state folder, for as long as criu needs it as a mount point.
class RootFolder {
public:
    static Result<RootFolder> make(std::string const& state_path)
    {
        auto path = state_path + "/criu-root";
        if (::mkdir(path.c_str(), 0700) < 0 && errno != EEXIST)
            return Error::last("make the folder " + quoted(path));
        return RootFolder(path);
    }
    RootFolder(RootFolder&& other) noexcept
        : m_path(std::exchange(other.m_path, {}))
    {
    }
    ~RootFolder()
    {
        if (!m_path.empty())
            ::rmdir(m_path.c_str());
    }
    std::string const& path() const { return m_path; }

private:
    explicit RootFolder(std::string path)
        : m_path(std::move(path))
    {
    }
    std::string m_path;
};

Result<Inherited> collect(RestorePlan const& plan)
{
    Inherited from_us;
    add_joined_namespaces(from_us, plan.config);
    auto images = TRY(open_file(plan.options.image_path, O_RDONLY | O_DIRECTORY));
    auto descriptors = TRY(read_list(images, descriptors_file));
    for (std::size_t number = 0; number < descriptors.size() && number < 3; ++number) {
        if (descriptors[number].starts_with("pipe:"))
            from_us.keys.emplace_back(descriptors[number], static_cast<int>(number));
    }
    auto names = TRY(read_list(images, mounts_file));
    HostPlaces places { .bundle = plan.bundle, .cgroup_folders = {} };
    places.cgroup_folders = TRY(cgroup_folders(plan.group));
    from_us.mounts = TRY(external_sources(plan.config, names, places));
    return from_us;
}

Result<std::vector<File>> prepare_criu(RestorePlan const& plan, std::string const& root, Inherited const& from_us)
{
    TRY(prepare_root(plan, root));
    auto files = TRY(open_folders(plan.options));
    for (auto const& entry : from_us.joined) {
        auto file = TRY(open_file(entry.path, O_RDONLY).context("namespace that the container joins"));
        files.push_back(std::move(file));
    }
    return files;
}

} // namespace

Result<RestoredProcess> restore_container(RestorePlan const& plan)
{
    TRY(make_folders(plan.options, Images::exist));
    auto from_us = TRY(collect(plan));
    auto root = TRY(RootFolder::make(plan.state_path));
    CriuCall call { .program = plan.criu, .request = CriuRequest::restore };
    call.log_path = work_folder(plan.options) + "/" + restore_log;
    call.prepare_child = [&] { return prepare_criu(plan, root.path(), from_us); };
    call.options = [&](pid_t criu) { return restore_options(plan, root.path(), from_us, criu); };
    call.on_notification = [&](CriuNotification& notification) { return serve(plan, notification); };
    auto answer = TRY(call_criu(call));
    RestoredProcess process { .pid = answer.restored_pid, .pidfd = {} };
    process.pidfd = TRY(host::open_pidfd(process.pid).or_error("open the restored process"));
    return process;
}

} // namespace bulkhead::namespaces
