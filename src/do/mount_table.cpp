#include "do/mount_table.h"

#include "base/text.h"

#include <algorithm>
#include <array>
#include <map>

namespace bulkhead::do_command {

namespace {

// Blank, tab, line end and backslash are written as three octal digits.
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

constexpr std::array<std::string_view, 5> replaced_folders { "/proc", "/sys", "/dev", "/run", "/tmp" };
constexpr std::array<std::string_view, 5> container_folders { "/var/lib/docker", "/var/lib/containers", "/var/lib/containerd", "/var/lib/kubelet",
    "/var/run" };

} // namespace

std::vector<MountEntry> parse_mount_table(std::string_view mountinfo)
{
    // "36 31 0:33 /root /mount/point rw,relatime shared:5 - ext4 /dev/sda1 rw"
    std::vector<MountEntry> mounts;
    for (auto line : split(mountinfo, '\n')) {
        auto dash = line.find(" - ");
        if (dash == std::string_view::npos)
            continue;
        auto before = split(line.substr(0, dash), ' ');
        auto after = split(line.substr(dash + 3), ' ');
        if (before.size() >= 6 && !after.empty())
            mounts.push_back({ .path = unescape(before[4]), .type = std::string(after[0]) });
    }
    return mounts;
}

bool is_below(std::string_view path, std::string_view folder)
{
    if (folder == "/")
        return path != "/";
    return path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/';
}

bool is_pseudo_file_system(std::string_view type)
{
    static constexpr std::array<std::string_view, 26> names { "autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts",
        "devtmpfs", "efivarfs", "fuse.gvfsd-fuse", "fuse.lxcfs", "fuse.portal", "fusectl", "hugetlbfs", "mqueue", "nfsd", "nsfs", "proc", "pstore",
        "resctrl", "rpc_pipefs", "securityfs", "selinuxfs", "sysfs", "tracefs" };
    return std::binary_search(names.begin(), names.end(), type);
}

bool is_replaced(std::string_view path)
{
    auto covers = [&](std::string_view folder) { return path == folder || is_below(path, folder); };
    return std::any_of(replaced_folders.begin(), replaced_folders.end(), covers)
        || std::any_of(container_folders.begin(), container_folders.end(), [&](std::string_view folder) { return is_below(path, folder); });
}

std::vector<MountEntry> mounts_to_show(std::vector<MountEntry> const& all)
{
    std::map<std::string, std::string> by_path; // sorted: a parent before what is below it
    for (auto const& mount : all)
        by_path[mount.path] = mount.type;
    std::vector<MountEntry> shown;
    for (auto const& [path, type] : by_path)
        if (path != "/" && !is_pseudo_file_system(type) && !is_replaced(path))
            shown.push_back({ .path = path, .type = type });
    return shown;
}

} // namespace bulkhead::do_command
