#include "cgroup/cgroup.h"
#include "cgroup/testing/fake_tree.h"

#include <gtest/gtest.h>

namespace bulkhead::cgroup {
namespace {

HostCgroups discover(std::string_view mountinfo, std::string_view own)
{
    FakeTree tree;
    tree.file("/proc/self/mountinfo", mountinfo);
    tree.file("/proc/self/cgroup", own);
    auto host = MUST(HostCgroups::discover(tree.root()));
    for (auto& hierarchy : host.hierarchies)
        hierarchy.mount_point.erase(0, tree.root().size());
    return host;
}

TEST(Discover, a_v2_host_has_one_hierarchy)
{
    auto host = discover("26 23 0:22 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n", "0::/user.slice/session-1.scope\n");
    EXPECT_EQ(host.layout, Layout::v2);
    ASSERT_EQ(host.hierarchies.size(), 1U);
    EXPECT_EQ(host.hierarchies[0].mount_point, "/sys/fs/cgroup");
    EXPECT_EQ(host.hierarchies[0].own_path, "/user.slice/session-1.scope");
    EXPECT_TRUE(host.hierarchies[0].is_v2);
}

TEST(Discover, combined_controllers_are_one_hierarchy_whatever_their_order)
{
    auto host = discover("30 25 0:26 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
                         "31 25 0:27 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n",
        "4:cpuacct,cpu:/docker/a\n1:name=systemd:/docker/a\n0::/docker/a\n");
    EXPECT_EQ(host.layout, Layout::v1);
    ASSERT_EQ(host.hierarchies.size(), 2U);
    EXPECT_EQ(host.hierarchies[0].mount_point, "/sys/fs/cgroup/cpu,cpuacct");
    EXPECT_EQ(host.hierarchies[0].controllers, (std::vector<std::string> { "cpuacct", "cpu" }));
    EXPECT_EQ(host.hierarchies[1].controllers, std::vector<std::string> { "name=systemd" });
}

TEST(Discover, v1_beside_v2_is_hybrid)
{
    auto host = discover("30 25 0:26 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n31 25 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
        "4:pids:/\n0::/\n");
    EXPECT_EQ(host.layout, Layout::hybrid);
}

TEST(Discover, nothing_mounted_is_none)
{
    EXPECT_EQ(discover("25 1 8:1 / / rw - ext4 /dev/sda1 rw\n", "0::/\n").layout, Layout::none);
    FakeTree empty;
    EXPECT_EQ(MUST(HostCgroups::discover(empty.root())).layout, Layout::none);
}

TEST(Discover, octal_escapes_in_mount_points_are_undone)
{
    auto host = discover("30 25 0:26 / /mnt/my\\040groups\\134x rw - cgroup cgroup rw,pids\n", "4:pids:/\n");
    ASSERT_EQ(host.hierarchies.size(), 1U);
    EXPECT_EQ(host.hierarchies[0].mount_point, "/mnt/my groups\\x");
}

TEST(Discover, the_mount_below_sys_fs_cgroup_is_preferred_to_those_of_containers)
{
    auto host = discover("30 25 0:26 / /var/lib/lxc/a/rootfs/sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
                         "31 25 0:26 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
                         "32 25 0:26 / /srv/b/cgroup/pids rw - cgroup cgroup rw,pids\n",
        "4:pids:/\n");
    ASSERT_EQ(host.hierarchies.size(), 1U);
    EXPECT_EQ(host.hierarchies[0].mount_point, "/sys/fs/cgroup/pids");
}

TEST(Discover, in_a_container_without_a_cgroup_namespace_the_own_path_is_below_the_mounts_root)
{
    auto host = discover("30 25 0:26 /docker/abc /sys/fs/cgroup/pids ro - cgroup cgroup rw,pids\n", "4:pids:/docker/abc/inner\n");
    EXPECT_EQ(host.hierarchies.at(0).own_path, "/inner");
    host = discover("30 25 0:26 /docker/abc /sys/fs/cgroup/pids ro - cgroup cgroup rw,pids\n", "4:pids:/docker/abc\n");
    EXPECT_EQ(host.hierarchies.at(0).own_path, "/");
    host = discover("30 25 0:26 /docker/abc /sys/fs/cgroup/pids ro - cgroup cgroup rw,pids\n", "4:pids:/docker/abcdef\n");
    EXPECT_EQ(host.hierarchies.at(0).own_path, "/");
}

TEST(Discover, paths_above_the_cgroup_namespace_become_the_root)
{
    auto host = discover("30 25 0:26 /../.. /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n", "4:pids:/../other\n");
    EXPECT_EQ(host.hierarchies.at(0).own_path, "/");
}

TEST(Discover, broken_lines_are_skipped)
{
    auto host = discover("nonsense\n30 25\n - cgroup\n30 25 0:26 / /a rw - cgroup\n", "pids\n\n:::\n");
    EXPECT_EQ(host.layout, Layout::none);
}

TEST(Discover, this_machine_can_be_read)
{
    EXPECT_TRUE(HostCgroups::discover().is_ok());
}

} // namespace
} // namespace bulkhead::cgroup
