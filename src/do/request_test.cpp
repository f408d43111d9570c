#include "do/request.h"

#include "do/default_profile.h"
#include "oci/config.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

using namespace bulkhead;
using namespace bulkhead::do_command;

namespace {

constexpr char const* passwd = "root:x:0:0:root:/root:/bin/bash\nbuild:x:1000:1001::/home/build:/bin/sh\n";
constexpr char const* group = "root:x:0:\nbuild:x:1001:\ndisk:x:6:build,root\naudio:x:29:build\n";

Request simple_request()
{
    Request request;
    request.command = { "ls", "/" };
    request.environment = { "PATH=/bin" };
    request.working_directory = "/";
    request.root = "/run/bulkhead/.do/root";
    request.id = "do-1";
    return request;
}

} // namespace

TEST(DoRequest, sizes_take_binary_units)
{
    EXPECT_EQ(parse_size("4096").value(), 4096);
    EXPECT_EQ(parse_size("512m").value(), 512LL << 20);
    EXPECT_EQ(parse_size("2G").value(), 2LL << 30);
}

TEST(DoRequest, sizes_that_make_no_sense_are_refused)
{
    for (auto const* text : { "", "m", "0", "-1", "1.5g", "9999999999t", "12x", "1 g" })
        EXPECT_TRUE(parse_size(text).is_error()) << text;
}

TEST(DoRequest, users_are_found_by_name_and_number_with_their_groups)
{
    auto by_name = MUST(find_user("build", passwd, group));
    EXPECT_EQ(by_name.uid, 1000U);
    EXPECT_EQ(by_name.gid, 1001U);
    EXPECT_EQ(by_name.groups, (std::vector<std::uint32_t> { 6, 29 }));
    EXPECT_EQ(MUST(find_user("1000", passwd, group)).gid, 1001U);
    EXPECT_EQ(MUST(find_user("4242", passwd, group)).uid, 4242U);
}

TEST(DoRequest, a_group_that_is_named_is_the_only_one)
{
    auto choice = MUST(find_user("build:disk", passwd, group));
    EXPECT_EQ(choice.gid, 6U);
    EXPECT_TRUE(choice.groups.empty());
    EXPECT_EQ(MUST(find_user("7:8", passwd, group)).gid, 8U);
}

TEST(DoRequest, unknown_users_and_groups_are_named_in_the_error)
{
    EXPECT_EQ(find_user("nobody-here", passwd, group).error().message, "unknown user \"nobody-here\"");
    EXPECT_EQ(find_user("build:none", passwd, group).error().message, "unknown group \"none\"");
}

TEST(DoRequest, the_environment_is_small_and_wishes_win)
{
    ::setenv("TERM", "dumb", 1);
    ::setenv("SECRET", "x", 1);
    auto environment = MUST(make_environment({ "TERM=xterm", "PLAIN=1", "SECRET", "ABSENT_ONE" }));
    std::set<std::string> all(environment.begin(), environment.end());
    EXPECT_TRUE(all.contains("TERM=xterm"));
    EXPECT_FALSE(all.contains("TERM=dumb"));
    EXPECT_TRUE(all.contains("PLAIN=1"));
    EXPECT_TRUE(all.contains("SECRET=x"));
    auto without = MUST(make_environment({}));
    for (auto const& one : without)
        EXPECT_FALSE(one.starts_with("SECRET="));
    EXPECT_TRUE(make_environment({ "=x" }).is_error());
}

TEST(DoConfig, the_config_is_valid)
{
    auto request = simple_request();
    for (bool rootless : { false, true }) {
        for (auto network : { Network::none, Network::host }) {
            request.rootless = rootless;
            request.network = network;
            request.memory = 1 << 20;
            request.writable = { "/srv/data" };
            auto config = oci::parse_config(config_json(request));
            ASSERT_TRUE(config.is_ok()) << config.error().message;
            auto valid = oci::validate_config(config.value());
            EXPECT_TRUE(valid.is_ok()) << valid.error().message;
            EXPECT_TRUE(config.value().unknown_members.empty());
            EXPECT_EQ(config.value().find_namespace(oci::NamespaceType::network) != nullptr, network == Network::none);
            EXPECT_EQ(config.value().find_namespace(oci::NamespaceType::user) != nullptr, rootless);
        }
    }
}

TEST(DoConfig, users_other_than_root_have_no_capabilities_to_begin_with)
{
    auto request = simple_request();
    request.user.uid = 1000;
    auto config = MUST(oci::parse_config(config_json(request)));
    EXPECT_TRUE(config.process->capabilities->effective.empty());
    EXPECT_EQ(config.process->capabilities->bounding.size(), 14U);
    EXPECT_TRUE(config.process->no_new_privileges);
}

TEST(DoProfile, no_call_is_listed_twice_and_dangerous_ones_not_at_all)
{
    std::set<std::string_view> seen;
    for (auto const& one : allowed_groups())
        for (auto name : one.names)
            EXPECT_TRUE(seen.insert(name).second) << name;
    for (auto const* name : { "mount", "umount2", "pivot_root", "setns", "unshare", "bpf", "perf_event_open", "kexec_load", "init_module",
             "finit_module", "keyctl", "add_key", "request_key", "open_by_handle_at", "userfaultfd", "io_uring_setup", "reboot", "swapon", "clone3",
             "clone", "move_mount", "fsopen", "open_tree", "settimeofday", "syslog", "quotactl", "acct", "iopl", "ioperm" })
        EXPECT_FALSE(seen.contains(name)) << name;
}
