#include "isolations/namespaces/process_setup.h"

#include <cstdlib>
#include <cstring>

#include <gtest/gtest.h>

namespace bulkhead::namespaces {
namespace {

oci::Process plain_process()
{
    oci::Process process;
    process.args = { "/bin/true" };
    process.cwd = "/";
    return process;
}

std::uint64_t bit(std::string_view capability)
{
    return std::uint64_t(1) << capability_number(capability);
}

TEST(ProcessSetup, absent_capabilities_mean_none)
{
    auto setup = prepare_process(plain_process(), {});
    ASSERT_TRUE(setup.is_ok());
    EXPECT_EQ(setup.value().plan.bounding, 0U);
    EXPECT_EQ(setup.value().plan.permitted, 0U);
    EXPECT_TRUE(setup.value().plan.flags & init_stage::drop_bounding);
}

TEST(ProcessSetup, an_unknown_capability_is_left_out)
{
    auto process = plain_process();
    process.capabilities = oci::Capabilities { .bounding = { "CAP_CHOWN", "CAP_FROM_THE_FUTURE" } };
    auto setup = prepare_process(process, {});
    ASSERT_TRUE(setup.is_ok());
    EXPECT_EQ(setup.value().plan.bounding, bit("CAP_CHOWN"));
}

TEST(ProcessSetup, effective_beyond_permitted_is_an_error)
{
    auto process = plain_process();
    process.capabilities = oci::Capabilities { .effective = { "CAP_CHOWN" } };
    auto setup = prepare_process(process, {});
    ASSERT_TRUE(setup.is_error());
    EXPECT_NE(setup.error().message.find("process.capabilities.effective"), std::string::npos);
}

TEST(ProcessSetup, ambient_needs_permitted_and_inheritable)
{
    auto process = plain_process();
    process.capabilities
        = oci::Capabilities { .inheritable = { "CAP_KILL" }, .permitted = { "CAP_KILL", "CAP_CHOWN" }, .ambient = { "CAP_KILL", "CAP_CHOWN" } };
    auto setup = prepare_process(process, {});
    ASSERT_TRUE(setup.is_ok());
    EXPECT_EQ(setup.value().plan.ambient, bit("CAP_KILL"));
}

TEST(ProcessSetup, descriptors_to_preserve_must_be_open)
{
    auto setup = prepare_process(plain_process(), { .preserve_fds = 500 });
    ASSERT_TRUE(setup.is_error());
    EXPECT_NE(setup.error().message.find("not open"), std::string::npos);
}

TEST(ProcessSetup, groups_where_the_user_namespace_denies_them_are_an_error)
{
    auto process = plain_process();
    process.user.additional_gids = { 7 };
    EXPECT_TRUE(prepare_process(process, { .setgroups_denied = true }).is_error());
    process.user.additional_gids.clear();
    auto setup = prepare_process(process, { .setgroups_denied = true });
    ASSERT_TRUE(setup.is_ok());
    EXPECT_FALSE(setup.value().plan.flags & init_stage::set_groups);
}

TEST(ProcessSetup, listen_fds_of_the_caller_are_passed_on_for_pid_one)
{
    ::setenv("LISTEN_FDS", "lots", 1);
    EXPECT_TRUE(prepare_process(plain_process(), {}).is_error());
    ::setenv("LISTEN_FDS", "0", 1);
    auto setup = prepare_process(plain_process(), {});
    ::unsetenv("LISTEN_FDS");
    ASSERT_TRUE(setup.is_ok());
    EXPECT_EQ(setup.value().preserved, 0U);
}

TEST(ProcessSetup, errors_survive_the_way_between_processes)
{
    Error error { .code = Errno::noent, .message = "mounts[3]: no such\nfile", .hint = "look again" };
    auto back = decode_error(encode_error(error));
    EXPECT_EQ(back.code, Errno::noent);
    EXPECT_EQ(back.message, error.message);
    EXPECT_EQ(back.hint, error.hint);
}

TEST(ProcessSetup, a_broken_error_message_is_still_an_error)
{
    EXPECT_FALSE(decode_error("").message.empty());
    EXPECT_FALSE(decode_error("12\nno second line end").message.empty());
}

TEST(ProcessSetup, a_failed_execve_names_the_program_and_the_reason)
{
    init_stage::Failure failure { .step = init_stage::Step::execute, .code = EACCES };
    host::Message message {
        .kind = init_stage::message_failed, .text = std::string(reinterpret_cast<char const*>(&failure), sizeof failure), .files = {}
    };
    auto error = stage_error(message, plain_process());
    EXPECT_NE(error.message.find("/bin/true"), std::string::npos);
    EXPECT_NE(error.message.find("permission denied"), std::string::npos);
    message.text = "short";
    EXPECT_FALSE(stage_error(message, plain_process()).message.empty());
}

TEST(ProcessSetup, cpu_lists_that_are_none_are_refused)
{
    for (auto const* bad : { "a", "1-", "3-1", "1--2", "0,,1", "99999" })
        EXPECT_TRUE(set_cpu_affinity(bad, "process.execCPUAffinity.initial").is_error()) << bad;
}

} // namespace
} // namespace bulkhead::namespaces
