// A container's folders in the v1 hierarchies: planned, made, joined, saved and removed.
#include "cgroup/v1.h"
#include "base/log.h"
#include "base/text.h"
#include "cgroup/membership.h"
#include "cgroup/paths.h"
#include "cgroup/removal.h"

#include <algorithm>

#include <unistd.h>

namespace bulkhead::cgroup {

namespace {

bool is_empty(V1Group const& group, char const* file)
{
    auto value = GroupFolder(group.folder).read(file);
    return value.is_error() || value.value().empty();
}

Error cannot_make(V1Group const& group, Errno code)
{
    auto error = Error::from_errno(code, "make the control group " + quoted(group.absolute()));
    if (code == Errno::rofs)
        error.hint = "the hierarchy is mounted read-only, as in a container: mount it writable, or give the container a delegated group";
    else if (code == Errno::access || code == Errno::perm)
        error.hint = "run as root, or leave linux.cgroupsPath out: a rootless container may run without a group";
    else if (code == Errno::loop || code == Errno::xdev)
        error.hint = "the path leads through a symlink or out of the hierarchy";
    return error;
}

} // namespace

bool V1Group::has(std::string_view controller) const
{
    return std::find(controllers.begin(), controllers.end(), controller) != controllers.end();
}

std::string V1Group::absolute() const
{
    return path == "/" ? mount_point : mount_point + path;
}

SysResult<FileView> V1Group::open() const
{
    if (!folder.is_open()) {
        auto mount = TRY(open_at(FileView::current_directory(), mount_point, O_PATH | O_DIRECTORY));
        folder = TRY(open_beneath(mount, path, O_PATH | O_DIRECTORY));
    }
    return FileView(folder);
}

Result<std::unique_ptr<V1Cgroup>> V1Cgroup::plan(HostCgroups const& host, Request const& request)
{
    auto wanted = TRY(clean_path(request.cgroups_path.empty() ? request.container_id : request.cgroups_path, "linux.cgroupsPath"));
    auto cgroup = std::make_unique<V1Cgroup>();
    for (auto const& hierarchy : host.hierarchies) {
        if (hierarchy.is_v2)
            continue; // hybrid: the v2 tree has no controllers that matter here, and each folder costs a start its time
        V1Group group;
        group.mount_point = hierarchy.mount_point;
        group.controllers = hierarchy.controllers;
        group.path = wanted.front() == '/' ? wanted : join_path(hierarchy.own_path, wanted);
        cgroup->m_groups.push_back(std::move(group));
    }
    cgroup->m_rootless = request.rootless;
    cgroup->m_may_lack = request.rootless && request.cgroups_path.empty();
    return cgroup;
}

std::unique_ptr<V1Cgroup> V1Cgroup::at(HostCgroups const& host, std::string const& path)
{
    auto cgroup = std::make_unique<V1Cgroup>();
    for (auto const& hierarchy : host.hierarchies) {
        if (hierarchy.is_v2)
            continue;
        V1Group group;
        group.mount_point = hierarchy.mount_point;
        group.controllers = hierarchy.controllers;
        group.path = path;
        cgroup->m_groups.push_back(std::move(group));
    }
    return cgroup;
}

std::unique_ptr<V1Cgroup> V1Cgroup::without_groups()
{
    auto cgroup = std::make_unique<V1Cgroup>();
    cgroup->m_rootless = true;
    return cgroup;
}

Result<Unit> V1Cgroup::make(Existing existing)
{
    std::size_t done = 0;
    for (; done < m_groups.size(); ++done) {
        auto made = make_group(m_groups[done], existing);
        if (made.is_ok())
            continue;
        // Leave nothing behind that nobody would find again.
        for (std::size_t index = 0; index < done; ++index)
            ::rmdir(m_groups[index].absolute().c_str());
        return made.release_error();
    }
    std::erase_if(m_groups, [&](V1Group const& group) {
        if (!group.folder.is_open())
            m_left_out.insert(m_left_out.end(), group.controllers.begin(), group.controllers.end());
        return !group.folder.is_open();
    });
    if (!m_left_out.empty())
        log::warning("running without control groups that are not writable", { { "controllers", join(m_left_out, ",") } });
    return ok();
}

Result<Unit> V1Cgroup::make_group(V1Group& group, Existing existing)
{
    auto refused = [&](Errno code) -> Result<Unit> {
        if (m_may_lack && is_lack_of_permission(code))
            return ok(); // stays closed: make() drops it
        return cannot_make(group, code);
    };
    auto mount = open_at(FileView::current_directory(), group.mount_point, O_PATH | O_DIRECTORY);
    if (mount.is_error())
        return refused(mount.error());
    auto made = make_folders(mount.value(), group.path);
    if (made.is_error())
        return refused(made.error());
    auto folder = open_beneath(mount.value(), group.path, O_PATH | O_DIRECTORY);
    if (folder.is_error())
        return refused(folder.error());
    group.folder = folder.release_value();
    if (made.value() == Made::here) {
        if (&group == &m_groups.front())
            m_values = Values::fresh;
    } else {
        m_values = Values::unknown;
        if (existing == Existing::refuse_used)
            TRY(refuse_used(group));
    }
    if (group.has("cpuset"))
        m_cpuset_is_empty = made.value() == Made::here || is_empty(group, "cpuset.cpus") || is_empty(group, "cpuset.mems");
    return ok();
}

// A second container in the same group would be limited, frozen and killed together with the first.
Result<Unit> V1Cgroup::refuse_used(V1Group const& group) const
{
    auto pids = processes_below(group.folder);
    if (pids.is_ok() && !pids.value().empty())
        return Error { .code = Errno::busy,
            .message
            = "the control group " + quoted(group.absolute()) + " is not empty: " + std::to_string(pids.value().size()) + " process(es) are in it",
            .hint = "choose another linux.cgroupsPath, or remove the container that uses it" };
    if (group.has("freezer") && is_frozen_v1(GroupFolder(group.folder)))
        return Error { .code = Errno::busy,
            .message = "the control group " + quoted(group.absolute()) + " is frozen",
            .hint = "write THAWED to its freezer.state, or choose another linux.cgroupsPath" };
    return ok();
}

void V1Cgroup::save(JsonWriter& json) const
{
    json.begin_object().member("kind", "v1").member("rootless", m_rootless);
    json.key("groups").begin_array();
    for (auto const& group : m_groups)
        json.begin_object().member("mount", group.mount_point).member("controllers", group.controllers).member("path", group.path).end_object();
    json.end_array();
    if (!m_left_out.empty())
        json.member("leftOut", m_left_out);
    json.end_object();
}

Result<std::unique_ptr<V1Cgroup>> V1Cgroup::restore(JsonObject const& saved)
{
    auto cgroup = std::make_unique<V1Cgroup>();
    TRY(saved.optional("rootless", cgroup->m_rootless));
    TRY(saved.optional("leftOut", cgroup->m_left_out));
    auto groups = TRY(saved.get("groups"));
    TRY(groups.expect_array());
    for (std::size_t index = 0; index < groups.size(); ++index) {
        auto object = TRY(groups.at(index).as_object());
        V1Group group;
        TRY(object.required("mount", group.mount_point));
        TRY(object.required("controllers", group.controllers));
        std::string path;
        TRY(object.required("path", path));
        group.path = TRY(clean_path(path, "the saved control group path"));
        if (group.path.empty() || group.path == "/" || group.path.front() != '/')
            return invalid("the saved control group path " + quoted(path) + " is not a container's");
        cgroup->m_groups.push_back(std::move(group));
    }
    return cgroup;
}

V1Group const* V1Cgroup::group_of(std::string_view controller) const
{
    for (auto const& group : m_groups)
        if (group.has(controller))
            return &group;
    return nullptr;
}

std::optional<GroupFolder> V1Cgroup::find_folder(std::string_view controller) const
{
    auto const* group = group_of(controller);
    if (!group)
        return std::nullopt;
    auto folder = group->open();
    if (folder.is_error())
        return std::nullopt;
    return GroupFolder(folder.value());
}

Error V1Cgroup::left_out(std::string_view controller, std::string_view member) const
{
    return Error { .code = Errno::perm,
        .message = "linux.resources." + std::string(member) + " cannot be set: the container runs without a " + std::string(controller)
            + " control group, none is writable for this user",
        .hint = "leave the limit out, run as root, or use cgroup v2 with a delegated group (--systemd-cgroup)" };
}

Result<GroupFolder> V1Cgroup::folder_of(std::string_view controller, std::string_view member) const
{
    auto const* group = group_of(controller);
    auto name = std::string(controller);
    if (!group) {
        bool was_left_out = m_groups.empty() || std::find(m_left_out.begin(), m_left_out.end(), controller) != m_left_out.end();
        if (was_left_out)
            return left_out(name, member);
        return Error { .code = Errno::notsup,
            .message
            = "linux.resources." + std::string(member) + " cannot be set: the cgroup v1 controller " + quoted(controller) + " is not mounted",
            .hint = "mount it (mount -t cgroup -o " + name + " cgroup /sys/fs/cgroup/" + name + "), boot with cgroup_enable=" + name
                + ", or leave the limit out" };
    }
    auto folder = group->open();
    if (folder.is_error())
        return Error::from_errno(folder.error(), "open the control group " + quoted(group->absolute()));
    return GroupFolder(folder.value());
}

Result<Entry> V1Cgroup::entry()
{
    TRY(inherit_cpuset());
    Entry entry;
    entry.v1_tasks.reserve(m_groups.size());
    for (auto const& group : m_groups) {
        // exec needs nothing else of the folder, so it is not opened for this: one call for each hierarchy.
        auto tasks = group.folder.is_open() ? open_at(group.folder, "tasks", O_WRONLY)
                                            : open_at(FileView::current_directory(), group.absolute() + "/tasks", O_WRONLY | O_NOFOLLOW);
        if (tasks.is_error())
            return Error::from_errno(tasks.error(), "open tasks of the control group " + quoted(group.absolute()));
        entry.v1_tasks.push_back(tasks.release_value());
    }
    return entry;
}

Result<Unit> V1Cgroup::move_process(pid_t pid)
{
    TRY(inherit_cpuset());
    for (auto const& group : m_groups) {
        auto folder = group.open();
        auto moved = folder.is_error() ? SysResult<Unit>(folder.error()) : write_existing_at(folder.value(), "cgroup.procs", std::to_string(pid));
        if (moved.is_error())
            return Error::from_errno(moved.error(), "move process " + std::to_string(pid) + " into the control group " + quoted(group.absolute()));
    }
    return ok();
}

Result<Entry> V1Cgroup::entry_below(std::string const& controller, std::string const& path)
{
    auto below = TRY(clean_path(path, "--cgroup"));
    Entry entry;
    for (auto const& group : m_groups) {
        auto folder = group.open();
        if (folder.is_error())
            return Error::from_errno(folder.error(), "open the control group " + quoted(group.absolute()));
        bool is_meant = controller.empty() || group.has(controller);
        auto file = is_meant ? join_path(below, "tasks") : std::string("/tasks");
        auto tasks = open_beneath(folder.value(), file, O_WRONLY);
        if (tasks.is_error())
            return Error { .code = tasks.error(),
                .message = "--cgroup " + quoted(path) + ": open " + group.absolute() + "/" + below + ": " + errno_text(tasks.error()),
                .hint = "the group must exist inside the container's own" };
        entry.v1_tasks.push_back(tasks.release_value());
    }
    if (!controller.empty() && !group_of(controller))
        return Error { .code = Errno::notsup,
            .message = "--cgroup names the controller " + quoted(controller) + ", which the container has no group of" };
    return entry;
}

Result<Entry> V1Cgroup::entry_of_process(pid_t pid)
{
    auto memberships = TRY(memberships_of(pid));
    Entry entry;
    for (auto const& group : m_groups) {
        auto folder = group.open();
        if (folder.is_error())
            return Error::from_errno(folder.error(), "open the control group " + quoted(group.absolute()));
        auto below = path_inside(memberships, group.controllers.empty() ? "" : group.controllers.front(), group.path);
        auto tasks = open_beneath(folder.value(), join_path(below, "tasks"), O_WRONLY);
        if (tasks.is_error())
            return Error::from_errno(tasks.error(), "open tasks of the control group of process " + std::to_string(pid));
        entry.v1_tasks.push_back(tasks.release_value());
    }
    return entry;
}

Result<Unit> V1Cgroup::remove()
{
    std::vector<std::string> folders;
    folders.reserve(m_groups.size());
    for (auto& group : m_groups) {
        folders.push_back(group.absolute());
        group.folder.close();
    }
    return remove_patiently(folders);
}

std::map<std::string, std::string> V1Cgroup::paths() const
{
    std::map<std::string, std::string> paths;
    for (auto const& group : m_groups)
        for (auto const& controller : group.controllers)
            paths[controller] = group.absolute();
    return paths;
}

} // namespace bulkhead::cgroup
