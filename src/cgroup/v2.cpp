// A container's folder in the v2 tree: planned, made, joined, saved and removed.
#include "cgroup/v2.h"
#include "base/log.h"
#include "base/text.h"
#include "cgroup/devices_bpf.h"
#include "cgroup/membership.h"
#include "cgroup/paths.h"
#include "cgroup/removal.h"

#include <algorithm>
#include <csignal>

#include <unistd.h>

namespace bulkhead::cgroup {

namespace {

std::vector<std::string> words(std::string_view text)
{
    std::vector<std::string> all;
    for (auto word : split(text, ' '))
        if (!trim(word).empty())
            all.emplace_back(trim(word));
    return all;
}

bool contains(std::vector<std::string> const& all, std::string_view one)
{
    return std::find(all.begin(), all.end(), one) != all.end();
}

std::vector<std::string> controllers_of(FileView folder)
{
    auto text = read_file_at(folder, "cgroup.controllers");
    return text.is_ok() ? words(text.value()) : std::vector<std::string>();
}

Hierarchy const* find_v2(HostCgroups const& host)
{
    for (auto const& hierarchy : host.hierarchies)
        if (hierarchy.is_v2)
            return &hierarchy;
    return nullptr;
}

Error no_v2_tree()
{
    return Error { .code = Errno::noent, .message = "no cgroup v2 tree is mounted", .hint = "mount -t cgroup2 cgroup2 /sys/fs/cgroup" };
}

} // namespace

Result<std::unique_ptr<V2Cgroup>> V2Cgroup::plan(HostCgroups const& host, Request const& request)
{
    auto const* hierarchy = find_v2(host);
    if (!hierarchy)
        return no_v2_tree();
    auto wanted = TRY(clean_path(request.cgroups_path.empty() ? request.container_id : request.cgroups_path, "linux.cgroupsPath"));
    auto cgroup = std::make_unique<V2Cgroup>();
    cgroup->m_mount_point = hierarchy->mount_point;
    // Our own group holds us and therefore cannot give controllers to groups below it; the one above it can.
    cgroup->m_path = wanted.front() == '/' ? wanted : join_path(parent_path(hierarchy->own_path), wanted);
    cgroup->m_rootless = request.rootless;
    return cgroup;
}

std::unique_ptr<V2Cgroup> V2Cgroup::at(HostCgroups const& host, std::string const& path)
{
    auto cgroup = std::make_unique<V2Cgroup>();
    if (auto const* hierarchy = find_v2(host))
        cgroup->m_mount_point = hierarchy->mount_point;
    cgroup->m_path = path;
    return cgroup;
}

Result<Unit> V2Cgroup::make()
{
    auto cannot = [&](Errno code) {
        auto error = Error::from_errno(code, "make the control group " + quoted(absolute()));
        if (code == Errno::access || code == Errno::perm)
            error.hint = "run as root, or have a group delegated (systemd-run --user --scope -p Delegate=yes), or use --systemd-cgroup";
        if (code == Errno::rofs)
            error.hint = "the tree is mounted read-only, as in a container: mount it writable";
        if (code == Errno::loop || code == Errno::xdev)
            error.hint = "the path leads through a symlink or out of the tree";
        if (code == Errno::again)
            error.hint = "cgroup.max.depth or cgroup.max.descendants of a group above allows no more";
        return error;
    };
    auto mount = open_at(FileView::current_directory(), m_mount_point, O_PATH | O_DIRECTORY);
    if (mount.is_error())
        return cannot(mount.error());
    auto made = make_folders(mount.value(), m_path);
    if (made.is_error())
        return cannot(made.error());
    auto folder = open_beneath(mount.value(), m_path, O_PATH | O_DIRECTORY);
    if (folder.is_error())
        return cannot(folder.error());
    m_folder = folder.release_value();
    if (made.value() == Made::here)
        m_values = Values::fresh;
    else
        TRY(refuse_used());
    return enable_controllers(mount.value());
}

Result<Unit> V2Cgroup::adopt()
{
    auto mount = open_at(FileView::current_directory(), m_mount_point, O_PATH | O_DIRECTORY);
    if (mount.is_error())
        return Error::from_errno(mount.error(), "open " + quoted(m_mount_point));
    TRY(folder());
    return enable_controllers(mount.value());
}

Result<Unit> V2Cgroup::refuse_used() const
{
    auto pids = processes_below(m_folder);
    if (pids.is_ok() && !pids.value().empty())
        return Error { .code = Errno::busy,
            .message = "the control group " + quoted(absolute()) + " is not empty: " + std::to_string(pids.value().size()) + " process(es) are in it",
            .hint = "choose another linux.cgroupsPath, or remove the container that uses it" };
    if (is_frozen_v2(GroupFolder(m_folder)))
        return Error { .code = Errno::busy,
            .message = "the control group " + quoted(absolute()) + " is frozen",
            .hint = "write 0 to its cgroup.freeze, or choose another linux.cgroupsPath" };
    return ok();
}

// Every controller that the root of the tree has is wanted in the container's group: statistics need them, too. One
// that cannot be enabled is remembered, and is an error only for who asks for a limit that needs it.
Result<Unit> V2Cgroup::enable_controllers(FileView mount)
{
    auto wanted = controllers_of(mount);
    auto have = controllers_of(m_folder);
    std::erase_if(wanted, [&](std::string const& name) { return contains(have, name); });
    if (wanted.empty())
        return ok();
    std::string path = "/";
    for (auto part : split(m_path, '/')) {
        if (part.empty())
            continue;
        auto folder = open_beneath(mount, path, O_PATH | O_DIRECTORY);
        if (folder.is_error())
            return Error::from_errno(folder.error(), "open the control group " + quoted(path));
        enable_at(folder.value(), path, wanted);
        path = join_path(path, part);
    }
    // Below a threaded group a new one is unusable until it is threaded, too (cgroup-v2.rst, "Threads").
    GroupFolder group(m_folder);
    auto type = group.read("cgroup.type");
    if (type.is_ok() && type.value() == "domain invalid") {
        auto written = group.write("cgroup.type", "threaded");
        if (written.is_error())
            return Error { .code = written.error(),
                .message = "the control group " + quoted(absolute()) + " lies below a threaded group and cannot be used",
                .hint = "choose a linux.cgroupsPath outside it" };
        m_problem = "the group lies below a threaded group, where only cpu, cpuset, perf_event and pids can be limited";
    }
    return ok();
}

void V2Cgroup::enable_at(FileView folder, std::string const& path, std::vector<std::string> const& wanted)
{
    auto here = controllers_of(folder);
    std::string all;
    for (auto const& name : wanted)
        if (contains(here, name))
            all += (all.empty() ? "+" : " +") + name;
    if (all.empty() || write_existing_at(folder, "cgroup.subtree_control", all).is_ok())
        return;
    for (auto const& word : words(all)) {
        auto written = write_existing_at(folder, "cgroup.subtree_control", word);
        if (written.is_ok())
            continue;
        // Linux: a group with processes of its own cannot give controllers to groups below it.
        m_problem = written.error() == Errno::busy
            ? "the group " + quoted(path) + " above holds processes, and such a group cannot give controllers to groups below it"
            : "enabling it in the group " + quoted(path) + " above: " + errno_text(written.error());
        log::debug("a cgroup controller could not be enabled",
            { { "controller", word.substr(1) }, { "group", path }, { "why", errno_text(written.error()) } });
    }
}

Result<GroupFolder> V2Cgroup::folder() const
{
    if (m_folder.is_open())
        return GroupFolder(m_folder);
    auto mount = open_at(FileView::current_directory(), m_mount_point, O_PATH | O_DIRECTORY);
    auto folder = mount.is_error() ? SysResult<File>(mount.error()) : open_beneath(mount.value(), m_path, O_PATH | O_DIRECTORY);
    if (folder.is_error())
        return Error::from_errno(folder.error(), "open the control group " + quoted(absolute()));
    m_folder = folder.release_value();
    return GroupFolder(m_folder);
}

Error V2Cgroup::missing_controller(std::string_view controller, std::string_view member) const
{
    auto name = std::string(controller);
    Error error { .code = Errno::notsup,
        .message = "linux.resources." + std::string(member) + " cannot be set: the cgroup v2 controller " + quoted(name) + " is not enabled for "
            + quoted(absolute()) };
    if (!m_problem.empty()) {
        error.message += ": " + m_problem;
        error.hint = "choose a linux.cgroupsPath below a group without processes, or move those processes into a group of their own";
    } else {
        error.hint = m_rootless ? "have systemd delegate it to your user (Delegate=cpu cpuset io memory pids in user@.service)"
                                : "write +" + name + " to cgroup.subtree_control of the groups above; boot with cgroup_enable=" + name
                + " where the kernel leaves it out";
    }
    return error;
}

Result<Unit> V2Cgroup::set(char const* file, std::string_view value, std::string_view member) const
{
    auto group = TRY(folder());
    auto written = group.write(file, value);
    if (written.is_ok())
        return ok();
    if (written.error() == Errno::noent || written.error() == Errno::access) {
        auto controller = std::string_view(file).substr(0, std::string_view(file).find('.'));
        if (controller != "cgroup" && !contains(controllers_of(group.folder()), controller))
            return missing_controller(controller, member);
    }
    return refusal(written.error(), member, value, file);
}

void V2Cgroup::save(JsonWriter& json) const
{
    json.begin_object().member("kind", "v2").member("rootless", m_rootless).member("mount", m_mount_point).member("path", m_path).end_object();
}

Result<std::unique_ptr<V2Cgroup>> V2Cgroup::restore(JsonObject const& saved)
{
    auto cgroup = std::make_unique<V2Cgroup>();
    TRY(saved.optional("rootless", cgroup->m_rootless));
    TRY(saved.required("mount", cgroup->m_mount_point));
    std::string path;
    TRY(saved.required("path", path));
    cgroup->m_path = TRY(clean_path(path, "the saved control group path"));
    if (cgroup->m_path.empty() || cgroup->m_path == "/" || cgroup->m_path.front() != '/')
        return invalid("the saved control group path " + quoted(path) + " is not a container's");
    return cgroup;
}

Result<Entry> V2Cgroup::entry()
{
    return entry_below("", "");
}

Result<Entry> V2Cgroup::entry_below(std::string const& controller, std::string const& path)
{
    if (!controller.empty())
        return Error { .code = Errno::notsup,
            .message = "--cgroup names the controller " + quoted(controller) + ", and cgroup v2 has one group for all of them",
            .hint = "give the path alone" };
    auto below = TRY(clean_path(path, "--cgroup"));
    auto group = TRY(folder());
    auto folder = open_beneath(group.folder(), below, O_PATH | O_DIRECTORY);
    if (folder.is_error())
        return Error { .code = folder.error(),
            .message = "open the control group " + quoted(join_path(absolute(), below)) + ": " + errno_text(folder.error()),
            .hint = below.empty() ? "" : "the group must exist inside the container's own" };
    Entry entry;
    entry.v2_directory = folder.release_value();
    return entry;
}

Result<Entry> V2Cgroup::entry_of_process(pid_t pid)
{
    auto memberships = TRY(memberships_of(pid));
    return entry_below("", path_inside(memberships, "", m_path));
}

Result<Unit> V2Cgroup::set_limits(oci::Resources const& resources)
{
    return set_v2_limits(*this, resources);
}

Result<Unit> V2Cgroup::set_devices(std::vector<oci::DeviceRule> const& rules)
{
    auto group = TRY(folder());
    // BPF_PROG_ATTACH wants a descriptor that is open for more than its path.
    auto readable = open_at(group.folder(), ".", O_RDONLY | O_DIRECTORY);
    if (readable.is_error())
        return Error::from_errno(readable.error(), "open the control group " + quoted(absolute()));
    auto set = attach_device_program(readable.value(), rules);
    if (set.is_error() && m_rootless && (set.error().code == Errno::perm || set.error().code == Errno::access)) {
        log::debug("device rules are not enforced: this user may not load BPF programs, nor make device nodes");
        return ok();
    }
    return set;
}

Result<Unit> V2Cgroup::freeze()
{
    auto group = TRY(folder());
    return freeze_v2(group);
}

Result<Unit> V2Cgroup::thaw()
{
    auto group = TRY(folder());
    return thaw_v2(group);
}

bool V2Cgroup::is_frozen() const
{
    auto group = folder();
    return group.is_ok() && is_frozen_v2(group.value());
}

Result<std::vector<pid_t>> V2Cgroup::processes() const
{
    auto group = folder();
    if (group.is_error() && group.error().code == Errno::noent)
        return std::vector<pid_t> {};
    if (group.is_error())
        return group.release_error();
    return processes_below(group.value().folder()).or_error("list the processes of the control group " + quoted(absolute()));
}

Result<Unit> V2Cgroup::signal_all(int signal)
{
    auto group = folder();
    if (group.is_error())
        return group.error().code == Errno::noent ? Result<Unit>(ok()) : Result<Unit>(group.release_error());
    if (signal == SIGKILL && group.value().write("cgroup.kill", "1").is_ok()) // Linux 5.14
        return ok();
    bool was_frozen = is_frozen_v2(group.value());
    // Frozen processes cannot fork away from the list. Where freezing fails, signalling still reaches most.
    bool froze = !was_frozen && freeze_v2(group.value()).is_ok();
    auto sent = [&]() -> Result<Unit> {
        auto pids = TRY(processes());
        for (auto pid : pids)
            if (::kill(pid, signal) < 0 && errno != ESRCH)
                return Error::last("signal process " + std::to_string(pid));
        return ok();
    }();
    if (froze) {
        auto thawed = group.value().write("cgroup.freeze", "0");
        if (thawed.is_error() && sent.is_ok())
            return Error::from_errno(thawed.error(), "thaw the container");
    }
    return sent;
}

Result<std::string> V2Cgroup::stats_json() const
{
    return v2_stats_json(*this);
}

Result<bool> V2Cgroup::wait_for_oom(int milliseconds)
{
    auto group = folder();
    if (group.is_error())
        return Error { .code = Errno::nodev, .message = group.error().message };
    return m_oom.wait(group.value(), absolute(), milliseconds);
}

std::uint64_t V2Cgroup::oom_kill_count() const
{
    auto group = folder();
    return group.is_ok() ? V2OomWatch::kill_count(group.value()) : 0;
}

Result<Unit> V2Cgroup::remove()
{
    m_folder.close();
    return remove_patiently({ absolute() });
}

std::map<std::string, std::string> V2Cgroup::paths() const
{
    return { { "", absolute() } };
}

} // namespace bulkhead::cgroup
