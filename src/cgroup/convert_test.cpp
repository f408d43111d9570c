#include "cgroup/convert.h"

#include <gtest/gtest.h>

namespace bulkhead::cgroup {
namespace {

TEST(WeightFromShares, meets_the_ends_and_the_default)
{
    EXPECT_EQ(weight_from_shares(0), 0U);
    EXPECT_EQ(weight_from_shares(1), 1U);
    EXPECT_EQ(weight_from_shares(2), 1U);
    EXPECT_EQ(weight_from_shares(1024), 100U);
    EXPECT_EQ(weight_from_shares(262144), 10000U);
    EXPECT_EQ(weight_from_shares(~0ULL), 10000U);
}

TEST(WeightFromShares, never_falls_when_shares_grow)
{
    std::uint64_t before = 0;
    for (std::uint64_t shares = 2; shares < 300000; shares += 7) {
        auto weight = weight_from_shares(shares);
        EXPECT_GE(weight, before);
        before = weight;
    }
}

TEST(IoWeight, stretches_10_to_1000_over_1_to_10000)
{
    EXPECT_EQ(io_weight_from_blkio(0), 0U);
    EXPECT_EQ(io_weight_from_blkio(1), 1U);
    EXPECT_EQ(io_weight_from_blkio(10), 1U);
    EXPECT_EQ(io_weight_from_blkio(1000), 10000U);
}

oci::MemoryResources memory(std::optional<std::int64_t> limit, std::optional<std::int64_t> swap)
{
    oci::MemoryResources resources;
    resources.limit = limit;
    resources.swap = swap;
    return resources;
}

TEST(SwapAlone, is_what_is_left_above_memory)
{
    EXPECT_EQ(MUST(swap_alone(memory(100, 300))), 200);
    EXPECT_EQ(MUST(swap_alone(memory(100, 100))), 0);
    EXPECT_EQ(MUST(swap_alone(memory(100, -1))), -1);
    EXPECT_EQ(MUST(swap_alone(memory(-1, std::nullopt))), -1);
    EXPECT_EQ(MUST(swap_alone(memory(-1, 50))), 50);
    EXPECT_EQ(MUST(swap_alone(memory(100, std::nullopt))), std::nullopt);
    EXPECT_EQ(MUST(swap_alone(memory(std::nullopt, std::nullopt))), std::nullopt);
    EXPECT_TRUE(swap_alone(memory(std::nullopt, 300)).is_error());
}

TEST(CheckMemory, refuses_what_no_kernel_takes)
{
    EXPECT_TRUE(check_memory(memory(100, 200)).is_ok());
    EXPECT_TRUE(check_memory(memory(200, 100)).is_error());
    EXPECT_TRUE(check_memory(memory(-2, std::nullopt)).is_error());
}

TEST(CheckPageSize, keeps_other_files_out)
{
    EXPECT_TRUE(check_page_size("2MB", 0).is_ok());
    for (auto const* size : { "", "2MB/../..", "2MB.rsvd", "../../x", "aaaaaaaaaaaaaaaaaaaaaaaa" })
        EXPECT_TRUE(check_page_size(size, 3).is_error()) << size;
}

TEST(RdmaLine, names_only_what_is_limited)
{
    EXPECT_EQ(rdma_line("mlx5_0", { .hca_handles = 2, .hca_objects = 2000 }), "mlx5_0 hca_handle=2 hca_object=2000");
    EXPECT_EQ(rdma_line("mlx5_0", { .hca_objects = 1 }), "mlx5_0 hca_object=1");
}

} // namespace
} // namespace bulkhead::cgroup
