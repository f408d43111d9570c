#include "base/text.h"

#include <gtest/gtest.h>

namespace bulkhead {
namespace {

using Parts = std::vector<std::string_view>;

TEST(Text, splitting_keeps_empty_parts)
{
    EXPECT_EQ(split("a,,b", ','), (Parts { "a", "", "b" }));
    EXPECT_EQ(split("", ','), (Parts { "" }));
    EXPECT_EQ(split(",", ','), (Parts { "", "" }));
    EXPECT_EQ(split("abc", ','), (Parts { "abc" }));
}

TEST(Text, trimming_takes_blanks_from_both_ends_only)
{
    EXPECT_EQ(trim(" \t a b \r\n"), "a b");
    EXPECT_EQ(trim(" \n"), "");
    EXPECT_EQ(trim(""), "");
}

TEST(Text, joining_puts_separators_between)
{
    EXPECT_EQ(join({ "a", "b", "c" }, ", "), "a, b, c");
    EXPECT_EQ(join({ "a" }, ", "), "a");
    EXPECT_EQ(join({}, ", "), "");
}

TEST(Text, a_number_is_the_whole_text_or_nothing)
{
    EXPECT_EQ(parse_number<std::uint32_t>("4294967295"), 4294967295U);
    EXPECT_EQ(parse_number<std::int32_t>("-12"), -12);
    EXPECT_EQ(parse_number<std::uint32_t>("644", 8), 0644U);
    EXPECT_EQ(parse_number<std::uint32_t>("4294967296"), std::nullopt);
    EXPECT_EQ(parse_number<std::uint32_t>("-1"), std::nullopt);
    EXPECT_EQ(parse_number<std::uint32_t>("+1"), std::nullopt);
    EXPECT_EQ(parse_number<std::uint32_t>("1x"), std::nullopt);
    EXPECT_EQ(parse_number<std::uint32_t>(" 1"), std::nullopt);
    EXPECT_EQ(parse_number<std::uint32_t>(""), std::nullopt);
}

} // namespace
} // namespace bulkhead
