#include "cgroup/device_rules.h"
#include "cgroup/cgroup.h"

#include <gtest/gtest.h>

namespace bulkhead::cgroup {
namespace {

using Rules = std::vector<oci::DeviceRule>;

oci::DeviceRule rule(bool allow, char const* type, std::optional<std::int64_t> major, std::optional<std::int64_t> minor, char const* access)
{
    return { .allow = allow, .type = type, .major = major, .minor = minor, .access = access };
}
constexpr auto any = std::nullopt;

TEST(DeviceRules, without_rules_everything_is_denied)
{
    auto policy = MUST(evaluate_device_rules({}));
    EXPECT_FALSE(policy.allows('c', 1, 3, access_read));
}

TEST(DeviceRules, later_rules_override_earlier_ones)
{
    auto policy = MUST(evaluate_device_rules(
        { rule(true, "c", 1, 3, "rwm"), rule(false, "a", any, any, "rwm"), rule(true, "c", 1, 5, "r"), rule(false, "c", 1, 5, "r") }));
    EXPECT_FALSE(policy.allows('c', 1, 3, access_read));
    EXPECT_FALSE(policy.allows('c', 1, 5, access_read));
    EXPECT_TRUE(policy.exceptions.empty());
}

TEST(DeviceRules, a_denial_under_deny_takes_back_only_the_same_devices)
{
    // As the kernel: "c 1:* rwm" stays whole when "c 1:3 w" is denied.
    auto policy = MUST(evaluate_device_rules({ rule(true, "c", 1, any, "rwm"), rule(false, "c", 1, 3, "w") }));
    EXPECT_TRUE(policy.allows('c', 1, 3, access_write));
}

TEST(DeviceRules, an_access_is_allowed_only_by_one_rule_that_covers_all_of_it)
{
    auto policy = MUST(evaluate_device_rules({ rule(true, "c", any, 3, "r"), rule(true, "c", 1, any, "w") }));
    EXPECT_TRUE(policy.allows('c', 1, 3, access_read));
    EXPECT_TRUE(policy.allows('c', 1, 3, access_write));
    EXPECT_FALSE(policy.allows('c', 1, 3, access_read | access_write));
}

TEST(DeviceRules, under_allow_any_touched_exception_denies)
{
    auto policy = MUST(evaluate_device_rules({ rule(true, "a", any, any, ""), rule(false, "b", 8, any, "w") }));
    EXPECT_TRUE(policy.allows('b', 8, 0, access_read));
    EXPECT_FALSE(policy.allows('b', 8, 0, access_read | access_write));
    EXPECT_TRUE(policy.allows('c', 8, 0, access_all));
}

TEST(DeviceRules, all_types_with_numbers_mean_both_types_and_do_not_open_everything)
{
    auto policy = MUST(evaluate_device_rules({ rule(true, "a", 10, 200, "rwm") }));
    EXPECT_FALSE(policy.allow_by_default);
    EXPECT_TRUE(policy.allows('c', 10, 200, access_all));
    EXPECT_TRUE(policy.allows('b', 10, 200, access_all));
    EXPECT_FALSE(policy.allows('c', 10, 201, access_read));
}

TEST(DeviceRules, minus_one_means_all)
{
    auto policy = MUST(evaluate_device_rules({ rule(true, "c", -1, -1, "m") }));
    EXPECT_EQ(policy.exceptions.at(0).text(), "c *:* m");
}

TEST(DeviceRules, the_same_devices_are_one_exception)
{
    auto policy = MUST(evaluate_device_rules({ rule(true, "c", 1, 3, "r"), rule(true, "c", 1, 3, "w"), rule(true, "u", 1, 3, "m") }));
    ASSERT_EQ(policy.exceptions.size(), 1U);
    EXPECT_EQ(policy.exceptions[0].text(), "c 1:3 rwm");
}

TEST(DeviceRules, mistakes_name_their_place)
{
    auto wrong_access = evaluate_device_rules({ rule(true, "c", 1, 3, "rx") });
    ASSERT_TRUE(wrong_access.is_error());
    EXPECT_NE(wrong_access.error().message.find("linux.resources.devices[0].access"), std::string::npos);
    auto wrong_type = evaluate_device_rules({ rule(true, "c", 1, 3, "r"), rule(true, "p", 1, 3, "r") });
    ASSERT_TRUE(wrong_type.is_error());
    EXPECT_NE(wrong_type.error().message.find("linux.resources.devices[1].type"), std::string::npos);
    EXPECT_TRUE(evaluate_device_rules({ rule(true, "c", std::int64_t { 1 } << 32, 3, "r") }).is_error());
}

TEST(DevicesList, is_read_back)
{
    auto policy = parse_devices_list("c 1:3 rwm\nc 136:* rw\nb *:* m\nbroken\n");
    ASSERT_EQ(policy.exceptions.size(), 3U);
    EXPECT_FALSE(policy.allow_by_default);
    EXPECT_EQ(policy.exceptions[1].text(), "c 136:* rw");
    EXPECT_TRUE(parse_devices_list("a *:* rwm\n").allow_by_default);
}

} // namespace
} // namespace bulkhead::cgroup
