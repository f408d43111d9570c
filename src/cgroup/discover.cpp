// What is mounted on this host: from the usual places where they are what they seem, else from mountinfo (proc(5)).
#include "base/text.h"
#include "cgroup/cgroup.h"
#include "cgroup/membership.h"

#include <algorithm>
#include <array>
#include <optional>

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace bulkhead::cgroup {

namespace {

struct MountLine {
    std::string root;
    std::string mount_point;
    bool is_v2 = false;
    std::vector<std::string> options; // of the super block: the controllers are among them
};

// mountinfo writes blank, tab, line end and backslash as three octal digits.
std::string unescape(std::string_view text)
{
    std::string plain;
    for (std::size_t index = 0; index < text.size(); ++index) {
        if (text[index] == '\\' && index + 3 < text.size()) {
            if (auto code = parse_number<unsigned>(text.substr(index + 1, 3), 8); code && *code < 256) {
                plain += static_cast<char>(*code);
                index += 3;
                continue;
            }
        }
        plain += text[index];
    }
    return plain;
}

// "36 31 0:33 /root /mount/point rw,relatime shared:5 - cgroup cgroup rw,devices"
std::optional<MountLine> parse_mount_line(std::string_view line)
{
    auto dash = line.find(" - ");
    if (dash == std::string_view::npos)
        return std::nullopt;
    auto after = split(line.substr(dash + 3), ' ');
    if (after.size() < 3 || (after[0] != "cgroup" && after[0] != "cgroup2"))
        return std::nullopt;
    auto before = split(line.substr(0, dash), ' ');
    if (before.size() < 6)
        return std::nullopt;
    MountLine mount;
    mount.root = unescape(before[3]);
    mount.mount_point = unescape(before[4]);
    mount.is_v2 = after[0] == "cgroup2";
    for (auto option : split(after[2], ','))
        mount.options.emplace_back(option);
    return mount;
}

// Our place seen from the mount: its root may itself be a group (a container without a cgroup namespace), or lie
// above the namespace's root ("/../.."), which only the namespace's own mount can show.
std::string path_below_root(std::string_view own, std::string_view root)
{
    if (root == "/" || root.starts_with("/.."))
        return own.starts_with("/..") ? "/" : std::string(own);
    if (own == root)
        return "/";
    if (own.starts_with(root) && own[root.size()] == '/')
        return std::string(own.substr(root.size()));
    return "/";
}

bool has_controllers(MountLine const& mount, Membership const& membership)
{
    if (mount.is_v2 || membership.controllers.empty())
        return mount.is_v2 && membership.controllers.empty();
    return std::all_of(membership.controllers.begin(), membership.controllers.end(),
        [&](std::string const& name) { return std::find(mount.options.begin(), mount.options.end(), name) != mount.options.end(); });
}

// The same hierarchy may be mounted many times (in containers' roots); the one below /sys/fs/cgroup is meant for us.
MountLine const* best_mount(std::vector<MountLine> const& mounts, Membership const& membership)
{
    MountLine const* best = nullptr;
    auto is_usual = [](MountLine const& mount) { return mount.mount_point.starts_with("/sys/fs/cgroup"); };
    for (auto const& mount : mounts) {
        if (!has_controllers(mount, membership))
            continue;
        if (!best || (is_usual(mount) && (!is_usual(*best) || mount.mount_point == best->mount_point)))
            best = &mount;
    }
    return best;
}

void settle_layout(HostCgroups& host)
{
    bool any_v1 = false;
    bool any_v2 = false;
    for (auto const& hierarchy : host.hierarchies)
        (hierarchy.is_v2 ? any_v2 : any_v1) = true;
    host.layout = any_v1 ? (any_v2 ? Layout::hybrid : Layout::v1) : any_v2 ? Layout::v2 : Layout::none;
}

bool is_file_system(std::string const& path, decltype(std::declval<struct statfs>().f_type) magic)
{
    struct statfs status { };
    return ::statfs(path.c_str(), &status) == 0 && status.f_type == magic;
}

bool in_first_cgroup_namespace()
{
    std::array<char, 64> text {};
    auto length = ::readlink("/proc/self/ns/cgroup", text.data(), text.size());
    return length > 0 && std::string_view(text.data(), static_cast<std::size_t>(length)) == "cgroup:[4026531835]";
}

// Reading mountinfo takes the lock that every mount and unmount of the machine wants and grows with its mounts, so the
// usual layout is confirmed with one statfs for each hierarchy. Nothing where anything is unusual.
std::optional<HostCgroups> look_at_usual_places(std::vector<Membership> const& memberships)
{
    HostCgroups host;
    if (memberships.size() == 1 && memberships[0].controllers.empty()) {
        if (!is_file_system("/sys/fs/cgroup", CGROUP2_SUPER_MAGIC))
            return std::nullopt;
        host.layout = Layout::v2;
        host.hierarchies.push_back({ .mount_point = "/sys/fs/cgroup", .is_v2 = true, .own_path = path_below_root(memberships[0].path, "/") });
        return host;
    }
    if (!in_first_cgroup_namespace())
        return std::nullopt;
    bool is_root_known = false;
    for (auto const& membership : memberships) {
        Hierarchy hierarchy { .controllers = membership.controllers, .is_v2 = membership.controllers.empty(), .own_path = membership.path };
        auto name = hierarchy.is_v2 ? "unified" : join(membership.controllers, ",");
        if (name.starts_with("name="))
            name.erase(0, 5);
        hierarchy.mount_point = "/sys/fs/cgroup/" + name;
        if (!is_file_system(hierarchy.mount_point, hierarchy.is_v2 ? CGROUP2_SUPER_MAGIC : CGROUP_SUPER_MAGIC)) {
            if (hierarchy.is_v2)
                continue; // listed always, mounted only in the hybrid layout
            return std::nullopt;
        }
        // The root folder of a hierarchy is inode 1; another number means a container's view of a part of it.
        struct stat status { };
        if (!is_root_known && (::stat(hierarchy.mount_point.c_str(), &status) != 0 || status.st_ino != 1))
            return std::nullopt;
        is_root_known = true;
        host.hierarchies.push_back(std::move(hierarchy));
    }
    settle_layout(host);
    return host;
}

} // namespace

Result<HostCgroups> HostCgroups::discover(std::string const& root)
{
    auto own = read_file(root + "/proc/self/cgroup");
    if (own.is_error()) {
        if (own.error().code == Errno::noent)
            return HostCgroups {}; // a kernel without control groups
        return own.release_error();
    }
    auto memberships = parse_memberships(own.value());
    if (root.empty())
        if (auto host = look_at_usual_places(memberships))
            return std::move(*host);

    auto text = TRY(read_file(root + "/proc/self/mountinfo"));
    std::vector<MountLine> mounts;
    for (auto line : split(text, '\n'))
        if (auto mount = parse_mount_line(line))
            mounts.push_back(std::move(*mount));
    HostCgroups host;
    for (auto const& membership : memberships) {
        auto const* mount = best_mount(mounts, membership);
        if (!mount)
            continue;
        host.hierarchies.push_back({ .mount_point = root + mount->mount_point,
            .controllers = membership.controllers,
            .is_v2 = mount->is_v2,
            .own_path = path_below_root(membership.path, mount->root) });
    }
    settle_layout(host);
    return host;
}

} // namespace bulkhead::cgroup
