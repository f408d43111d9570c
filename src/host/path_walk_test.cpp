#include "host/path_walk.h"

#include "host/mount_api.h"

#include <cstdlib>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace bulkhead::host {

namespace {

// A folder with a few things in it, walked with openat2 and by hand.
class PathWalk : public testing::TestWithParam<bool> {
protected:
    void SetUp() override
    {
        mount_features().openat2 = GetParam();
        char path[] = "/tmp/bulkhead-walk-XXXXXX";
        ASSERT_NE(::mkdtemp(path), nullptr);
        m_path = path;
        ASSERT_EQ(::mkdir((m_path + "/root").c_str(), 0755), 0);
        ASSERT_EQ(::mkdir((m_path + "/root/a").c_str(), 0755), 0);
        ASSERT_EQ(::close(::open((m_path + "/root/a/file").c_str(), O_CREAT | O_WRONLY, 0644)), 0);
        for (auto [target, name] : { std::pair("/a/file", "absolute"), { "../../../a", "climbing" }, { "gone/deep", "dangling" }, { "self", "self" },
                 { "/proc/self/root", "magic" } })
            ASSERT_EQ(::symlink(target, (m_path + "/root/" + name).c_str()), 0);
        auto root = open_file(m_path + "/root", O_PATH | O_DIRECTORY);
        ASSERT_TRUE(root.is_ok());
        m_root = root.release_value();
    }
    void TearDown() override
    {
        mount_features() = {};
        (void)!std::system(("rm -rf '" + m_path + "'").c_str());
    }

    // The path of what was found, seen from the root; "!" and the errno when nothing was.
    std::string found(SysResult<File> const& file) const
    {
        if (file.is_error())
            return "!" + std::string(errno_name(file.error()));
        char text[512];
        auto length = ::readlink(file.value().proc_path().c_str(), text, sizeof text);
        auto path = std::string(text, static_cast<std::size_t>(length));
        auto prefix = m_path + "/root";
        return path.starts_with(prefix) ? path.substr(prefix.size()) : "outside: " + path;
    }

    std::string m_path;
    File m_root;
};

INSTANTIATE_TEST_SUITE_P(BothWays, PathWalk, testing::Bool(), [](auto const& way) { return way.param ? "openat2" : "by_hand"; });

} // namespace

TEST_P(PathWalk, links_and_dots_stay_below_the_root)
{
    std::pair<char const*, char const*> const cases[] = {
        { "/a/file", "/a/file" },
        { "a/./file", "/a/file" },
        { "absolute", "/a/file" },
        { "climbing/file", "/a/file" },
        { "../../../a", "/a" },
        { "/", "" },
        { "a/..", "" },
        { "self", "!ELOOP" },
        { "gone", "!ENOENT" },
        { "dangling", "!ENOENT" },
        { "a/file/x", "!ENOTDIR" },
        { "", "!ENOENT" },
    };
    for (auto const& [path, expected] : cases)
        EXPECT_EQ(found(find_in_root(m_root, path)), expected) << path;
}

TEST_P(PathWalk, links_can_be_refused_or_opened_themselves)
{
    EXPECT_EQ(found(find_in_root(m_root, "absolute", { .links = Links::refuse })), "!ELOOP");
    EXPECT_EQ(found(find_in_root(m_root, "climbing/file", { .links = Links::refuse })), "!ELOOP");
    EXPECT_EQ(found(find_in_root(m_root, "dangling", { .links = Links::follow_but_last })), "/dangling");
    EXPECT_EQ(found(find_in_root(m_root, "climbing/file", { .links = Links::follow_but_last })), "/a/file");
}

TEST_P(PathWalk, what_is_missing_is_made_inside)
{
    EXPECT_EQ(found(make_in_root(m_root, "/new/deep", Make::directory)), "/new/deep");
    EXPECT_EQ(found(make_in_root(m_root, "/dangling", Make::directory)), "/gone/deep");
    EXPECT_EQ(found(make_in_root(m_root, "/../../x/y", Make::file)), "/x/y");
    EXPECT_EQ(found(make_in_root(m_root, "/a/file", Make::directory)), "/a/file");
    struct stat status { };
    EXPECT_TRUE(::stat((m_path + "/root/x/y").c_str(), &status) == 0 && S_ISREG(status.st_mode));
    EXPECT_EQ(found(make_in_root(m_root, std::string(5000, 'x'), Make::file)), "!ENAMETOOLONG");
}

TEST_P(PathWalk, files_open_for_use)
{
    auto file = open_in_root(m_root, "absolute", O_RDWR);
    ASSERT_TRUE(file.is_ok());
    EXPECT_TRUE(write_all(file.value(), "text").is_ok());
    EXPECT_TRUE(open_in_root(m_root, "absolute", O_RDONLY, { .links = Links::refuse }).is_error());
}

TEST_P(PathWalk, magic_links_are_refused_and_plain_ones_of_procfs_are_not)
{
    auto proc = open_file("/proc", O_PATH | O_DIRECTORY);
    ASSERT_TRUE(proc.is_ok());
    EXPECT_TRUE(find_in_root(proc.value(), "self/status").is_ok());
    EXPECT_EQ(found(find_in_root(proc.value(), "self/root")), "!ELOOP");
    EXPECT_EQ(found(find_in_root(proc.value(), "self/fd/0")), "!ELOOP");
    EXPECT_EQ(found(find_in_root(proc.value(), "self/cwd/etc")), "!ELOOP");
}

TEST(CleanPath, is_lexical)
{
    std::pair<char const*, char const*> const cases[]
        = { { "/a//b/./c/", "/a/b/c" }, { "a/../../b", "/b" }, { "", "/" }, { "/..", "/" }, { "/proc/../proc", "/proc" } };
    for (auto const& [path, expected] : cases)
        EXPECT_EQ(clean_path(path), expected) << path;
}

} // namespace bulkhead::host
