#include "host/hook_process.h"

#include <ctime>

#include <gtest/gtest.h>

using namespace bulkhead;

namespace {

host::HookProgram shell(std::string script)
{
    return { .path = "/bin/sh", .args = { "sh", "-c", std::move(script) }, .env = {}, .timeout_seconds = {} };
}

} // namespace

TEST(HookProcess, the_state_arrives_on_standard_input)
{
    auto hook = shell("read -r line; test \"$line\" = '{\"id\":\"web\"}'");
    EXPECT_TRUE(host::run_hook(hook, "{\"id\":\"web\"}\n").is_ok());
}

TEST(HookProcess, a_failing_hook_is_quoted)
{
    auto result = host::run_hook(shell("echo no disk; echo no luck >&2; exit 3"), "{}");
    ASSERT_TRUE(result.is_error());
    EXPECT_NE(result.error().message.find("exit status 3"), std::string::npos) << result.error().message;
    EXPECT_NE(result.error().message.find("no disk\nno luck"), std::string::npos) << result.error().message;
}

TEST(HookProcess, a_hook_that_runs_out_of_time_is_killed)
{
    auto hook = shell("exec sleep 30");
    hook.timeout_seconds = 1;
    hook.env = { "PATH=/usr/bin:/bin" };
    auto before = std::time(nullptr);
    auto result = host::run_hook(hook, "{}");
    ASSERT_TRUE(result.is_error());
    EXPECT_EQ(result.error().code, Errno::timedout);
    EXPECT_LT(std::time(nullptr) - before, 10);
}

TEST(HookProcess, a_grandchild_that_keeps_the_output_open_does_not_keep_us)
{
    auto hook = shell("sleep 20 & exit 0");
    hook.env = { "PATH=/usr/bin:/bin" };
    auto before = std::time(nullptr);
    EXPECT_TRUE(host::run_hook(hook, "{}").is_ok());
    EXPECT_LT(std::time(nullptr) - before, 10);
}

TEST(HookProcess, the_environment_is_exactly_what_was_given)
{
    ::setenv("LEAKED", "yes", 1);
    auto end = host::run_program({ .path = "/usr/bin/env", .args = { "env" }, .env = { "ONLY=this" } });
    ASSERT_TRUE(end.is_ok());
    EXPECT_EQ(end.value().output, "ONLY=this\n");
}

TEST(HookProcess, a_program_that_does_not_exist_is_an_error_with_its_name)
{
    auto result = host::run_hook({ .path = "/no/such/hook", .args = {}, .env = {}, .timeout_seconds = {} }, "{}");
    ASSERT_TRUE(result.is_error());
    EXPECT_EQ(result.error().code, Errno::noent);
    EXPECT_NE(result.error().message.find("/no/such/hook"), std::string::npos);
}

TEST(HookProcess, output_is_bounded)
{
    auto end = host::run_program({ .path = "/bin/sh",
        .args = { "sh", "-c", "head -c 200000 /dev/zero | tr '\\0' x; echo" },
        .env = { "PATH=/usr/bin:/bin" },
        .output_limit = 1000 });
    ASSERT_TRUE(end.is_ok());
    EXPECT_EQ(end.value().output.size(), 1000U);
    EXPECT_TRUE(end.value().output_was_cut);
    EXPECT_TRUE(end.value().succeeded());
}
