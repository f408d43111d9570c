#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "cli/duration.h"
#include "cli/session.h"

namespace bulkhead::cli {

namespace {

constexpr std::size_t max_resources_size = 4UL * 1024 * 1024;
using OptionalText = std::optional<std::string>;

struct UpdateFlags {
    std::string const& resources;
    OptionalText const& blkio_weight;
    OptionalText const& cpu_period;
    OptionalText const& cpu_quota;
    OptionalText const& cpu_burst;
    OptionalText const& cpu_shares;
    OptionalText const& cpu_rt_period;
    OptionalText const& cpu_rt_runtime;
    OptionalText const& cpu_idle;
    OptionalText const& cpuset_cpus;
    OptionalText const& cpuset_mems;
    OptionalText const& kernel_memory;
    OptionalText const& kernel_memory_tcp;
    OptionalText const& memory;
    OptionalText const& memory_reservation;
    OptionalText const& memory_swap;
    OptionalText const& pids_limit;
    OptionalText const& l3_cache_schema;
    OptionalText const& mem_bw_schema;
    std::string const& id;
};

UpdateFlags add_update_flags(Command& command)
{
    return {
        .resources = command.text("resources,r", "FILE", "a linux.resources document, or - for standard input; other flags are then ignored"),
        .blkio_weight = command.optional_text("blkio-weight", "WEIGHT", "weight of block I/O, 10 to 1000"),
        .cpu_period = command.optional_text("cpu-period", "MICROSECONDS", "period of the CPU limit"),
        .cpu_quota = command.optional_text("cpu-quota", "MICROSECONDS", "CPU time allowed in a period; -1 for no limit"),
        .cpu_burst = command.optional_text("cpu-burst", "MICROSECONDS", "CPU time that may be saved up"),
        .cpu_shares = command.optional_text("cpu-share,cpu-shares", "SHARES", "weight of CPU time against other containers"),
        .cpu_rt_period = command.optional_text("cpu-rt-period", "MICROSECONDS", "period of the real-time limit"),
        .cpu_rt_runtime = command.optional_text("cpu-rt-runtime", "MICROSECONDS", "real-time CPU time allowed in a period"),
        .cpu_idle = command.optional_text("cpu-idle", "0|1", "1: only CPU time that nobody else wants"),
        .cpuset_cpus = command.optional_text("cpuset-cpus", "LIST", "CPUs to run on, such as 0-2,4"),
        .cpuset_mems = command.optional_text("cpuset-mems", "LIST", "memory nodes to use"),
        .kernel_memory = command.optional_text("kernel-memory", "BYTES", "has no effect: kernels no longer know this limit"),
        .kernel_memory_tcp = command.optional_text("kernel-memory-tcp", "BYTES", "has no effect: kernels no longer know this limit"),
        .memory = command.optional_text("memory", "BYTES", "memory limit; units k, m, g"),
        .memory_reservation = command.optional_text("memory-reservation", "BYTES", "memory kept under pressure"),
        .memory_swap = command.optional_text("memory-swap", "BYTES", "limit of memory plus swap; -1 for no limit"),
        .pids_limit = command.optional_text("pids-limit", "N", "how many processes; -1 for no limit"),
        .l3_cache_schema = command.optional_text("l3-cache-schema", "SCHEMA", "Intel RDT: L3 cache"),
        .mem_bw_schema = command.optional_text("mem-bw-schema", "SCHEMA", "Intel RDT: memory bandwidth"),
        .id = command.argument("container-id", "name given to create or run"),
    };
}

Error wrong_value(std::string_view flag, std::string const& text)
{
    return invalid("invalid value " + quoted(text) + " for " + std::string(flag));
}

template <typename T> Result<Unit> set_number(std::string_view flag, OptionalText const& text, std::optional<T>& into)
{
    if (!text || text->empty())
        return ok();
    auto value = parse_number<T>(*text);
    if (!value)
        return wrong_value(flag, *text);
    into = *value;
    return ok();
}

Result<Unit> set_size(std::string_view flag, OptionalText const& text, std::optional<std::int64_t>& into)
{
    if (!text || text->empty())
        return ok();
    auto value = parse_size(*text);
    if (!value)
        return wrong_value(flag, *text);
    into = *value;
    return ok();
}

Result<Unit> refuse_rdt(UpdateFlags const& flags)
{
    if (!flags.l3_cache_schema && !flags.mem_bw_schema)
        return ok();
    bool is_mounted = open_at(FileView::current_directory(), "/sys/fs/resctrl/schemata", O_RDONLY).is_ok();
    return Error { .code = Errno::notsup,
        .message = is_mounted ? "update cannot change Intel RDT schemata in this version"
                              : "Intel RDT/CAT and MBA are not available: /sys/fs/resctrl is not mounted on this host",
        .hint = "leave out --l3-cache-schema and --mem-bw-schema" };
}

Result<oci::Resources> resources_from_flags(UpdateFlags const& flags)
{
    oci::CpuResources cpu;
    TRY(set_number("--cpu-period", flags.cpu_period, cpu.period));
    TRY(set_number("--cpu-quota", flags.cpu_quota, cpu.quota));
    TRY(set_number("--cpu-burst", flags.cpu_burst, cpu.burst));
    TRY(set_number("--cpu-share", flags.cpu_shares, cpu.shares));
    TRY(set_number("--cpu-rt-period", flags.cpu_rt_period, cpu.realtime_period));
    TRY(set_number("--cpu-rt-runtime", flags.cpu_rt_runtime, cpu.realtime_runtime));
    TRY(set_number("--cpu-idle", flags.cpu_idle, cpu.idle));
    cpu.cpus = flags.cpuset_cpus.value_or("");
    cpu.mems = flags.cpuset_mems.value_or("");
    oci::MemoryResources memory;
    TRY(set_size("--memory", flags.memory, memory.limit));
    TRY(set_size("--memory-reservation", flags.memory_reservation, memory.reservation));
    TRY(set_size("--memory-swap", flags.memory_swap, memory.swap));
    oci::BlockIoResources block_io;
    TRY(set_number("--blkio-weight", flags.blkio_weight, block_io.weight));
    oci::Resources resources;
    TRY(set_number("--pids-limit", flags.pids_limit, resources.pids_limit));

    bool has_cpu = cpu.period || cpu.quota || cpu.burst || cpu.shares || cpu.realtime_period || cpu.realtime_runtime || cpu.idle || !cpu.cpus.empty()
        || !cpu.mems.empty();
    if (has_cpu)
        resources.cpu = cpu;
    if (memory.limit || memory.reservation || memory.swap)
        resources.memory = memory;
    if (block_io.weight)
        resources.block_io = block_io;
    if (flags.kernel_memory || flags.kernel_memory_tcp)
        log::warning("limits of kernel memory have no effect and are ignored");
    return resources;
}

Result<oci::Resources> read_resources(std::string const& path)
{
    auto text = TRY(path == "-" ? read_all(FileView(0), max_resources_size).or_error("read standard input") : read_file(path, max_resources_size));
    return oci::parse_resources(text).context("--resources");
}

Result<int> update(Session const& session, UpdateFlags const& flags)
{
    TRY(refuse_rdt(flags));
    auto resources = TRY(flags.resources.empty() ? resources_from_flags(flags) : read_resources(flags.resources));
    auto container = TRY(session.load(flags.id));
    TRY(container.update(resources));
    return 0;
}

} // namespace

void add_update(CommandLine& line)
{
    auto& command = line.add("update", "change the resource limits of a container");
    auto flags = add_update_flags(command);
    command.runs([&line, flags] { return update(line.session, flags); });
}

} // namespace bulkhead::cli
