#include "base/result.h"

#include <gtest/gtest.h>

namespace bulkhead {
namespace {

Result<int> half(int number)
{
    if (number % 2 != 0)
        return invalid(std::to_string(number) + " is odd", "take an even number");
    return number / 2;
}

Result<int> quarter(int number)
{
    auto once = TRY(half(number));
    return half(once);
}

TEST(Error, errno_texts_are_lower_case_words)
{
    EXPECT_EQ(errno_text(Errno::noent), "no such file or directory");
    EXPECT_EQ(errno_text(static_cast<Errno>(9999)), "error 9999");
}

TEST(Error, errno_names_go_both_ways)
{
    EXPECT_EQ(errno_name(Errno::perm), "EPERM");
    EXPECT_EQ(errno_name(static_cast<Errno>(9999)), "UNKNOWN");
    EXPECT_EQ(errno_by_name("EOPNOTSUPP"), Errno::notsup);
    EXPECT_EQ(errno_by_name("ENOTHING"), Errno::none);
    EXPECT_EQ(errno_by_name(""), Errno::none);
}

TEST(Error, says_what_was_done_and_why_it_failed)
{
    errno = EACCES;
    auto error = Error::last("open \"x\"");
    EXPECT_EQ(error.message, "open \"x\": permission denied");
    EXPECT_EQ(error.code, Errno::access);
}

TEST(Result, try_passes_the_first_error_on)
{
    EXPECT_EQ(quarter(8).value(), 2);
    EXPECT_EQ(quarter(6).error().message, "3 is odd");
    EXPECT_EQ(quarter(6).error().hint, "take an even number");
}

TEST(Result, outer_contexts_come_first)
{
    auto result = half(3).context("inner").context([] { return std::string("outer"); });
    EXPECT_EQ(result.error().message, "outer: inner: 3 is odd");
    EXPECT_EQ(result.error().code, Errno::inval);
}

TEST(Result, the_text_of_a_context_is_not_made_without_an_error)
{
    bool was_made = false;
    auto result = half(4).context([&] {
        was_made = true;
        return std::string("never");
    });
    EXPECT_TRUE(result.is_ok());
    EXPECT_FALSE(was_made);
}

TEST(Result, an_errno_gets_words)
{
    SysResult<int> failed = Errno::busy;
    EXPECT_EQ(std::move(failed).or_error("unmount").error().message, "unmount: device or resource busy");
}

} // namespace
} // namespace bulkhead
