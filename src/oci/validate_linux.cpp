// Rules for the linux section, but for sysctls, seccomp and resources.
#include "oci/rules.h"

#include <algorithm>

namespace bulkhead::oci {

namespace {

Result<Unit> validate_namespaces(std::vector<Namespace> const& namespaces)
{
    for (std::size_t index = 0; index < namespaces.size(); ++index) {
        auto const& entry = namespaces[index];
        auto place = [index] { return element_place("linux.namespaces", index); };
        for (std::size_t other = 0; other < index; ++other) {
            if (namespaces[other].type == entry.type)
                return complaint(place() + ".type", "the " + std::string(namespace_name(entry.type)) + " namespace is listed twice");
        }
        if (!entry.path.empty() && entry.path[0] != '/')
            return complaint(place() + ".path", shown(entry.path) + " is not an absolute path");
    }
    return ok();
}

Result<Unit> validate_mappings(Config const& config)
{
    auto const& section = config.linux_section;
    bool const has_user_namespace = config.find_namespace(NamespaceType::user) != nullptr;
    if (!has_user_namespace && !section.uid_mappings.empty())
        return complaint("linux.uidMappings", "needs a user namespace", "add { \"type\": \"user\" } to linux.namespaces");
    if (!has_user_namespace && !section.gid_mappings.empty())
        return complaint("linux.gidMappings", "needs a user namespace", "add { \"type\": \"user\" } to linux.namespaces");
    TRY(validate_id_mappings(section.uid_mappings, "linux.uidMappings"));
    return validate_id_mappings(section.gid_mappings, "linux.gidMappings");
}

Result<Unit> validate_time_offsets(Config const& config)
{
    auto const& offsets = config.linux_section.time_offsets;
    if (offsets.empty())
        return ok();
    auto const* time = config.find_namespace(NamespaceType::time);
    if (!time)
        return complaint("linux.timeOffsets", "needs a time namespace", "add { \"type\": \"time\" } to linux.namespaces");
    if (!time->path.empty())
        return complaint("linux.timeOffsets", "the time namespace is joined by path, so its clocks are set already");
    for (auto const& [clock, offset] : offsets) {
        if (offset.nanoseconds > 999'999'999)
            return complaint("linux.timeOffsets." + clock + ".nanosecs", std::to_string(offset.nanoseconds) + " is a second or more");
    }
    return ok();
}

Result<Unit> validate_devices(std::vector<Device> const& devices)
{
    constexpr std::int64_t most_major = 4095; // 12 bits
    constexpr std::int64_t most_minor = 1'048'575; // 20 bits
    for (std::size_t index = 0; index < devices.size(); ++index) {
        auto const& device = devices[index];
        auto place = [index] { return element_place("linux.devices", index); };
        if (device.path.empty() || device.path[0] != '/')
            return complaint(place() + ".path", shown(device.path) + " is not an absolute path");
        if (device.type.size() != 1 || std::string_view("bcpu").find(device.type) == std::string_view::npos)
            return complaint(place() + ".type", "must be b, c, p or u, not " + shown(device.type));
        if (device.major < 0 || device.major > most_major)
            return complaint(place() + ".major", std::to_string(device.major) + " is not between 0 and 4095");
        if (device.minor < 0 || device.minor > most_minor)
            return complaint(place() + ".minor", std::to_string(device.minor) + " is not between 0 and 1048575");
    }
    return ok();
}

// What the kernel takes for a name (dev_valid_name in net/core/dev.c).
bool is_interface_name(std::string_view name)
{
    if (name.empty() || name.size() > 15 || name == "." || name == "..")
        return false;
    return name.find_first_of("/: \t\n\v\f\r") == std::string_view::npos && !has_control_character(name);
}

Result<Unit> validate_net_devices(Config const& config)
{
    auto const& devices = config.linux_section.net_devices;
    if (!devices.empty() && !config.find_namespace(NamespaceType::network))
        return complaint("linux.netDevices", "needs a network namespace", "add { \"type\": \"network\" } to linux.namespaces");
    std::vector<std::string_view> names;
    for (auto const& device : devices) {
        auto place = [&device] { return "linux.netDevices[" + shown(device.host_name) + "]"; };
        if (!is_interface_name(device.host_name))
            return complaint(place(), "is not the name of an interface: 1 to 15 characters without a slash, colon or blank");
        if (!device.name.empty() && !is_interface_name(device.name))
            return complaint(
                place() + ".name", shown(device.name) + " is not the name of an interface: 1 to 15 characters without a slash, colon or blank");
        names.push_back(device.name.empty() ? device.host_name : device.name);
    }
    std::sort(names.begin(), names.end());
    auto twice = std::adjacent_find(names.begin(), names.end());
    if (twice != names.end())
        return complaint("linux.netDevices", "two devices would be called " + shown(*twice) + " in the container");
    return ok();
}

Result<Unit> validate_cgroups_path(std::string const& path)
{
    auto parts = split(path, '/');
    if (std::find(parts.begin(), parts.end(), "..") != parts.end())
        return complaint("linux.cgroupsPath", shown(path) + " leads upwards with \"..\"");
    if (has_control_character(path))
        return complaint("linux.cgroupsPath", shown(path) + " contains a control character");
    return ok();
}

Result<Unit> validate_intel_rdt(IntelRdt const& rdt)
{
    // The class is one folder of resctrl.
    if (rdt.clos_id == "." || rdt.clos_id == ".." || rdt.clos_id.find('/') != std::string::npos || has_control_character(rdt.clos_id))
        return complaint("linux.intelRdt.closID", shown(rdt.clos_id) + " is not the name of a class of service");
    if (!rdt.mem_bw_schema.empty() && (!rdt.mem_bw_schema.starts_with("MB:") || rdt.mem_bw_schema.find('\n') != std::string::npos))
        return complaint("linux.intelRdt.memBwSchema", shown(rdt.mem_bw_schema) + " is not one line that begins with \"MB:\"");
    return ok();
}

Result<Unit> validate_memory_policy(MemoryPolicy const& policy)
{
    constexpr std::string_view place = "linux.memoryPolicy";
    if (!is_one_of(memory_policy_mode_words(), policy.mode))
        return complaint(member_place(place, "mode"), one_of_text(memory_policy_mode_words()) + ", not " + shown(policy.mode));
    bool const takes_no_nodes = policy.mode == "MPOL_DEFAULT" || policy.mode == "MPOL_LOCAL";
    if (takes_no_nodes && !policy.nodes.empty())
        return complaint(member_place(place, "nodes"), policy.mode + " takes no nodes");
    if (!takes_no_nodes && policy.mode != "MPOL_PREFERRED" && policy.nodes.empty())
        return complaint(member_place(place, "nodes"), "is missing, and " + policy.mode + " needs nodes");
    if (!policy.nodes.empty() && !numbers_of_list(policy.nodes, largest_memory_node))
        return complaint(member_place(place, "nodes"), shown(policy.nodes) + " is not a list of memory nodes", "write a list such as \"0-1\"");
    bool const is_static = std::find(policy.flags.begin(), policy.flags.end(), "MPOL_F_STATIC_NODES") != policy.flags.end();
    bool const is_relative = std::find(policy.flags.begin(), policy.flags.end(), "MPOL_F_RELATIVE_NODES") != policy.flags.end();
    if (is_static && is_relative)
        return complaint(member_place(place, "flags"), "MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each other");
    return ok();
}

Result<Unit> validate_hidden_paths(Config const& config)
{
    auto const& section = config.linux_section;
    if (!config.find_namespace(NamespaceType::mount)) {
        if (!section.masked_paths.empty())
            return complaint("linux.maskedPaths", "needs a mount namespace: without one it would hide the host's files");
        if (!section.readonly_paths.empty())
            return complaint("linux.readonlyPaths", "needs a mount namespace: without one it would change the host's files");
    }
    TRY(validate_absolute_paths(section.masked_paths, "linux.maskedPaths"));
    return validate_absolute_paths(section.readonly_paths, "linux.readonlyPaths");
}

} // namespace

Result<Unit> validate_absolute_paths(std::vector<std::string> const& paths, std::string_view place)
{
    for (std::size_t index = 0; index < paths.size(); ++index) {
        if (paths[index].empty() || paths[index][0] != '/')
            return complaint(element_place(place, index), shown(paths[index]) + " is not an absolute path");
    }
    return ok();
}

Result<Unit> validate_id_mappings(std::vector<IdMapping> const& mappings, std::string_view place)
{
    constexpr std::size_t most_mappings = 340; // UID_GID_MAP_MAX_EXTENTS
    constexpr std::uint64_t no_id = 0xffff'ffff;
    if (mappings.size() > most_mappings)
        return complaint(place, "has more than 340 entries, which is all the kernel takes");
    auto overlap = [](std::uint64_t first, std::uint64_t size, std::uint64_t other, std::uint64_t other_size) {
        return first < other + other_size && other < first + size;
    };
    for (std::size_t index = 0; index < mappings.size(); ++index) {
        auto const& mapping = mappings[index];
        if (mapping.size == 0)
            return complaint(element_place(place, index) + ".size", "is 0");
        if (std::uint64_t { mapping.container_id } + mapping.size > no_id || std::uint64_t { mapping.host_id } + mapping.size > no_id)
            return complaint(element_place(place, index), "goes beyond the last id, 4294967294");
        for (std::size_t other = 0; other < index; ++other) {
            if (overlap(mapping.container_id, mapping.size, mappings[other].container_id, mappings[other].size))
                return complaint(element_place(place, index), "overlaps the container's ids of " + element_place(place, other));
            if (overlap(mapping.host_id, mapping.size, mappings[other].host_id, mappings[other].size))
                return complaint(element_place(place, index), "overlaps the host's ids of " + element_place(place, other));
        }
    }
    return ok();
}

Result<Unit> validate_linux_section(Config const& config)
{
    auto const& section = config.linux_section;
    TRY(validate_namespaces(section.namespaces));
    TRY(validate_mappings(config));
    TRY(validate_time_offsets(config));
    TRY(validate_devices(section.devices));
    TRY(validate_net_devices(config));
    TRY(validate_cgroups_path(section.cgroups_path));
    TRY(validate_hidden_paths(config));
    TRY(validate_sysctls(config));
    if (section.resources)
        TRY(validate_resources(*section.resources, "linux.resources"));
    if (section.intel_rdt)
        TRY(validate_intel_rdt(*section.intel_rdt));
    if (section.memory_policy)
        TRY(validate_memory_policy(*section.memory_policy));
    if (section.seccomp)
        TRY(validate_seccomp(*section.seccomp));
    if (!section.rootfs_propagation.empty() && !is_one_of(rootfs_propagation_words(), section.rootfs_propagation))
        return complaint("linux.rootfsPropagation", one_of_text(rootfs_propagation_words()) + ", not " + shown(section.rootfs_propagation));
    if (!section.mount_label.empty() && !is_selinux_label(section.mount_label))
        return complaint("linux.mountLabel", shown(section.mount_label) + " is not a label", "write user:role:type or user:role:type:level");
    if (section.personality && !is_one_of(personality_words(), section.personality->domain))
        return complaint("linux.personality.domain", one_of_text(personality_words()) + ", not " + shown(section.personality->domain));
    return ok();
}

} // namespace bulkhead::oci
