// The specification's values, which are those of cgroup v1, in the units of v2; and checks that both versions share.
#pragma once

#include "base/result.h"
#include "oci/config.h"

#include <cstdint>
#include <optional>
#include <string>

namespace bulkhead::cgroup {

// cpu.shares (2 to 262144, default 1024) as cpu.weight (1 to 10000, default 100). The curve goes through all three
// pairs; the older straight line gave a container with default shares 39 and so less than its neighbours.
std::uint64_t weight_from_shares(std::uint64_t shares);
// blkio weight (10 to 1000) as io.weight (1 to 10000).
std::uint64_t io_weight_from_blkio(std::uint16_t weight);
// memory.swap counts memory and swap together; v2 counts swap alone. Nothing: leave it. -1: no limit.
Result<std::optional<std::int64_t>> swap_alone(oci::MemoryResources const&);

// Values that no kernel takes.
Result<Unit> check_memory(oci::MemoryResources const&);
// "2MB", "1GB": a page size must not smuggle another file's name in.
Result<Unit> check_page_size(std::string const& size, std::size_t index);
// "mlx5_0 hca_handle=2 hca_object=2000"
std::string rdma_line(std::string const& device, oci::RdmaLimit const&);

} // namespace bulkhead::cgroup
