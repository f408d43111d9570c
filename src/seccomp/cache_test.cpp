#include "seccomp/cache.h"

#include "base/file.h"
#include "seccomp/cache_file.h"
#include "seccomp/compile.h"
#include "seccomp/test_profile.h"

#include <cstring>
#include <filesystem>
#include <set>

#include <gtest/gtest.h>
#include <linux/seccomp.h>
#include <sys/stat.h>
#include <unistd.h>

namespace bulkhead::seccomp {
namespace {

class Cache : public testing::Test {
protected:
    void SetUp() override
    {
        std::string pattern = std::filesystem::temp_directory_path() / "seccomp-cache-XXXXXX";
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        m_folder = pattern;
    }
    void TearDown() override { std::filesystem::remove_all(m_folder); }

    std::string file_of(oci::Seccomp const& profile) const { return m_folder + "/seccomp/" + to_hex(cache_key(profile)) + ".bpf"; }
    std::size_t instructions(oci::Seccomp const& profile) const { return MUST(compile_cached(profile, m_folder)).instructions.size(); }
    // A valid file that says something else than the profile, so that its use shows.
    static std::string other_content(oci::Seccomp const& profile)
    {
        Program program;
        program.instructions = { BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW) };
        return encode_program(program, cache_key(profile));
    }
    void put(oci::Seccomp const& profile, std::string_view bytes, mode_t mode = 0600) const
    {
        auto path = file_of(profile);
        std::filesystem::remove(path);
        auto file = MUST(open_file(path, O_WRONLY | O_CREAT | O_TRUNC, mode));
        MUST(write_all(file, bytes));
        ::fchmod(file.fd(), mode);
    }

    std::string m_folder;
};

TEST_F(Cache, a_filter_is_compiled_once_and_then_read)
{
    auto profile = engine_profile();
    auto fresh = MUST(compile_cached(profile, m_folder));
    struct stat status { };
    ASSERT_EQ(::stat(file_of(profile).c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0600U);
    auto cached = MUST(compile_cached(profile, m_folder));
    ASSERT_EQ(cached.instructions.size(), fresh.instructions.size());
    EXPECT_EQ(std::memcmp(cached.instructions.data(), fresh.instructions.data(), fresh.instructions.size() * sizeof(sock_filter)), 0);
    EXPECT_EQ(cached.flags, fresh.flags);
    put(profile, other_content(profile));
    EXPECT_EQ(instructions(profile), 1U) << "the file was not used";
}

TEST_F(Cache, a_damaged_file_is_replaced)
{
    auto profile = engine_profile();
    auto size = instructions(profile);
    auto good = MUST(read_file(file_of(profile)));
    for (std::size_t at :
        { std::size_t(0), std::size_t(8), std::size_t(12), std::size_t(16), std::size_t(20), std::size_t(30), std::size_t(60), good.size() - 1 }) {
        auto bad = good;
        bad[at] = static_cast<char>(bad[at] ^ 1);
        put(profile, bad);
        EXPECT_EQ(instructions(profile), size) << at;
        EXPECT_EQ(MUST(read_file(file_of(profile))), good) << at;
    }
    for (std::size_t length : { std::size_t(0), std::size_t(10), std::size_t(56), good.size() - 8 }) {
        put(profile, good.substr(0, length));
        EXPECT_EQ(instructions(profile), size) << length;
    }
}

TEST_F(Cache, a_file_that_others_could_have_written_is_not_believed)
{
    auto profile = engine_profile();
    auto size = instructions(profile);
    put(profile, other_content(profile), 0620);
    EXPECT_EQ(instructions(profile), size);
    EXPECT_EQ(instructions(profile), size);
    if (::geteuid() != 0)
        GTEST_SKIP() << "only root can give a file to another user";
    put(profile, other_content(profile));
    ASSERT_EQ(::chown(file_of(profile).c_str(), 65534, 65534), 0);
    EXPECT_EQ(instructions(profile), size);
}

TEST_F(Cache, a_link_or_a_file_of_another_profile_is_not_believed)
{
    auto profile = engine_profile();
    auto size = instructions(profile);
    auto other = allowing_profile(entry({ "getpid" }, "SCMP_ACT_ERRNO"));
    put(profile, other_content(other));
    EXPECT_EQ(instructions(profile), size);
    put(profile, other_content(profile));
    std::filesystem::rename(file_of(profile), m_folder + "/elsewhere");
    std::filesystem::create_symlink(m_folder + "/elsewhere", file_of(profile));
    EXPECT_EQ(instructions(profile), size);
    EXPECT_FALSE(std::filesystem::is_symlink(file_of(profile)));
}

TEST_F(Cache, a_folder_that_cannot_be_used_costs_time_only)
{
    MUST(open_file(m_folder + "/file", O_WRONLY | O_CREAT, 0600));
    EXPECT_FALSE(compile_cached(engine_profile(), m_folder + "/file").is_error());
    std::filesystem::create_directory(m_folder + "/seccomp");
    ::chmod((m_folder + "/seccomp").c_str(), 0777);
    EXPECT_FALSE(compile_cached(engine_profile(), m_folder).is_error());
    EXPECT_TRUE(std::filesystem::is_empty(m_folder + "/seccomp"));
}

TEST_F(Cache, holds_a_bounded_number_of_files_and_drops_the_oldest)
{
    oci::Seccomp first;
    for (std::uint32_t number = 0; number < max_cached_programs + 3; ++number) {
        auto profile = allowing_profile(entry({ "getpid" }, "SCMP_ACT_ERRNO"));
        profile.syscalls[0].errno_ret = number;
        if (number == 0)
            first = profile;
        MUST(compile_cached(profile, m_folder));
    }
    std::size_t files = 0;
    for (auto const& found : std::filesystem::directory_iterator(m_folder + "/seccomp"))
        files += found.is_regular_file() ? 1 : 0;
    EXPECT_EQ(files, max_cached_programs);
    EXPECT_FALSE(std::filesystem::exists(file_of(first)));
}

TEST_F(Cache, the_listener_comes_from_the_profile_and_not_from_the_file)
{
    auto profile = allowing_profile(entry({ "getpid" }, "SCMP_ACT_NOTIFY"));
    profile.listener_path = "/run/one.sock";
    MUST(compile_cached(profile, m_folder));
    profile.listener_path = "/run/two.sock";
    auto program = MUST(compile_cached(profile, m_folder));
    EXPECT_TRUE(program.needs_listener);
    EXPECT_EQ(program.listener_path, "/run/two.sock");
    profile.listener_path.clear();
    EXPECT_TRUE(compile_cached(profile, m_folder).is_error());
}

TEST_F(Cache, profiles_that_differ_anywhere_have_different_keys)
{
    std::vector<oci::Seccomp> profiles(9, engine_profile());
    profiles[1].default_errno_ret = 2;
    profiles[2].architectures.pop_back();
    profiles[3].flags = { "SECCOMP_FILTER_FLAG_LOG" };
    profiles[4].syscalls[0].names.pop_back();
    profiles[5].syscalls[1].args[0].value = 77;
    profiles[6].syscalls[1].args[0].op = "SCMP_CMP_NE";
    profiles[7].syscalls.back().errno_ret = 39;
    profiles[8].syscalls[1].args[0].value_two = 1;
    std::set<std::string> keys;
    for (auto const& profile : profiles)
        keys.insert(to_hex(cache_key(profile)));
    EXPECT_EQ(keys.size(), profiles.size());
}

} // namespace
} // namespace bulkhead::seccomp
