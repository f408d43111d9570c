#include "container/signal_names.h"

#include <csignal>

#include <gtest/gtest.h>

using namespace bulkhead::container;

TEST(SignalNames, names_with_and_without_sig_in_any_case_and_numbers_are_signals)
{
    EXPECT_EQ(parse_signal("TERM"), SIGTERM);
    EXPECT_EQ(parse_signal("SIGTERM"), SIGTERM);
    EXPECT_EQ(parse_signal("sigterm"), SIGTERM);
    EXPECT_EQ(parse_signal("kill"), SIGKILL);
    EXPECT_EQ(parse_signal("15"), 15);
    EXPECT_EQ(parse_signal("0"), 0);
    EXPECT_EQ(parse_signal("64"), 64);
}

TEST(SignalNames, real_time_signals_count_from_both_ends)
{
    EXPECT_EQ(parse_signal("RTMIN"), 34);
    EXPECT_EQ(parse_signal("SIGRTMIN+3"), 37);
    EXPECT_EQ(parse_signal("RTMAX-1"), 63);
    EXPECT_EQ(parse_signal("RTMIN+30"), 64);
}

TEST(SignalNames, everything_else_is_none)
{
    for (auto const* text :
        { "", "SIG", "65", "-1", "-9", "9x", "NOPE", "RTMIN+31", "RTMIN-1", "RTMAX+1", "RTMIN+", "TERM ", "SIGSIGTERM", "99999999999" })
        EXPECT_FALSE(parse_signal(text)) << text;
}

TEST(SignalNames, numbers_have_names)
{
    EXPECT_EQ(signal_name(SIGTERM), "SIGTERM");
    EXPECT_EQ(signal_name(50), "50");
}
