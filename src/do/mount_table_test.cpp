#include "do/mount_table.h"

#include <gtest/gtest.h>

using namespace bulkhead::do_command;

TEST(MountTable, octal_escapes_in_paths_are_undone)
{
    auto mounts = parse_mount_table("40 27 8:1 / /mnt/my\\040disk rw,relatime shared:1 - ext4 /dev/sdb1 rw\nnonsense\n");
    ASSERT_EQ(mounts.size(), 1U);
    EXPECT_EQ(mounts[0].path, "/mnt/my disk");
    EXPECT_EQ(mounts[0].type, "ext4");
}

TEST(MountTable, below_means_strictly_below_and_by_whole_names)
{
    EXPECT_TRUE(is_below("/home/user", "/home"));
    EXPECT_FALSE(is_below("/home", "/home"));
    EXPECT_FALSE(is_below("/homes", "/home"));
    EXPECT_TRUE(is_below("/home", "/"));
    EXPECT_FALSE(is_below("/", "/"));
}

TEST(MountTable, kernel_interfaces_and_replaced_places_are_not_shown)
{
    auto shown = mounts_to_show({ { "/", "ext4" }, { "/proc", "proc" }, { "/sys", "sysfs" }, { "/dev", "devtmpfs" }, { "/run", "tmpfs" },
        { "/run/user/1000", "tmpfs" }, { "/tmp", "tmpfs" }, { "/home/big", "xfs" }, { "/home", "btrfs" }, { "/net", "autofs" },
        { "/var/lib/docker/overlay2/x/merged", "overlay" }, { "/srv/proc", "proc" } });
    ASSERT_EQ(shown.size(), 2U);
    EXPECT_EQ(shown[0].path, "/home");
    EXPECT_EQ(shown[1].path, "/home/big");
}

TEST(MountTable, of_two_mounts_at_one_place_the_later_counts)
{
    auto shown = mounts_to_show({ { "/data", "ext4" }, { "/data", "xfs" } });
    ASSERT_EQ(shown.size(), 1U);
    EXPECT_EQ(shown[0].type, "xfs");
}

TEST(MountTable, each_kernel_interface_is_found)
{
    for (auto const* name : { "autofs", "proc", "sysfs", "tracefs", "cgroup", "cgroup2", "fuse.lxcfs", "bpf", "mqueue", "devpts" })
        EXPECT_TRUE(is_pseudo_file_system(name)) << name;
    for (auto const* name : { "ext4", "tmpfs", "xfs", "nfs4", "fuse.sshfs", "overlay", "zfs" })
        EXPECT_FALSE(is_pseudo_file_system(name)) << name;
}
