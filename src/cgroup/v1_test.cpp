// cgroup v1 over a folder of plain files: what is written where, and what is refused.
#include "cgroup/v1.h"
#include "cgroup/testing/fake_tree.h"

#include <gtest/gtest.h>

namespace bulkhead::cgroup {
namespace {

class V1 : public ::testing::Test {
protected:
    V1()
    {
        for (auto const* controller : { "pids", "memory", "cpu", "cpuset", "devices", "freezer", "blkio" }) {
            host.hierarchies.push_back({ .mount_point = tree.root() + "/" + controller, .controllers = { controller }, .own_path = "/me" });
            tree.folder(std::string("/") + controller + "/me");
        }
        host.layout = Layout::v1;
    }
    // A group that is there already, as the kernel would have filled it.
    std::unique_ptr<Cgroup> existing()
    {
        for (auto const& hierarchy : host.hierarchies)
            tree.file("/" + hierarchy.controllers[0] + "/c/cgroup.procs");
        for (auto const* file : { "memory/c/memory.limit_in_bytes", "memory/c/memory.memsw.limit_in_bytes", "memory/c/memory.soft_limit_in_bytes",
                 "memory/c/memory.oom_control", "memory/c/memory.swappiness", "pids/c/pids.max", "cpu/c/cpu.shares", "cpu/c/cpu.cfs_quota_us",
                 "cpu/c/cpu.cfs_period_us", "cpu/c/cpu.cfs_burst_us", "cpu/c/cpu.idle", "blkio/c/blkio.bfq.weight",
                 "blkio/c/blkio.throttle.read_bps_device", "devices/c/devices.allow", "devices/c/devices.deny" })
            tree.file(std::string("/") + file);
        tree.file("/devices/c/devices.list", "a *:* rwm\n");
        tree.file("/freezer/c/freezer.state", "THAWED\n");
        tree.file("/cpuset/c/cpuset.cpus", "0\n");
        tree.file("/cpuset/c/cpuset.mems", "0\n");
        return MUST(Cgroup::create(host, { .cgroups_path = "/c", .container_id = "id" }));
    }
    std::string complaint(oci::Resources const& resources)
    {
        auto set = existing()->set_limits(resources);
        return set.is_error() ? set.error().message + " | " + set.error().hint : "(no error)";
    }

