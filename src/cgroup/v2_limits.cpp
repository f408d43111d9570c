// oci::Resources, whose units are those of v1, as values of cgroup v2 files: Documentation/admin-guide/cgroup-v2.rst.
#include "base/log.h"
#include "base/text.h"
#include "cgroup/convert.h"
#include "cgroup/v2.h"

#include <algorithm>

namespace bulkhead::cgroup {

namespace {

std::string limit_text(std::int64_t value)
{
    return value < 0 ? "max" : std::to_string(value);
}

Error only_v1(std::string_view member, std::string_view instead)
{
    return Error { .code = Errno::notsup,
        .message = "linux.resources." + std::string(member) + " cannot be set: cgroup v2 has no such limit",
        .hint = std::string(instead) };
}

Result<Unit> refuse_what_v2_lacks(oci::Resources const& resources)
{
    if (auto const& memory = resources.memory) {
        if (memory->swappiness)
            return only_v1("memory.swappiness", "leave it out; vm.swappiness of the host decides");
        if (memory->disable_oom_killer.value_or(false))
            return only_v1("memory.disableOOMKiller", "leave it out, or set process.oomScoreAdj to -1000");
        if (memory->kernel_tcp.value_or(0) > 0)
            return only_v1("memory.kernelTCP", "leave it out; memory.limit counts socket buffers, too");
    }
    if (auto const& cpu = resources.cpu)
        if (cpu->realtime_runtime.value_or(0) > 0 || cpu->realtime_period.value_or(0) > 0)
            return only_v1("cpu.realtimeRuntime", "leave it out");
    if (auto const& network = resources.network)
        if (network->class_id.value_or(0) != 0 || !network->priorities.empty())
            return only_v1("network", "leave it out, and match the group in nftables (socket cgroupv2)");
    if (resources.block_io && resources.block_io->leaf_weight.value_or(0) != 0)
        return only_v1("blockIO.leafWeight", "leave it out");
    return ok();
}

Result<Unit> check_against_usage(V2Cgroup const& cgroup, oci::MemoryResources const& memory)
{
    if (!memory.check_before_update.value_or(false) || memory.limit.value_or(0) <= 0)
        return ok();
    auto group = TRY(cgroup.folder());
    auto used = group.number("memory.current").value_or(0);
    if (used <= static_cast<std::uint64_t>(*memory.limit))
        return ok();
    return Error { .code = Errno::busy,
        .message = "linux.resources.memory.limit " + std::to_string(*memory.limit) + " is below the " + std::to_string(used) + " bytes in use",
        .hint = "checkBeforeUpdate is set: without it the kernel would kill processes until the rest fits" };
}

Result<Unit> set_memory(V2Cgroup const& cgroup, oci::MemoryResources const& memory)
{
    TRY(check_memory(memory));
    if (memory.kernel)
        log::debug("linux.resources.memory.kernel is ignored: Linux no longer has this limit");
    TRY(check_against_usage(cgroup, memory));
    bool is_fresh = cgroup.values() == Values::fresh;
    auto swap = TRY(swap_alone(memory));
    if (swap && !(*swap < 0 && is_fresh)) {
        auto set = cgroup.set("memory.swap.max", limit_text(*swap), "memory.swap");
        // A kernel without swap accounting has no swap to forbid or to allow.
        bool is_moot = set.is_error() && set.error().code == Errno::noent && (*swap <= 0);
        if (set.is_error() && !is_moot)
            return set;
    }
    auto limit = memory.limit.value_or(0);
    if (limit != 0 && !(limit < 0 && is_fresh))
        TRY(cgroup.set("memory.max", limit_text(limit), "memory.limit"));
    if (memory.reservation.value_or(0) != 0)
        TRY(cgroup.set("memory.low", limit_text(*memory.reservation), "memory.reservation"));
    return ok();
}

// "max 100000" or "50000 100000"; what is not asked for stays as it is.
Result<std::string> bandwidth(V2Cgroup const& cgroup, oci::CpuResources const& cpu)
{
    std::string quota = "max";
    std::string period = "100000";
    if (cgroup.values() != Values::fresh && (cpu.quota.value_or(0) == 0 || cpu.period.value_or(0) == 0)) {
        auto group = TRY(cgroup.folder());
        if (auto now = group.read("cpu.max"); now.is_ok()) {
            auto parts = split(now.value(), ' ');
            if (parts.size() == 2) {
                quota = parts[0];
                period = parts[1];
            }
        }
    }
    if (cpu.quota.value_or(0) != 0)
        quota = limit_text(*cpu.quota);
    if (cpu.period.value_or(0) != 0)
        period = std::to_string(*cpu.period);
    return quota + " " + period;
}

Result<Unit> set_cpu(V2Cgroup const& cgroup, oci::CpuResources const& cpu)
{
    if (cpu.idle)
        TRY(cgroup.set("cpu.idle", std::to_string(*cpu.idle), "cpu.idle"));
    bool is_idle = cpu.idle.value_or(0) != 0;
    if (cpu.shares.value_or(0) != 0 && !is_idle) // Linux: an idle group refuses weights
        TRY(cgroup.set("cpu.weight", std::to_string(weight_from_shares(*cpu.shares)), "cpu.shares"));
    // A burst above the old quota may fit the new one.
    bool has_bandwidth = cpu.quota.value_or(0) != 0 || cpu.period.value_or(0) != 0;
    auto set_burst = [&] { return cgroup.set("cpu.max.burst", std::to_string(*cpu.burst), "cpu.burst"); };
    bool burst_again = false;
    if (cpu.burst) {
        auto set = set_burst();
        burst_again = set.is_error() && set.error().code == Errno::inval && has_bandwidth;
        if (set.is_error() && !burst_again)
            return set;
    }
    if (has_bandwidth) {
        auto value = TRY(bandwidth(cgroup, cpu));
        TRY(cgroup.set("cpu.max", value, cpu.quota.value_or(0) != 0 ? "cpu.quota" : "cpu.period"));
    }
    if (burst_again)
        TRY(set_burst());
    if (!cpu.cpus.empty())
        TRY(cgroup.set("cpuset.cpus", cpu.cpus, "cpu.cpus"));
    if (!cpu.mems.empty())
        TRY(cgroup.set("cpuset.mems", cpu.mems, "cpu.mems"));
    return ok();
}

std::string device_prefix(std::int64_t major, std::int64_t minor)
{
    return std::to_string(major) + ":" + std::to_string(minor) + " ";
}

// BFQ takes the specification's own scale, the io.cost controller another.
Result<Unit> set_io_weights(V2Cgroup const& cgroup, oci::BlockIoResources const& io)
{
    bool wants_any = io.weight.value_or(0) != 0 || !io.weight_device.empty();
    if (!wants_any)
        return ok();
    auto group = TRY(cgroup.folder());
    bool is_bfq = group.has("io.bfq.weight");
    auto const* file = is_bfq ? "io.bfq.weight" : "io.weight";
    auto text = [&](std::uint16_t weight) { return std::to_string(is_bfq ? weight : io_weight_from_blkio(weight)); };
    if (io.weight.value_or(0) != 0)
        TRY(cgroup.set(file, "default " + text(*io.weight), "blockIO.weight"));
    for (std::size_t index = 0; index < io.weight_device.size(); ++index) {
        auto const& device = io.weight_device[index];
        if (device.weight.value_or(0) != 0)
            TRY(cgroup.set(file, device_prefix(device.major, device.minor) + text(*device.weight),
                "blockIO.weightDevice[" + std::to_string(index) + "].weight"));
        if (device.leaf_weight.value_or(0) != 0)
            return only_v1("blockIO.weightDevice[" + std::to_string(index) + "].leafWeight", "leave it out");
    }
    return ok();
}

Result<Unit> set_throttle(V2Cgroup const& cgroup, char const* key, char const* member, std::vector<oci::ThrottleDevice> const& devices)
{
    for (std::size_t index = 0; index < devices.size(); ++index) {
        auto rate = devices[index].rate == 0 ? "max" : std::to_string(devices[index].rate); // v1 lifts a limit by 0
        TRY(cgroup.set("io.max", device_prefix(devices[index].major, devices[index].minor) + key + "=" + rate,
            std::string("blockIO.") + member + "[" + std::to_string(index) + "].rate"));
    }
    return ok();
}

Result<Unit> set_io(V2Cgroup const& cgroup, oci::BlockIoResources const& io)
{
    TRY(set_io_weights(cgroup, io));
    TRY(set_throttle(cgroup, "rbps", "throttleReadBpsDevice", io.throttle_read_bps));
    TRY(set_throttle(cgroup, "wbps", "throttleWriteBpsDevice", io.throttle_write_bps));
    TRY(set_throttle(cgroup, "riops", "throttleReadIOPSDevice", io.throttle_read_iops));
    return set_throttle(cgroup, "wiops", "throttleWriteIOPSDevice", io.throttle_write_iops);
}

Result<Unit> set_hugepages(V2Cgroup const& cgroup, std::vector<oci::HugepageLimit> const& limits)
{
    for (std::size_t index = 0; index < limits.size(); ++index) {
        TRY(check_page_size(limits[index].page_size, index));
        auto member = "hugepageLimits[" + std::to_string(index) + "].limit";
        auto prefix = "hugetlb." + limits[index].page_size;
        auto value = std::to_string(limits[index].limit);
        TRY(cgroup.set((prefix + ".max").c_str(), value, member));
        auto reserved = cgroup.set((prefix + ".rsvd.max").c_str(), value, member);
        if (reserved.is_error() && reserved.error().code != Errno::noent)
            return reserved;
    }
    return ok();
}

Result<Unit> check_unified_name(std::string const& name)
{
    auto place = "linux.resources.unified." + name;
    if (name.find('/') != std::string::npos || name == ".." || name.find('.') == std::string::npos || name.front() == '.')
        return invalid(place + " is not the name of a cgroup file", "write it as CONTROLLER.PARAMETER, for example \"memory.high\"");
    // cgroup.procs and its like move, stop or kill processes: they are not limits.
    if (name.starts_with("cgroup.") && !name.starts_with("cgroup.max."))
        return invalid(place + " is not a limit", "only cgroup.max.depth and cgroup.max.descendants of the core's files can be set");
    return ok();
}

Result<Unit> set_unified(V2Cgroup const& cgroup, std::map<std::string, std::string> const& unified)
{
    for (auto const& [name, text] : unified) {
        TRY(check_unified_name(name));
        // Files with a line for each device take one line for each write.
        for (auto line : split(text, '\n'))
            if (!trim(line).empty())
                TRY(cgroup.set(name.c_str(), trim(line), "unified." + name));
    }
    return ok();
}

} // namespace

Result<Unit> set_v2_limits(V2Cgroup const& cgroup, oci::Resources const& resources)
{
    TRY(refuse_what_v2_lacks(resources));
    // 0 has long meant "nothing set" for engines and runtimes alike; a fresh group has no limit.
    auto pids = resources.pids_limit.value_or(0);
    if (pids > 0 || (pids < 0 && cgroup.values() != Values::fresh))
        TRY(cgroup.set("pids.max", limit_text(pids), "pids.limit"));
    if (resources.memory)
        TRY(set_memory(cgroup, *resources.memory));
    if (resources.block_io)
        TRY(set_io(cgroup, *resources.block_io));
    if (resources.cpu)
        TRY(set_cpu(cgroup, *resources.cpu));
    TRY(set_hugepages(cgroup, resources.hugepage_limits));
    for (auto const& [device, limit] : resources.rdma)
        TRY(cgroup.set("rdma.max", rdma_line(device, limit), "rdma." + device));
    return set_unified(cgroup, resources.unified);
}

} // namespace bulkhead::cgroup
