#include "cgroup/paths.h"
#include "cgroup/testing/fake_tree.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace bulkhead::cgroup {
namespace {

TEST(CleanPath, blanks_dots_and_slashes_vanish)
{
    EXPECT_EQ(MUST(clean_path("//a/./b//", "x")), "/a/b");
    EXPECT_EQ(MUST(clean_path("a/b", "x")), "a/b");
    EXPECT_EQ(MUST(clean_path("", "x")), "");
    EXPECT_EQ(MUST(clean_path("/", "x")), "/");
}

TEST(CleanPath, upwards_control_characters_and_endless_names_are_refused)
{
    for (auto const& path :
        { std::string("/a/../../b"), std::string(".."), std::string("a\nb"), std::string("/") + std::string(300, 'a'), std::string(5000, '/') })
        EXPECT_TRUE(clean_path(path, "linux.cgroupsPath").is_error()) << path;
    EXPECT_NE(clean_path("..", "linux.cgroupsPath").error().message.find("linux.cgroupsPath"), std::string::npos);
}

TEST(Paths, are_joined_and_cut)
{
    EXPECT_EQ(join_path("/", "a"), "/a");
    EXPECT_EQ(join_path("/a/", "/b"), "/a/b");
    EXPECT_EQ(join_path("/a", ""), "/a");
    EXPECT_EQ(join_path("", ""), "/");
    EXPECT_EQ(parent_path("/a/b"), "/a");
    EXPECT_EQ(parent_path("/a"), "/");
    EXPECT_EQ(parent_path("/"), "/");
}

TEST(OpenBeneath, does_not_follow_a_symlink)
{
    FakeTree tree;
    tree.file("/inside/file", "x");
    ASSERT_EQ(::symlink("/etc", (tree.root() + "/out").c_str()), 0);
    ASSERT_EQ(::symlink("inside", (tree.root() + "/in").c_str()), 0);
    auto root = MUST(open_file(tree.root(), O_PATH | O_DIRECTORY));
    EXPECT_TRUE(open_beneath(root, "/inside/file", O_RDONLY).is_ok());
    EXPECT_TRUE(open_beneath(root, "/out/passwd", O_RDONLY).is_error());
    EXPECT_TRUE(open_beneath(root, "/in/file", O_RDONLY).is_error());
    EXPECT_TRUE(open_beneath(root, "/../etc", O_PATH).is_error());
    EXPECT_TRUE(open_beneath(root, "", O_PATH | O_DIRECTORY).is_ok());
}

TEST(MakeFolders, makes_parents_and_says_what_was_there)
{
    FakeTree tree;
    auto root = MUST(open_file(tree.root(), O_PATH | O_DIRECTORY));
    EXPECT_EQ(MUST(make_folders(root, "/a/b/c")), Made::here);
    EXPECT_EQ(MUST(make_folders(root, "/a/b/c")), Made::existed);
    EXPECT_TRUE(tree.has("/a/b/c"));
    EXPECT_EQ(MUST(make_folders(root, "/a/b/d")), Made::here);
}

} // namespace
} // namespace bulkhead::cgroup