    FakeTree tree;
    HostCgroups host;
};

TEST_F(V1, an_absolute_path_starts_at_the_root_of_each_hierarchy)
{
    auto cgroup = MUST(Cgroup::create(host, { .cgroups_path = "/docker//abc/", .container_id = "abc" }));
    EXPECT_TRUE(tree.has("/pids/docker/abc"));
    EXPECT_TRUE(tree.has("/memory/docker/abc"));
    EXPECT_EQ(cgroup->paths().at("cpu"), tree.root() + "/cpu/docker/abc");
    MUST(cgroup->remove());
    EXPECT_FALSE(tree.has("/pids/docker/abc"));
    EXPECT_TRUE(tree.has("/pids/docker")); // parents stay, as with runc
}

TEST_F(V1, a_relative_or_empty_path_starts_at_our_own_group)
{
    auto below = MUST(Cgroup::create(host, { .cgroups_path = "pod/abc", .container_id = "abc" }));
    MUST(below->remove());
    EXPECT_TRUE(tree.has("/pids/me/pod"));
    auto cgroup = MUST(Cgroup::create(host, { .container_id = "abc" }));
    EXPECT_TRUE(tree.has("/pids/me/abc"));
}

TEST_F(V1, paths_that_lead_out_are_refused)
{
    EXPECT_TRUE(Cgroup::create(host, { .cgroups_path = "/../x", .container_id = "x" }).is_error());
    std::filesystem::create_symlink("/tmp", tree.root() + "/pids/link");
    EXPECT_TRUE(Cgroup::create(host, { .cgroups_path = "/link/x-bulkhead-test", .container_id = "x" }).is_error());
    std::filesystem::remove_all("/tmp/x-bulkhead-test");
}

TEST_F(V1, what_is_saved_is_found_again)
{
    auto cgroup = existing();
    JsonWriter json;
    cgroup->save(json);
    auto document = MUST(JsonDocument::parse(json.text(), "saved"));
    auto object = MUST(document.object());
    auto again = MUST(Cgroup::load(object));
    EXPECT_EQ(again->paths(), cgroup->paths());
    auto evil = MUST(
        JsonDocument::parse(R"({"kind":"v1","groups":[{"mount":"/sys/fs/cgroup/pids","controllers":["pids"],"path":"/../../etc"}]})", "saved"));
    auto evil_object = MUST(evil.object());
    EXPECT_TRUE(Cgroup::load(evil_object).is_error());
}

TEST_F(V1, a_group_with_processes_is_refused)
{
    (void)existing();
    tree.file("/pids/c/cgroup.procs", "42\n");
    auto refused = Cgroup::create(host, { .cgroups_path = "/c", .container_id = "id" });
    ASSERT_TRUE(refused.is_error());
    EXPECT_NE(refused.error().message.find("not empty"), std::string::npos);
}

TEST_F(V1, limits_are_written)
{
    auto cgroup = existing();
    oci::Resources resources;
    resources.memory = oci::MemoryResources { .limit = 1000, .reservation = 500, .swap = 2000, .swappiness = 0, .disable_oom_killer = true };
    resources.cpu = oci::CpuResources { .shares = 512, .quota = -1, .burst = 7, .period = 50000, .cpus = "1", .mems = "0", .idle = 1 };
    resources.pids_limit = -1;
    resources.block_io.emplace().weight = 300;
    resources.block_io->throttle_read_bps.push_back({ .major = 8, .minor = 0, .rate = 99 });
    tree.file("/cpu/c/cpu.shares");
    MUST(cgroup->set_limits(resources));
    EXPECT_EQ(tree.read("/memory/c/memory.limit_in_bytes"), "1000");
    EXPECT_EQ(tree.read("/memory/c/memory.memsw.limit_in_bytes"), "2000");
    EXPECT_EQ(tree.read("/memory/c/memory.soft_limit_in_bytes"), "500");
    EXPECT_EQ(tree.read("/memory/c/memory.swappiness"), "0");
    EXPECT_EQ(tree.read("/memory/c/memory.oom_control"), "1");
    EXPECT_EQ(tree.read("/cpu/c/cpu.shares"), "512");
    EXPECT_EQ(tree.read("/cpu/c/cpu.cfs_quota_us"), "-1");
    EXPECT_EQ(tree.read("/cpu/c/cpu.cfs_period_us"), "50000");
    EXPECT_EQ(tree.read("/cpu/c/cpu.cfs_burst_us"), "7");
    EXPECT_EQ(tree.read("/cpu/c/cpu.idle"), "1");
    EXPECT_EQ(tree.read("/cpuset/c/cpuset.cpus"), "1");
    EXPECT_EQ(tree.read("/pids/c/pids.max"), "max");
    EXPECT_EQ(tree.read("/blkio/c/blkio.bfq.weight"), "300");
    EXPECT_EQ(tree.read("/blkio/c/blkio.throttle.read_bps_device"), "8:0 99");
}

TEST_F(V1, zeros_and_absent_members_write_nothing)
{
    auto cgroup = existing();
    oci::Resources resources;
    resources.memory = oci::MemoryResources { .limit = 0, .disable_oom_killer = false };
    resources.cpu = oci::CpuResources { .shares = 0, .quota = 0, .period = 0 };
    resources.pids_limit = 0;
    resources.block_io.emplace().weight = 0;
    MUST(cgroup->set_limits(resources));
    EXPECT_EQ(tree.read("/memory/c/memory.limit_in_bytes"), "");
    EXPECT_EQ(tree.read("/pids/c/pids.max"), "");
    EXPECT_EQ(tree.read("/cpu/c/cpu.shares"), "");
}

TEST_F(V1, errors_name_the_member_the_value_and_a_way_out)
{
    oci::Resources resources;
    resources.hugepage_limits.push_back({ .page_size = "2MB", .limit = 1 });
    EXPECT_NE(complaint(resources).find("linux.resources.hugepageLimits[0].limit cannot be set: the cgroup v1 controller \"hugetlb\" is not mounted"),
        std::string::npos)
        << complaint(resources);
    resources = {};
    resources.memory = oci::MemoryResources { .kernel_tcp = 5 };
    EXPECT_NE(
        complaint(resources).find("linux.resources.memory.kernelTCP: the kernel refuses \"5\" for memory.kmem.tcp.limit_in_bytes"), std::string::npos)
        << complaint(resources);
    resources = {};
    resources.memory = oci::MemoryResources { .swappiness = 101 };
    EXPECT_NE(complaint(resources).find("swappiness 101"), std::string::npos);
    resources = {};
    resources.unified["memory.high"] = "1";
    EXPECT_NE(complaint(resources).find("linux.resources.unified.memory.high needs cgroup v2"), std::string::npos);
}

TEST_F(V1, devices_are_denied_first_and_then_allowed)
{
    auto cgroup = existing();
    MUST(cgroup->set_devices({ { .allow = false, .access = "rwm" }, { .allow = true, .type = "c", .major = 1, .minor = 3, .access = "rw" },
        { .allow = true, .type = "b", .access = "m" } }));
    EXPECT_EQ(tree.read("/devices/c/devices.deny"), "a");
    EXPECT_EQ(tree.read("/devices/c/devices.allow"), "c 1:3 rwb *:* m"); // two writes
}

TEST_F(V1, an_update_of_devices_writes_only_what_differs)
{
    auto cgroup = existing();
    tree.file("/devices/c/devices.list", "c 1:3 rwm\nc 1:5 rwm\nc 9:9 r\n");
    MUST(cgroup->set_devices(
        { { .allow = true, .type = "c", .major = 1, .minor = 3 }, { .allow = true, .type = "c", .major = 1, .minor = 5, .access = "rw" } }));
    EXPECT_EQ(tree.read("/devices/c/devices.allow"), "");
    EXPECT_EQ(tree.read("/devices/c/devices.deny"), "c 1:5 mc 9:9 r"); // two writes
}

TEST_F(V1, empty_cpusets_are_filled_from_above)
{
    tree.file("/cpuset/cpuset.cpus", "0-3\n");
    tree.file("/cpuset/cpuset.mems", "0-1\n");
    for (auto const* path : { "/cpuset/pod/", "/cpuset/pod/c/" })
        for (auto const* file : { "cpuset.cpus", "cpuset.mems" })
            tree.file(std::string(path) + file);
    for (auto const& hierarchy : host.hierarchies)
        tree.file("/" + hierarchy.controllers[0] + "/pod/c/cgroup.procs"), tree.file("/" + hierarchy.controllers[0] + "/pod/c/tasks");
    auto cgroup = MUST(Cgroup::create(host, { .cgroups_path = "/pod/c", .container_id = "c" }));
    oci::Resources resources;
    resources.cpu.emplace().cpus = "2";
    MUST(cgroup->set_limits(resources));
    EXPECT_EQ(tree.read("/cpuset/pod/cpuset.cpus"), "0-3");
    EXPECT_EQ(tree.read("/cpuset/pod/c/cpuset.cpus"), "2");
    EXPECT_EQ(tree.read("/cpuset/pod/c/cpuset.mems"), "0-1");
    auto entry = MUST(cgroup->entry());
    EXPECT_EQ(entry.v1_tasks.size(), 7U);
    MUST(enter(entry).or_error("enter"));
    EXPECT_EQ(tree.read("/pids/pod/c/tasks"), "0");
}

TEST_F(V1, rootless_runs_without_a_group_until_a_limit_is_asked_for)
{
    HostCgroups nothing;
    auto refused = Cgroup::create(nothing, { .container_id = "c" });
    EXPECT_TRUE(refused.is_error());
    auto cgroup = MUST(Cgroup::create(nothing, { .container_id = "c", .rootless = true }));
    EXPECT_TRUE(MUST(cgroup->entry()).v1_tasks.empty());
    MUST(cgroup->set_devices({ { .allow = true, .type = "c", .major = 1, .minor = 3 } }));
    oci::Resources resources;
    resources.pids_limit = 0;
    MUST(cgroup->set_limits(resources));
    resources.pids_limit = 5;
    auto limited = cgroup->set_limits(resources);
    ASSERT_TRUE(limited.is_error());
    EXPECT_NE(limited.error().message.find("linux.resources.pids.limit"), std::string::npos) << limited.error().message;
    EXPECT_TRUE(MUST(cgroup->processes()).empty());
    MUST(cgroup->remove());
}

} // namespace
} // namespace bulkhead::cgroup
