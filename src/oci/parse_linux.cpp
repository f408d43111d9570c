// "linux" of config.json, but for its resources.
#include "oci/parse.h"

namespace bulkhead::oci {

namespace {

Result<Namespace> parse_namespace(JsonObject const& json)
{
    Namespace entry;
    std::string type;
    TRY(required_word(json, "type", namespace_words(), type));
    entry.type = *namespace_by_name(type);
    TRY(json.optional("path", entry.path));
    return entry;
}

Result<TimeOffset> parse_time_offset(JsonObject const& json)
{
    TimeOffset offset;
    TRY(json.optional("secs", offset.seconds));
    TRY(json.optional("nanosecs", offset.nanoseconds));
    return offset;
}

Result<std::map<std::string, TimeOffset>> parse_time_offsets(JsonObject const& json)
{
    std::map<std::string, TimeOffset> offsets;
    for (auto const& clock : json.keys()) {
        if (clock != "monotonic" && clock != "boottime")
            return json.complaint(clock, "is not a clock of a time namespace: only monotonic and boottime are");
        TRY(json.optional_object(clock, offsets[clock], parse_time_offset));
    }
    return offsets;
}

Result<Device> parse_device(JsonObject const& json)
{
    Device device;
    TRY(json.required("path", device.path));
    TRY(json.required("type", device.type));
    if (device.type.size() != 1 || std::string_view("cubp").find(device.type) == std::string_view::npos)
        return json.complaint("type", "must be b, c, p or u");
    if (device.type == "p") {
        TRY(json.optional("major", device.major));
        TRY(json.optional("minor", device.minor));
    } else {
        TRY(json.required("major", device.major));
        TRY(json.required("minor", device.minor));
    }
    TRY(json.optional("fileMode", device.file_mode));
    TRY(json.optional("uid", device.uid));
    TRY(json.optional("gid", device.gid));
    return device;
}

Result<std::string> parse_name(JsonObject const& json)
{
    std::string name;
    TRY(json.optional("name", name));
    return name;
}

Result<std::vector<NetDevice>> parse_net_devices(JsonObject const& json)
{
    std::vector<NetDevice> devices;
    for (auto const& name : json.keys()) {
        NetDevice device;
        device.host_name = name;
        TRY(json.optional_object(name, device.name, parse_name));
        devices.push_back(std::move(device));
    }
    return devices;
}

// A list since 1.3; a development version had one text of several lines.
Result<Unit> parse_schemata(JsonObject const& json, std::vector<std::string>& into)
{
    auto value = json.find("schemata");
    if (!value)
        return ok();
    if (value->is_array())
        return value->read(into);
    std::string text;
    TRY(value->read(text));
    into = { text };
    return ok();
}

Result<IntelRdt> parse_intel_rdt(JsonObject const& json)
{
    IntelRdt rdt;
    bool cache_monitoring = false; // until 1.2
    bool bandwidth_monitoring = false; // until 1.2
    TRY(json.optional("closID", rdt.clos_id));
    TRY(parse_schemata(json, rdt.schemata));
    TRY(json.optional("l3CacheSchema", rdt.l3_cache_schema));
    TRY(json.optional("memBwSchema", rdt.mem_bw_schema));
    TRY(json.optional("enableMonitoring", rdt.enable_monitoring));
    TRY(json.optional("enableCMT", cache_monitoring));
    TRY(json.optional("enableMBM", bandwidth_monitoring));
    rdt.enable_monitoring = rdt.enable_monitoring || cache_monitoring || bandwidth_monitoring;
    return rdt;
}

Result<MemoryPolicy> parse_memory_policy(JsonObject const& json)
{
    MemoryPolicy policy;
    TRY(required_word(json, "mode", memory_policy_mode_words(), policy.mode));
    TRY(json.optional("nodes", policy.nodes));
    TRY(optional_words(json, "flags", memory_policy_flag_words(), policy.flags));
    return policy;
}

Result<Personality> parse_personality(JsonObject const& json)
{
    Personality personality;
    TRY(required_word(json, "domain", personality_words(), personality.domain));
    TRY(json.optional("flags", personality.flags));
    return personality;
}

Result<Unit> parse_ids_and_namespaces(JsonObject const& json, LinuxSection& section)
{
    TRY(json.optional_list("namespaces", section.namespaces, parse_namespace));
    TRY(json.optional_list("uidMappings", section.uid_mappings, parse_id_mapping));
    TRY(json.optional_list("gidMappings", section.gid_mappings, parse_id_mapping));
    TRY(json.optional_object("timeOffsets", section.time_offsets, parse_time_offsets));
    return ok();
}

// An empty section means no filter: engines write {} for an unconfined container, as runc accepts it.
Result<Unit> parse_optional_seccomp(JsonObject const& json, LinuxSection& section)
{
    auto value = json.find("seccomp");
    if (!value)
        return ok();
    auto object = TRY(value->as_object());
    if (!object.has("defaultAction") && !object.has("syscalls"))
        return ok();
    section.seccomp = TRY(parse_seccomp(object));
    return ok();
}

} // namespace

Result<LinuxSection> parse_linux_section(JsonObject const& json)
{
    LinuxSection section;
    TRY(parse_ids_and_namespaces(json, section));
    TRY(json.optional_list("devices", section.devices, parse_device));
    TRY(json.optional_object("netDevices", section.net_devices, parse_net_devices));
    TRY(json.optional("cgroupsPath", section.cgroups_path));
    TRY(json.optional_object("resources", section.resources, parse_resources_object));
    TRY(json.optional_object("intelRdt", section.intel_rdt, parse_intel_rdt));
    TRY(json.optional_object("memoryPolicy", section.memory_policy, parse_memory_policy));
    TRY(json.optional("sysctl", section.sysctl));
    TRY(parse_optional_seccomp(json, section));
    TRY(optional_word(json, "rootfsPropagation", rootfs_propagation_words(), section.rootfs_propagation));
    TRY(json.optional("maskedPaths", section.masked_paths));
    TRY(json.optional("readonlyPaths", section.readonly_paths));
    TRY(json.optional("mountLabel", section.mount_label));
    TRY(json.optional_object("personality", section.personality, parse_personality));
    return section;
}

} // namespace bulkhead::oci
