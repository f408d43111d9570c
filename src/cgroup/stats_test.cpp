#include "cgroup/stats.h"
#include "cgroup/cgroup.h"
#include "cgroup/testing/fake_tree.h"

#include <gtest/gtest.h>

namespace bulkhead::cgroup {
namespace {

TEST(StatsParsers, read_the_kernels_formats)
{
    EXPECT_EQ(parse_keyed("a 1\nb 22\nbroken\nc x\n"), (std::map<std::string, std::uint64_t> { { "a", 1 }, { "b", 22 } }));
    EXPECT_EQ(parse_numbers("1 2  3 \n"), (Numbers { 1, 2, 3 }));
    EXPECT_EQ(parse_list("0-2,5\n"), (Numbers { 0, 1, 2, 5 }));
    EXPECT_EQ(parse_list(""), Numbers {});
    EXPECT_EQ(parse_list("3-1,x,0-99999999999"), Numbers {});
    auto entries = parse_block_io("8:0 Read 4096\n8:0 Write 1\n8:16 7\nTotal 3\n");
    ASSERT_EQ(entries.size(), 3U);
    EXPECT_EQ(entries[0].operation, "Read");
    EXPECT_EQ(entries[0].value, 4096U);
    EXPECT_EQ(entries[2].minor, 16U);
    auto pressure = parse_pressure("some avg10=0.10 avg60=2.00 avg300=30.50 total=77\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=5\n");
    EXPECT_DOUBLE_EQ(pressure.some.average_300, 30.5);
    EXPECT_EQ(pressure.full.total, 5U);
}

TEST(StatsJson, of_v2_has_runcs_members_and_units)
{
    FakeTree tree;
    tree.file("/cg/c/cgroup.procs");
    tree.file("/cg/c/cpu.stat", "usage_usec 10\nuser_usec 6\nsystem_usec 4\nnr_periods 3\nnr_throttled 2\nthrottled_usec 1\n");
    tree.file("/cg/c/memory.stat", "anon 5\nfile 7\n");
    tree.file("/cg/c/memory.current", "100\n");
    tree.file("/cg/c/memory.max", "1000\n");
    tree.file("/cg/c/memory.swap.current", "10\n");
    tree.file("/cg/c/memory.swap.max", "50\n");
    tree.file("/cg/c/memory.pressure", "some avg10=1.00 avg60=0.00 avg300=0.00 total=9\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n");
    tree.file("/cg/c/pids.current", "4\n");
    tree.file("/cg/c/pids.max", "max\n");
    tree.file("/cg/c/io.stat", "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n");
    HostCgroups host { .layout = Layout::v2, .hierarchies = { { .mount_point = tree.root() + "/cg", .is_v2 = true, .own_path = "/" } } };
    auto cgroup = MUST(Cgroup::create(host, { .cgroups_path = "/c", .container_id = "c" }));
    auto text = MUST(cgroup->stats_json());
    auto document = MUST(JsonDocument::parse(text, "stats"));
    auto root = MUST(document.object());
    auto dig = [&](std::initializer_list<std::string_view> keys) {
        auto value = document.root();
        for (auto key : keys)
            value = *MUST(value.as_object()).find(key);
        return value.dump();
    };
    EXPECT_EQ(dig({ "cpu", "usage", "total" }), "10000");
    EXPECT_EQ(dig({ "cpu", "throttling", "throttledTime" }), "1000");
    EXPECT_EQ(dig({ "memory", "cache" }), "7");
    EXPECT_EQ(dig({ "memory", "usage", "usage" }), "100");
    EXPECT_EQ(dig({ "memory", "swap", "usage" }), "110");
    EXPECT_EQ(dig({ "memory", "swap", "limit" }), "1050");
    EXPECT_EQ(dig({ "memory", "psi", "some", "total" }), "9");
    EXPECT_EQ(dig({ "pids" }), "{\"current\":4}");
    EXPECT_NE(dig({ "blkio", "ioServiceBytesRecursive" }).find("\"op\":\"Write\""), std::string::npos) << text;
    EXPECT_TRUE(root.has("cpuset"));
    EXPECT_TRUE(root.has("hugetlb"));
}

} // namespace
} // namespace bulkhead::cgroup
