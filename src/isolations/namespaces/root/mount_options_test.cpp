#include "isolations/namespaces/root/mount_options.h"
#include "isolations/namespaces/root/root_file_system.h"

#include <algorithm>

#include <gtest/gtest.h>

#include <sys/mount.h>

namespace bulkhead::root {

namespace {

MountOptions parsed(std::vector<std::string> words, std::string type = "tmpfs")
{
    oci::Mount mount;
    mount.destination = "/data";
    mount.type = std::move(type);
    mount.source = "/source";
    mount.options = std::move(words);
    auto options = parse_mount_options(mount);
    EXPECT_TRUE(options.is_ok()) << (options.is_error() ? options.error().message : "");
    return options.is_ok() ? options.release_value() : MountOptions();
}

struct AttributeCase {
    std::vector<std::string> words;
    std::uint64_t set;
    std::uint64_t clear;
    std::uint64_t tree_set = 0;
    std::uint64_t tree_clear = 0;
};

} // namespace

TEST(MountOptions, attributes_are_understood_and_the_last_word_counts)
{
    AttributeCase const cases[] = {
        { { "ro" }, MOUNT_ATTR_RDONLY, 0 },
        { { "ro", "rw" }, 0, MOUNT_ATTR_RDONLY },
        { { "rw", "ro" }, MOUNT_ATTR_RDONLY, 0 },
        { { "nosuid", "noexec", "nodev" }, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NODEV, 0 },
        { { "nosuid", "suid" }, 0, MOUNT_ATTR_NOSUID },
        { { "noatime" }, MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME },
        { { "noatime", "strictatime" }, MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME },
        { { "relatime" }, 0, MOUNT_ATTR__ATIME },
        { { "nodiratime" }, MOUNT_ATTR_NODIRATIME, 0 },
        { { "diratime" }, 0, MOUNT_ATTR_NODIRATIME },
        { { "nosymfollow" }, MOUNT_ATTR_NOSYMFOLLOW, 0 },
        { { "rro", "rnosuid" }, 0, 0, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID, 0 },
        { { "rrw", "rexec" }, 0, 0, 0, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC },
        { { "rnoatime" }, 0, 0, MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME },
        { { "defaults" }, 0, 0 },
    };
    for (auto const& one : cases) {
        auto options = parsed(one.words);
        EXPECT_EQ(options.set, one.set) << one.words[0];
        EXPECT_EQ(options.clear, one.clear) << one.words[0];
        EXPECT_EQ(options.tree_set, one.tree_set) << one.words[0];
        EXPECT_EQ(options.tree_clear, one.tree_clear) << one.words[0];
        EXPECT_TRUE(options.data.empty()) << one.words[0];
    }
}

TEST(MountOptions, propagation_keeps_its_order)
{
    auto options = parsed({ "rslave", "shared" });
    ASSERT_EQ(options.propagation.size(), 2u);
    EXPECT_EQ(options.propagation[0].kind, static_cast<std::uint64_t>(MS_SLAVE));
    EXPECT_TRUE(options.propagation[0].whole_tree);
    EXPECT_EQ(options.propagation[1].kind, static_cast<std::uint64_t>(MS_SHARED));
    EXPECT_FALSE(options.propagation[1].whole_tree);
}

TEST(MountOptions, flags_of_the_file_system_go_to_the_superblock)
{
    auto options = parsed({ "sync", "dirsync", "lazytime", "async", "iversion" });
    EXPECT_EQ(options.superblock, (std::vector<std::string> { "dirsync", "lazytime" }));
    EXPECT_EQ(options.superblock_flags, MS_DIRSYNC | (1UL << 25) | MS_I_VERSION);
}

TEST(MountOptions, unknown_words_are_for_the_file_system)
{
    auto options = parsed({ "size=64m", "mode=1777", "huge=never", "noswap" });
    EXPECT_EQ(options.joined_data(), "size=64m,mode=1777,huge=never,noswap");
    EXPECT_TRUE(options.has_data("mode"));
    EXPECT_FALSE(options.has_data("mod"));
    EXPECT_FALSE(options.has_data("noswap"));
}

TEST(MountOptions, the_type_alone_makes_a_bind)
{
    EXPECT_TRUE(parsed({}, "bind").is_bind);
    EXPECT_FALSE(parsed({}, "bind").is_recursive_bind);
    EXPECT_TRUE(parsed({ "rbind" }, "none").is_recursive_bind);
}

TEST(MountOptions, a_bind_with_options_of_a_file_system_is_refused)
{
    oci::Mount mount;
    mount.type = "bind";
    mount.options = { "ro", "sise=1" };
    auto options = parse_mount_options(mount);
    ASSERT_TRUE(options.is_error());
    EXPECT_NE(options.error().message.find("sise=1"), std::string::npos);
}

TEST(MountOptions, an_idmapped_file_system_is_refused)
{
    oci::Mount mount;
    mount.type = "tmpfs";
    mount.options = { "idmap" };
    EXPECT_TRUE(parse_mount_options(mount).is_error());
}

TEST(MountOptions, idmap_has_three_spellings)
{
    EXPECT_TRUE(parsed({ "bind", "idmap" }, "bind").is_idmapped);
    EXPECT_TRUE(parsed({ "bind", "ridmap" }, "bind").is_idmapped_whole_tree);
    EXPECT_EQ(parsed({ "bind", "idmap=uids=0-1-2;gids=0-1-2" }, "bind").idmap_text, "uids=0-1-2;gids=0-1-2");
}

TEST(MountOptions, features_lists_every_word)
{
    auto names = known_mount_options();
    for (auto name : { "ro", "rro", "rbind", "idmap", "tmpcopyup", "nosymfollow", "rstrictatime", "runbindable" })
        EXPECT_NE(std::find(names.begin(), names.end(), name), names.end()) << name;
}

} // namespace bulkhead::root
