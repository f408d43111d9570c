#include "base/file.h"

#include <cstdlib>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace bulkhead {
namespace {

// A folder of its own for each test, removed with what the tests put into it.
class FileTest : public testing::Test {
protected:
    void SetUp() override
    {
        std::string name = testing::TempDir() + "bulkhead-file-XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        m_path = name;
        m_folder = MUST(open_file(m_path, O_RDONLY | O_DIRECTORY));
    }
    void TearDown() override
    {
        for (auto const* name : { "file", "other", "link" })
            ::unlinkat(m_folder.fd(), name, 0);
        EXPECT_EQ(::rmdir(m_path.c_str()), 0) << "something was left behind";
    }

    std::string m_path;
    File m_folder;
};

TEST_F(FileTest, a_file_closes_its_descriptor_once)
{
    auto file = MUST(open_at(m_folder, "file", O_WRONLY | O_CREAT, 0600));
    int const fd = file.fd();
    File moved = std::move(file);
    EXPECT_FALSE(file.is_open()); // NOLINT(bugprone-use-after-move): that is the point
    EXPECT_EQ(moved.fd(), fd);
    moved.close();
    EXPECT_EQ(::fcntl(fd, F_GETFD), -1);
}

TEST_F(FileTest, opened_files_do_not_reach_other_programs)
{
    auto file = MUST(open_at(m_folder, "file", O_WRONLY | O_CREAT, 0600));
    EXPECT_NE(::fcntl(file.fd(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(FileTest, a_missing_file_is_named_in_the_error)
{
    EXPECT_EQ(open_at(m_folder, "none", O_RDONLY).error(), Errno::noent);
    auto error = open_file(m_path + "/none", O_RDONLY).error();
    EXPECT_EQ(error.message, "open \"" + m_path + "/none\": no such file or directory");
}

TEST_F(FileTest, a_text_comes_back_as_it_was_written)
{
    for (std::size_t size : { 0U, 1U, 4095U, 4096U, 4097U, 100'000U }) {
        std::string text(size, 'x');
        ASSERT_TRUE(replace_file_at(m_folder, "file", text, 0600).is_ok());
        EXPECT_EQ(read_file_at(m_folder, "file").value(), text);
    }
}

TEST_F(FileTest, a_file_over_the_limit_is_an_error_and_not_a_part)
{
    ASSERT_TRUE(replace_file_at(m_folder, "file", "12345", 0600).is_ok());
    EXPECT_EQ(read_file_at(m_folder, "file", 5).value(), "12345");
    EXPECT_EQ(read_file_at(m_folder, "file", 4).error(), Errno::overflow);
    EXPECT_EQ(read_file_at(m_folder, "file", 0).error(), Errno::overflow);
}

TEST_F(FileTest, an_endless_file_stops_at_the_limit)
{
    auto endless = MUST(open_file("/dev/zero", O_RDONLY));
    EXPECT_EQ(read_all(endless, 1'000'000).error(), Errno::overflow);
}

TEST_F(FileTest, files_without_a_size_are_read_to_their_end)
{
    EXPECT_FALSE(read_file("/proc/self/status").value().empty());
}

TEST_F(FileTest, a_pipe_is_read_to_its_end)
{
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    File reader(ends[0]);
    File writer(ends[1]);
    std::string const text(200'000, 'p');
    std::thread filler([&] {
        EXPECT_TRUE(write_all(writer, text).is_ok());
        writer.close();
    });
    EXPECT_EQ(read_all(reader).value(), text);
    filler.join();
}

TEST_F(FileTest, replacing_sets_the_mode_and_leaves_no_temporary_file)
{
    ASSERT_TRUE(replace_file_at(m_folder, "file", "one", 0640).is_ok());
    struct stat status { };
    ASSERT_EQ(::fstatat(m_folder.fd(), "file", &status, 0), 0);
    EXPECT_EQ(
        status.st_mode & 0777U, 0640U & ~[] {
            auto mask = ::umask(0);
            ::umask(mask);
            return mask;
        }());
    // TearDown removes the folder, which fails if anything else is in it.
}

TEST_F(FileTest, replacing_is_atomic_for_readers)
{
    std::string const first(50'000, 'a');
    std::string const second(70'000, 'b');
    ASSERT_TRUE(replace_file_at(m_folder, "file", first, 0600).is_ok());
    std::thread writer([&] {
        for (int round = 0; round < 200; ++round)
            EXPECT_TRUE(replace_file_at(m_folder, "file", round % 2 == 0 ? second : first, 0600).is_ok());
    });
    for (int round = 0; round < 500; ++round) {
        auto text = read_file_at(m_folder, "file");
        ASSERT_TRUE(text.is_ok());
        EXPECT_TRUE(text.value() == first || text.value() == second);
    }
    writer.join();
}

TEST_F(FileTest, replacing_a_link_does_not_follow_it)
{
    ASSERT_TRUE(replace_file_at(m_folder, "other", "untouched", 0600).is_ok());
    ASSERT_EQ(::symlinkat("other", m_folder.fd(), "link"), 0);
    ASSERT_TRUE(replace_file_at(m_folder, "link", "new", 0600).is_ok());
    EXPECT_EQ(read_file_at(m_folder, "other").value(), "untouched");
    EXPECT_EQ(read_file_at(m_folder, "link").value(), "new");
}

TEST_F(FileTest, writing_an_existing_file_never_creates_one)
{
    EXPECT_EQ(write_existing_at(m_folder, "file", "x").error(), Errno::noent);
    ASSERT_TRUE(replace_file_at(m_folder, "file", "", 0600).is_ok());
    ASSERT_TRUE(write_existing_at(m_folder, "file", "x").is_ok());
    EXPECT_EQ(read_file_at(m_folder, "file").value(), "x");
}

TEST_F(FileTest, the_proc_path_names_the_open_file)
{
    ASSERT_TRUE(replace_file_at(m_folder, "file", "x", 0600).is_ok());
    auto file = MUST(open_at(m_folder, "file", O_RDONLY));
    EXPECT_EQ(read_file(file.proc_path()).value(), "x");
}

} // namespace
} // namespace bulkhead
