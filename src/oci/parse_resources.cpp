// "linux.resources" of config.json, which is also the document of update --resources. Older spellings count where the
// current one is absent.
#include "oci/parse.h"

#include <limits>

namespace bulkhead::oci {

namespace {

// A limit in bytes, -1 for none. Release candidates wrote the same as an unsigned number.
Result<Unit> optional_limit(JsonObject const& json, std::string_view key, std::optional<std::int64_t>& into)
{
    auto value = json.find(key);
    if (!value)
        return ok();
    std::uint64_t number = 0;
    if (value->read(number).is_ok() && number == std::numeric_limits<std::uint64_t>::max()) {
        into = -1;
        return ok();
    }
    return value->read(into);
}

// Device numbers: -1, as Go engines write it, means all of them, as does nothing.
Result<Unit> optional_device_number(JsonObject const& json, std::string_view key, std::optional<std::int64_t>& into)
{
    TRY(json.optional(key, into));
    if (into == -1)
        into.reset();
    if (into && (*into < 0 || *into > std::numeric_limits<std::uint32_t>::max()))
        return json.complaint(key, "is not a device number, nor -1 for all");
    return ok();
}

Result<DeviceRule> parse_device_rule(JsonObject const& json)
{
    DeviceRule rule;
    TRY(json.required("allow", rule.allow));
    TRY(json.optional("type", rule.type));
    if (rule.type.size() > 1 || std::string_view("abc").find(rule.type) == std::string_view::npos)
        return json.complaint("type", "must be a, b or c");
    TRY(optional_device_number(json, "major", rule.major));
    TRY(optional_device_number(json, "minor", rule.minor));
    TRY(json.optional("access", rule.access));
    if (rule.access.size() > 3 || rule.access.find_first_not_of("rwm") != std::string::npos)
        return json.complaint("access", "must be made of r, w and m");
    return rule;
}

Result<MemoryResources> parse_memory(JsonObject const& json)
{
    MemoryResources memory;
    TRY(optional_limit(json, "limit", memory.limit));
    TRY(optional_limit(json, "reservation", memory.reservation));
    TRY(optional_limit(json, "swap", memory.swap));
    TRY(optional_limit(json, "kernel", memory.kernel));
    TRY(optional_limit(json, "kernelTCP", memory.kernel_tcp));
    TRY(json.optional("swappiness", memory.swappiness));
    TRY(json.optional("disableOOMKiller", memory.disable_oom_killer));
    TRY(json.optional("useHierarchy", memory.use_hierarchy));
    TRY(json.optional("checkBeforeUpdate", memory.check_before_update));
    return memory;
}

Result<CpuResources> parse_cpu(JsonObject const& json)
{
    CpuResources cpu;
    TRY(json.optional("shares", cpu.shares));
    TRY(json.optional("quota", cpu.quota));
    TRY(json.optional("burst", cpu.burst));
    TRY(json.optional("period", cpu.period));
    TRY(json.optional("realtimeRuntime", cpu.realtime_runtime));
    TRY(json.optional("realtimePeriod", cpu.realtime_period));
    TRY(json.optional("cpus", cpu.cpus));
    TRY(json.optional("mems", cpu.mems));
    TRY(json.optional("idle", cpu.idle));
    return cpu;
}

template <typename Device> Result<Unit> parse_block_device(JsonObject const& json, Device& into)
{
    TRY(json.required("major", into.major));
    TRY(json.required("minor", into.minor));
    return ok();
}

Result<WeightDevice> parse_weight_device(JsonObject const& json)
{
    WeightDevice device;
    TRY(parse_block_device(json, device));
    TRY(json.optional("weight", device.weight));
    TRY(json.optional("leafWeight", device.leaf_weight));
    return device;
}

Result<ThrottleDevice> parse_throttle_device(JsonObject const& json)
{
    ThrottleDevice device;
    TRY(parse_block_device(json, device));
    TRY(json.required("rate", device.rate));
    return device;
}

// Before 1.0.0-rc6 every name had the prefix "blkio" ("blkioWeight"), and "IOPS" was spelled "Iops".
struct BlockIoNames {
    char const* weight;
    char const* leaf_weight;
    char const* weight_device;
    char const* read_bps;
    char const* write_bps;
    char const* read_iops;
    char const* write_iops;
};

constexpr BlockIoNames block_io_names[] = {
    { "blkioWeight", "blkioLeafWeight", "blkioWeightDevice", "blkioThrottleReadBpsDevice", "blkioThrottleWriteBpsDevice",
        "blkioThrottleReadIopsDevice", "blkioThrottleWriteIopsDevice" },
    { "weight", "leafWeight", "weightDevice", "throttleReadBpsDevice", "throttleWriteBpsDevice", "throttleReadIopsDevice",
        "throttleWriteIopsDevice" },
    { "blkioWeight", "blkioLeafWeight", "blkioWeightDevice", "blkioThrottleReadBpsDevice", "blkioThrottleWriteBpsDevice",
        "blkioThrottleReadIOPSDevice", "blkioThrottleWriteIOPSDevice" },
    { "weight", "leafWeight", "weightDevice", "throttleReadBpsDevice", "throttleWriteBpsDevice", "throttleReadIOPSDevice",
        "throttleWriteIOPSDevice" },
};

Result<BlockIoResources> parse_block_io(JsonObject const& json)
{
    BlockIoResources io;
    for (auto const& names : block_io_names) { // the current names come last and win
        TRY(json.optional(names.weight, io.weight));
        TRY(json.optional(names.leaf_weight, io.leaf_weight));
        TRY(json.optional_list(names.weight_device, io.weight_device, parse_weight_device));
        TRY(json.optional_list(names.read_bps, io.throttle_read_bps, parse_throttle_device));
        TRY(json.optional_list(names.write_bps, io.throttle_write_bps, parse_throttle_device));
        TRY(json.optional_list(names.read_iops, io.throttle_read_iops, parse_throttle_device));
        TRY(json.optional_list(names.write_iops, io.throttle_write_iops, parse_throttle_device));
    }
    return io;
}

Result<HugepageLimit> parse_hugepage_limit(JsonObject const& json)
{
    HugepageLimit limit;
    TRY(json.required("pageSize", limit.page_size));
    TRY(json.required("limit", limit.limit));
    return limit;
}

Result<InterfacePriority> parse_interface_priority(JsonObject const& json)
{
    InterfacePriority priority;
    TRY(json.required("name", priority.name));
    TRY(json.required("priority", priority.priority));
    return priority;
}

Result<NetworkResources> parse_network(JsonObject const& json)
{
    NetworkResources network;
    TRY(json.optional("classID", network.class_id));
    TRY(json.optional_list("priorities", network.priorities, parse_interface_priority));
    return network;
}

Result<RdmaLimit> parse_rdma_limit(JsonObject const& json)
{
    RdmaLimit limit;
    TRY(json.optional("hcaHandles", limit.hca_handles));
    TRY(json.optional("hcaObjects", limit.hca_objects));
    return limit;
}

Result<std::map<std::string, RdmaLimit>> parse_rdma(JsonObject const& json)
{
    std::map<std::string, RdmaLimit> limits;
    for (auto const& device : json.keys())
        TRY(json.optional_object(device, limits[device], parse_rdma_limit));
    return limits;
}

Result<std::optional<std::int64_t>> parse_pids(JsonObject const& json)
{
    std::optional<std::int64_t> limit;
    TRY(json.optional("limit", limit)); // required before 1.3
    return limit;
}

// Members that stood in "resources" itself before 1.0.0. parse_config() takes "oomScoreAdj" into the process.
Result<Unit> parse_old_members(JsonObject const& json, Resources& resources)
{
    std::optional<bool> disable_oom_killer;
    std::optional<std::int32_t> oom_score_adj;
    TRY(json.optional("disableOOMKiller", disable_oom_killer));
    TRY(json.optional("oomScoreAdj", oom_score_adj));
    if (!disable_oom_killer)
        return ok();
    if (!resources.memory)
        resources.memory.emplace();
    if (!resources.memory->disable_oom_killer)
        resources.memory->disable_oom_killer = disable_oom_killer;
    return ok();
}

} // namespace

Result<Resources> parse_resources_object(JsonObject const& json)
{
    Resources resources;
    TRY(json.optional_list("devices", resources.devices, parse_device_rule));
    TRY(json.optional_object("memory", resources.memory, parse_memory));
    TRY(json.optional_object("cpu", resources.cpu, parse_cpu));
    TRY(json.optional_object("pids", resources.pids_limit, parse_pids));
    TRY(json.optional_object("blockIO", resources.block_io, parse_block_io));
    TRY(json.optional_list("hugepageLimits", resources.hugepage_limits, parse_hugepage_limit));
    TRY(json.optional_object("network", resources.network, parse_network));
    TRY(json.optional_object("rdma", resources.rdma, parse_rdma));
    TRY(json.optional("unified", resources.unified));
    TRY(parse_old_members(json, resources));
    return resources;
}

} // namespace bulkhead::oci
