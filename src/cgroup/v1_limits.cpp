// oci::Resources as values of cgroup v1 files: Documentation/admin-guide/cgroup-v1/.
#include "base/log.h"
#include "base/text.h"
#include "cgroup/convert.h"
#include "cgroup/v1.h"

namespace bulkhead::cgroup {

namespace {

std::string device_line(std::int64_t major, std::int64_t minor, std::uint64_t value)
{
    return std::to_string(major) + ":" + std::to_string(minor) + " " + std::to_string(value);
}

Result<Unit> set_memory_and_swap(GroupFolder const& group, oci::MemoryResources const& memory, Values values)
{
    auto limit = memory.limit.value_or(0);
    auto swap = memory.swap.value_or(0);
    // A group without a memory limit has none for memory and swap together either.
    if (limit == -1 && swap == 0 && group.has("memory.memsw.limit_in_bytes"))
        swap = -1;
    bool is_fresh = values == Values::fresh;
    auto set_limit = [&]() -> Result<Unit> {
        if (limit == 0 || (limit == -1 && is_fresh))
            return ok();
        auto set = group.set("memory.limit_in_bytes", std::to_string(limit), "memory.limit");
        if (set.is_error() && set.error().code == Errno::busy)
            if (auto usage = group.number("memory.usage_in_bytes"))
                set.error().message += " (" + std::to_string(*usage) + " bytes are in use)";
        return set;
    };
    auto set_swap = [&]() -> Result<Unit> {
        if (swap == 0 || (swap == -1 && is_fresh))
            return ok();
        return group.set("memory.memsw.limit_in_bytes", std::to_string(swap), "memory.swap");
    };
    // Linux refuses a memory limit above the limit of memory and swap, so whichever grows must go first.
    bool swap_first = limit != 0 && swap != 0 && !is_fresh
        && (swap == -1 || group.number("memory.limit_in_bytes").value_or(0) < static_cast<std::uint64_t>(swap));
    if (swap_first) {
        TRY(set_swap());
        return set_limit();
    }
    TRY(set_limit());
    return set_swap();
}

Result<Unit> set_memory(V1Cgroup const& cgroup, oci::MemoryResources const& memory)
{
    TRY(check_memory(memory));
    if (memory.kernel)
        log::debug("linux.resources.memory.kernel is ignored: Linux no longer has this limit");
    bool wants_any = memory.limit.value_or(0) != 0 || memory.swap.value_or(0) != 0 || memory.reservation.value_or(0) != 0
        || memory.kernel_tcp.value_or(0) != 0 || memory.disable_oom_killer.value_or(false) || memory.swappiness;
    if (!wants_any)
        return ok();
    auto group = TRY(cgroup.folder_of("memory", memory.limit ? "memory.limit" : "memory"));
    TRY(set_memory_and_swap(group, memory, cgroup.values()));
    if (memory.reservation.value_or(0) != 0)
        TRY(group.set("memory.soft_limit_in_bytes", std::to_string(*memory.reservation), "memory.reservation"));
    if (memory.kernel_tcp.value_or(0) != 0)
        TRY(group.set("memory.kmem.tcp.limit_in_bytes", std::to_string(*memory.kernel_tcp), "memory.kernelTCP"));
    if (memory.disable_oom_killer.value_or(false))
        TRY(group.set("memory.oom_control", "1", "memory.disableOOMKiller"));
    if (memory.swappiness) {
        if (*memory.swappiness > 100)
            return invalid(
                "linux.resources.memory.swappiness " + std::to_string(*memory.swappiness) + " is too large", "give a number from 0 to 100");
        TRY(group.set("memory.swappiness", std::to_string(*memory.swappiness), "memory.swappiness"));
    }
    return ok();
}

// Quota, period and burst bound each other: one that does not fit the old values may fit after the quota is set.
Result<Unit> set_bandwidth(GroupFolder const& group, oci::CpuResources const& cpu)
{
    bool has_quota = cpu.quota.value_or(0) != 0;
    auto set_period = [&] { return group.set("cpu.cfs_period_us", std::to_string(*cpu.period), "cpu.period"); };
    auto set_burst = [&] { return group.set("cpu.cfs_burst_us", std::to_string(*cpu.burst), "cpu.burst"); };
    bool period_again = false;
    bool burst_again = false;
    if (cpu.period.value_or(0) != 0) {
        auto set = set_period();
        period_again = set.is_error() && set.error().code == Errno::inval && has_quota;
        if (set.is_error() && !period_again)
            return set;
    }
    if (cpu.burst) {
        auto set = set_burst();
        burst_again = set.is_error() && set.error().code == Errno::inval && has_quota;
        if (set.is_error() && !burst_again)
            return set;
    }
    if (has_quota)
        TRY(group.set("cpu.cfs_quota_us", std::to_string(*cpu.quota), "cpu.quota"));
    if (period_again)
        TRY(set_period());
    if (burst_again)
        TRY(set_burst());
    return ok();
}

Result<Unit> set_shares(GroupFolder const& group, std::uint64_t shares)
{
    TRY(group.set("cpu.shares", std::to_string(shares), "cpu.shares"));
    // Linux clamps in silence; only values outside the range need a second look.
    if (shares >= 2 && shares <= 262144)
        return ok();
    auto taken = group.number("cpu.shares").value_or(shares);
    if (taken == shares)
        return ok();
    return invalid("linux.resources.cpu.shares " + std::to_string(shares)
            + (taken < shares ? " is above the largest value " : " is below the smallest value ") + std::to_string(taken),
        "give a number from 2 to 262144; 1024 is the share of a group without a setting");
}

Result<Unit> set_cpu(V1Cgroup const& cgroup, oci::CpuResources const& cpu)
{
    bool wants_any = cpu.shares.value_or(0) != 0 || cpu.quota.value_or(0) != 0 || cpu.period.value_or(0) != 0 || cpu.burst || cpu.idle
        || cpu.realtime_runtime.value_or(0) != 0 || cpu.realtime_period.value_or(0) != 0;
    if (!wants_any)
        return ok();
    auto group = TRY(cgroup.folder_of("cpu", "cpu"));
    if (cpu.realtime_period.value_or(0) != 0)
        TRY(group.set("cpu.rt_period_us", std::to_string(*cpu.realtime_period), "cpu.realtimePeriod"));
    if (cpu.realtime_runtime.value_or(0) != 0)
        TRY(group.set("cpu.rt_runtime_us", std::to_string(*cpu.realtime_runtime), "cpu.realtimeRuntime"));
    if (cpu.idle && *cpu.idle == 0)
        TRY(group.set("cpu.idle", "0", "cpu.idle")); // an idle group refuses shares
    if (cpu.shares.value_or(0) != 0)
        TRY(set_shares(group, *cpu.shares));
    TRY(set_bandwidth(group, cpu));
    if (cpu.idle && *cpu.idle != 0)
        TRY(group.set("cpu.idle", std::to_string(*cpu.idle), "cpu.idle"));
    return ok();
}

Result<Unit> set_pids(V1Cgroup const& cgroup, std::int64_t limit)
{
    // 0 has long meant "nothing set" for engines and runtimes alike; a fresh group has no limit.
    if (limit == 0 || (limit < 0 && cgroup.values() == Values::fresh))
        return ok();
    auto group = TRY(cgroup.folder_of("pids", "pids.limit"));
    return group.set("pids.max", limit < 0 ? "max" : std::to_string(limit), "pids.limit");
}

Result<Unit> set_throttle(GroupFolder const& group, char const* file, char const* member, std::vector<oci::ThrottleDevice> const& devices)
{
    for (std::size_t index = 0; index < devices.size(); ++index)
        TRY(group.set(file, device_line(devices[index].major, devices[index].minor, devices[index].rate),
            std::string("blockIO.") + member + "[" + std::to_string(index) + "].rate"));
    return ok();
}

Result<Unit> set_block_io(V1Cgroup const& cgroup, oci::BlockIoResources const& io)
{
    bool wants_any = io.weight.value_or(0) != 0 || io.leaf_weight.value_or(0) != 0 || !io.weight_device.empty() || !io.throttle_read_bps.empty()
        || !io.throttle_write_bps.empty() || !io.throttle_read_iops.empty() || !io.throttle_write_iops.empty();
    if (!wants_any)
        return ok();
    auto group = TRY(cgroup.folder_of("blkio", "blockIO"));
    // The scheduler that takes weights: CFQ before Linux 5.0, BFQ since.
    bool wants_weight = io.weight.value_or(0) != 0 || !io.weight_device.empty();
    bool is_bfq = wants_weight && !group.has("blkio.weight") && group.has("blkio.bfq.weight");
    if (io.weight.value_or(0) != 0)
        TRY(group.set(is_bfq ? "blkio.bfq.weight" : "blkio.weight", std::to_string(*io.weight), "blockIO.weight"));
    if (io.leaf_weight.value_or(0) != 0)
        TRY(group.set("blkio.leaf_weight", std::to_string(*io.leaf_weight), "blockIO.leafWeight"));
    for (std::size_t index = 0; index < io.weight_device.size(); ++index) {
        auto const& device = io.weight_device[index];
        auto member = "blockIO.weightDevice[" + std::to_string(index) + "].";
        if (device.weight.value_or(0) != 0)
            TRY(group.set(is_bfq ? "blkio.bfq.weight_device" : "blkio.weight_device", device_line(device.major, device.minor, *device.weight),
                member + "weight"));
        if (device.leaf_weight.value_or(0) != 0)
            TRY(group.set("blkio.leaf_weight_device", device_line(device.major, device.minor, *device.leaf_weight), member + "leafWeight"));
    }
    TRY(set_throttle(group, "blkio.throttle.read_bps_device", "throttleReadBpsDevice", io.throttle_read_bps));
    TRY(set_throttle(group, "blkio.throttle.write_bps_device", "throttleWriteBpsDevice", io.throttle_write_bps));
    TRY(set_throttle(group, "blkio.throttle.read_iops_device", "throttleReadIOPSDevice", io.throttle_read_iops));
    return set_throttle(group, "blkio.throttle.write_iops_device", "throttleWriteIOPSDevice", io.throttle_write_iops);
}

Result<Unit> set_hugepages(V1Cgroup const& cgroup, std::vector<oci::HugepageLimit> const& limits)
{
    for (std::size_t index = 0; index < limits.size(); ++index) {
        auto member = "hugepageLimits[" + std::to_string(index) + "].limit";
        TRY(check_page_size(limits[index].page_size, index));
        auto group = TRY(cgroup.folder_of("hugetlb", member));
        auto value = std::to_string(limits[index].limit);
        auto prefix = "hugetlb." + limits[index].page_size;
        TRY(group.set((prefix + ".limit_in_bytes").c_str(), value, member));
        // Reservations are limited, too, where Linux (5.7 and newer) can: else a reservation escapes the limit.
        auto reserved = group.set((prefix + ".rsvd.limit_in_bytes").c_str(), value, member);
        if (reserved.is_error() && reserved.error().code != Errno::noent)
            return reserved;
    }
    return ok();
}

Result<Unit> set_network(V1Cgroup const& cgroup, oci::NetworkResources const& network)
{
    if (network.class_id.value_or(0) != 0) {
        auto group = TRY(cgroup.folder_of("net_cls", "network.classID"));
        TRY(group.set("net_cls.classid", std::to_string(*network.class_id), "network.classID"));
    }
    for (std::size_t index = 0; index < network.priorities.size(); ++index) {
        auto member = "network.priorities[" + std::to_string(index) + "]";
        auto group = TRY(cgroup.folder_of("net_prio", member));
        auto const& priority = network.priorities[index];
        TRY(group.set("net_prio.ifpriomap", priority.name + " " + std::to_string(priority.priority), member));
    }
    return ok();
}

} // namespace

Result<Unit> set_v1_limits(V1Cgroup const& cgroup, oci::Resources const& resources)
{
    if (resources.memory)
        TRY(set_memory(cgroup, *resources.memory));
    if (resources.cpu)
        TRY(set_cpu(cgroup, *resources.cpu));
    if (resources.pids_limit)
        TRY(set_pids(cgroup, *resources.pids_limit));
    if (resources.block_io)
        TRY(set_block_io(cgroup, *resources.block_io));
    TRY(set_hugepages(cgroup, resources.hugepage_limits));
    if (resources.network)
        TRY(set_network(cgroup, *resources.network));
    for (auto const& [device, limit] : resources.rdma) {
        auto group = TRY(cgroup.folder_of("rdma", "rdma." + device));
        TRY(group.set("rdma.max", rdma_line(device, limit), "rdma." + device));
    }
    return ok();
}

} // namespace bulkhead::cgroup
