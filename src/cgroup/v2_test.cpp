// cgroup v2 over a folder of plain files: what is written where, and what is refused.
#include "cgroup/v2.h"
#include "cgroup/testing/fake_tree.h"

#include <gtest/gtest.h>

namespace bulkhead::cgroup {
namespace {

class V2 : public ::testing::Test {
protected:
    V2()
    {
        host = { .layout = Layout::v2, .hierarchies = { { .mount_point = tree.root() + "/cg", .is_v2 = true, .own_path = "/user/session" } } };
        tree.folder("/cg/user/session");
        tree.file("/cg/cgroup.controllers", "cpu memory pids\n");
    }
    std::unique_ptr<Cgroup> existing(std::initializer_list<char const*> files)
    {
        tree.file("/cg/c/cgroup.procs");
        tree.file("/cg/c/cgroup.controllers", "cpu cpuset hugetlb io memory pids rdma\n");
        for (auto const* file : files)
            tree.file(std::string("/cg/c/") + file);
        return MUST(Cgroup::create(host, { .cgroups_path = "/c", .container_id = "c" }));
    }
    static std::string complaint(Result<Unit> const& set) { return set.is_error() ? set.error().message + " | " + set.error().hint : "(no error)"; }

    FakeTree tree;
    HostCgroups host;
};

TEST_F(V2, a_relative_path_lies_beside_our_own_group)
{
    auto cgroup = MUST(Cgroup::create(host, { .container_id = "abc" }));
    EXPECT_TRUE(tree.has("/cg/user/abc"));
    EXPECT_EQ(cgroup->paths().at(""), tree.root() + "/cg/user/abc");
}

TEST_F(V2, controllers_are_enabled_down_the_path)
{
    tree.file("/cg/cgroup.subtree_control");
    tree.file("/cg/pod/cgroup.controllers", "cpu memory pids\n");
    tree.file("/cg/pod/cgroup.subtree_control");
    auto cgroup = MUST(Cgroup::create(host, { .cgroups_path = "/pod/abc", .container_id = "abc" }));
    EXPECT_EQ(tree.read("/cg/cgroup.subtree_control"), "+cpu +memory +pids");
    EXPECT_EQ(tree.read("/cg/pod/cgroup.subtree_control"), "+cpu +memory +pids");
}

TEST_F(V2, nothing_is_enabled_where_all_is_there)
{
    tree.file("/cg/cgroup.subtree_control", "as it was");
    (void)existing({});
    EXPECT_EQ(tree.read("/cg/cgroup.subtree_control"), "as it was");
}

TEST_F(V2, limits_are_converted)
{
    auto cgroup = existing({ "memory.max", "memory.low", "memory.swap.max", "cpu.weight", "cpu.max", "cpu.max.burst", "cpuset.cpus", "pids.max",
        "io.weight", "io.max", "hugetlb.2MB.max", "rdma.max", "memory.high" });
    oci::Resources resources;
    resources.memory = oci::MemoryResources { .limit = 1000, .reservation = 500, .swap = 3000 };
    resources.cpu = oci::CpuResources { .shares = 1024, .quota = 20000, .burst = 9, .cpus = "0-1" };
    resources.pids_limit = 12;
    resources.block_io.emplace().weight = 1000;
    resources.block_io->throttle_write_iops.push_back({ .major = 8, .minor = 16, .rate = 5 });
    resources.hugepage_limits.push_back({ .page_size = "2MB", .limit = 64 });
    resources.rdma["mlx5_0"] = { .hca_handles = 3 };
    resources.unified["memory.high"] = "900";
    MUST(cgroup->set_limits(resources));
    EXPECT_EQ(tree.read("/cg/c/memory.max"), "1000");
    EXPECT_EQ(tree.read("/cg/c/memory.swap.max"), "2000");
    EXPECT_EQ(tree.read("/cg/c/memory.low"), "500");
    EXPECT_EQ(tree.read("/cg/c/memory.high"), "900");
    EXPECT_EQ(tree.read("/cg/c/cpu.weight"), "100");
    EXPECT_EQ(tree.read("/cg/c/cpu.max"), "20000 100000");
    EXPECT_EQ(tree.read("/cg/c/cpu.max.burst"), "9");
    EXPECT_EQ(tree.read("/cg/c/cpuset.cpus"), "0-1");
    EXPECT_EQ(tree.read("/cg/c/pids.max"), "12");
    EXPECT_EQ(tree.read("/cg/c/io.weight"), "default 10000");
    EXPECT_EQ(tree.read("/cg/c/io.max"), "8:16 wiops=5");
    EXPECT_EQ(tree.read("/cg/c/hugetlb.2MB.max"), "64");
    EXPECT_EQ(tree.read("/cg/c/rdma.max"), "mlx5_0 hca_handle=3");
}

TEST_F(V2, an_update_of_the_period_keeps_the_quota)
{
    auto cgroup = existing({});
    tree.file("/cg/c/cpu.max", "30000 100000\n");
    oci::Resources resources;
    resources.cpu.emplace().period = 200000;
    MUST(cgroup->set_limits(resources));
    EXPECT_EQ(tree.read("/cg/c/cpu.max"), "30000 200000");
}

TEST_F(V2, bfq_weights_are_preferred_and_not_converted)
{
    auto cgroup = existing({ "io.bfq.weight", "io.weight" });
    oci::Resources resources;
    resources.block_io.emplace().weight = 500;
    MUST(cgroup->set_limits(resources));
    EXPECT_EQ(tree.read("/cg/c/io.bfq.weight"), "default 500");
    EXPECT_EQ(tree.read("/cg/c/io.weight"), "");
}

TEST_F(V2, a_kernel_without_swap_accounting_matters_only_for_real_swap_limits)
{
    auto cgroup = existing({ "memory.max" });
    oci::Resources resources;
    resources.memory = oci::MemoryResources { .limit = 1000, .swap = 1000 };
    MUST(cgroup->set_limits(resources));
    resources.memory->swap = 2000;
    EXPECT_NE(complaint(cgroup->set_limits(resources)).find("swapaccount=1"), std::string::npos) << complaint(cgroup->set_limits(resources));
}

TEST_F(V2, check_before_update_refuses_a_limit_below_what_is_in_use)
{
    auto cgroup = existing({ "memory.max" });
    tree.file("/cg/c/memory.current", "5000\n");
    oci::Resources resources;
    resources.memory = oci::MemoryResources { .limit = 1000, .check_before_update = true };
    EXPECT_NE(complaint(cgroup->set_limits(resources)).find("5000 bytes in use"), std::string::npos);
    EXPECT_EQ(tree.read("/cg/c/memory.max"), "");
}

TEST_F(V2, a_missing_controller_is_named)
{
    tree.file("/cg/c/cgroup.procs");
    tree.file("/cg/c/cgroup.controllers", "cpu\n");
    auto cgroup = MUST(Cgroup::create(host, { .cgroups_path = "/c", .container_id = "c" }));
    oci::Resources resources;
    resources.pids_limit = 5;
    EXPECT_NE(
        complaint(cgroup->set_limits(resources)).find("linux.resources.pids.limit cannot be set: the cgroup v2 controller \"pids\" is not enabled"),
        std::string::npos)
        << complaint(cgroup->set_limits(resources));
}

TEST_F(V2, what_only_v1_has_is_an_error)
{
    auto cgroup = existing({});
    oci::Resources resources;
    resources.memory = oci::MemoryResources { .swappiness = 5 };
    EXPECT_NE(complaint(cgroup->set_limits(resources)).find("memory.swappiness"), std::string::npos);
    resources = {};
    resources.network.emplace().class_id = 1;
    EXPECT_NE(complaint(cgroup->set_limits(resources)).find("linux.resources.network"), std::string::npos);
}

TEST_F(V2, unified_takes_names_of_limits_only)
{
    auto cgroup = existing({ "cgroup.max.depth" });
    for (auto const* name : { "../x.y", "cgroup.procs", "cgroup.kill", "memory", ".hidden", "a/b.c" }) {
        oci::Resources resources;
        resources.unified[name] = "1";
        EXPECT_NE(complaint(cgroup->set_limits(resources)).find("linux.resources.unified."), std::string::npos) << name;
    }
    oci::Resources resources;
    resources.unified["cgroup.max.depth"] = " 7\n";
    MUST(cgroup->set_limits(resources));
    EXPECT_EQ(tree.read("/cg/c/cgroup.max.depth"), "7");
}

TEST_F(V2, below_a_threaded_group_the_new_one_becomes_threaded)
{
    tree.file("/cg/c/cgroup.procs");
    tree.file("/cg/c/cgroup.controllers", "cpu\n");
    tree.file("/cg/c/cgroup.type", "domain invalid\n");
    auto cgroup = MUST(Cgroup::create(host, { .cgroups_path = "/c", .container_id = "c" }));
    EXPECT_TRUE(tree.read("/cg/c/cgroup.type").starts_with("threaded"));
    oci::Resources resources;
    resources.memory.emplace().limit = 1000;
    EXPECT_NE(complaint(cgroup->set_limits(resources)).find("threaded"), std::string::npos);
}

TEST_F(V2, what_is_saved_is_found_again)
{
    auto cgroup = existing({});
    JsonWriter json;
    cgroup->save(json);
    auto document = MUST(JsonDocument::parse(json.text(), "saved"));
    auto object = MUST(document.object());
    EXPECT_EQ(MUST(Cgroup::load(object))->paths(), cgroup->paths());
}

} // namespace
} // namespace bulkhead::cgroup
