#include "cgroup/convert.h"
#include "base/text.h"

#include <algorithm>
#include <cctype>
#include <cmath>

namespace bulkhead::cgroup {

std::uint64_t weight_from_shares(std::uint64_t shares)
{
    if (shares == 0)
        return 0;
    if (shares <= 2)
        return 1;
    if (shares >= 262144)
        return 10000;
    auto power = std::log2(static_cast<double>(shares));
    auto exponent = (power * power + 125 * power) / 612.0 - 7.0 / 34.0;
    return static_cast<std::uint64_t>(std::ceil(std::pow(10, exponent)));
}

std::uint64_t io_weight_from_blkio(std::uint16_t weight)
{
    if (weight == 0)
        return 0;
    return 1 + (std::uint64_t { std::max<std::uint16_t>(weight, 10) } - 10) * 9999 / 990;
}

Result<std::optional<std::int64_t>> swap_alone(oci::MemoryResources const& memory)
{
    auto limit = memory.limit.value_or(0);
    auto both = memory.swap.value_or(0);
    if (both == 0) // asked for memory without limit: then swap has none either
        return limit == -1 ? std::optional<std::int64_t>(-1) : std::nullopt;
    if (both == -1 || limit == -1)
        return std::optional<std::int64_t>(both);
    if (limit == 0)
        return invalid("linux.resources.memory.swap " + std::to_string(both)
                + " cannot be set without memory.limit: it counts memory and swap together, and cgroup v2 limits swap alone",
            "give memory.limit, too");
    return std::optional<std::int64_t>(both - limit);
}

Result<Unit> check_memory(oci::MemoryResources const& memory)
{
    struct Member {
        char const* name;
        std::optional<std::int64_t> value;
    };
    for (auto const& [name, value] :
        { Member { "limit", memory.limit }, Member { "reservation", memory.reservation }, Member { "swap", memory.swap } })
        if (value && *value < -1)
            return invalid("linux.resources.memory." + std::string(name) + " " + std::to_string(*value) + " is negative", "-1 means no limit");
    auto limit = memory.limit.value_or(0);
    auto swap = memory.swap.value_or(0);
    if (limit > 0 && swap > 0 && swap < limit)
        return invalid("linux.resources.memory.swap " + std::to_string(swap) + " is below memory.limit " + std::to_string(limit),
            "swap counts memory and swap together: give at least the memory limit");
    return ok();
}

Result<Unit> check_page_size(std::string const& size, std::size_t index)
{
    bool is_fine = !size.empty() && size.size() < 16 && std::all_of(size.begin(), size.end(), [](unsigned char c) { return std::isalnum(c) != 0; });
    if (is_fine)
        return ok();
    return invalid("linux.resources.hugepageLimits[" + std::to_string(index) + "].pageSize " + quoted(size) + " is not a page size",
        "write it as \"2MB\" or \"1GB\"; /sys/kernel/mm/hugepages has this host's");
}

std::string rdma_line(std::string const& device, oci::RdmaLimit const& limit)
{
    auto line = device;
    if (limit.hca_handles)
        line += " hca_handle=" + std::to_string(*limit.hca_handles);
    if (limit.hca_objects)
        line += " hca_object=" + std::to_string(*limit.hca_objects);
    return line;
}

} // namespace bulkhead::cgroup
