#include "host/trial.h"

#include <gtest/gtest.h>

#include <csignal>

#include <unistd.h>

using namespace bulkhead;
using namespace bulkhead::host;

TEST(Trial, what_the_child_found_reaches_the_parent)
{
    auto end = try_in_child({}, [] { return TrialEnd::failure("open the door", Errno::access); });
    EXPECT_EQ(end.code, Errno::access);
    EXPECT_EQ(end.complaint(), "open the door: permission denied");
    EXPECT_TRUE(try_in_child({}, [] { return TrialEnd::success(); }).worked());
}

TEST(Trial, a_child_that_dies_has_failed)
{
    auto end = try_in_child({}, []() -> TrialEnd {
        ::raise(SIGKILL);
        return {};
    });
    EXPECT_EQ(end.code, Errno::io);
}

TEST(Trial, a_child_that_hangs_is_ended_when_its_time_is_up)
{
    auto end = try_in_child({ .milliseconds = 20 }, []() -> TrialEnd {
        ::pause();
        return {};
    });
    EXPECT_EQ(end.code, Errno::timedout);
}
