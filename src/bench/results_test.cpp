#include "bench/results.h"

#include "base/json.h"

#include <gtest/gtest.h>

using namespace bulkhead;
using namespace bulkhead::bench;

namespace {

Results two_runtimes()
{
    Results results { .kernel = "6.1", .processors = 2, .cgroups = "cgroup v2", .parallel_count = 100, .runtimes = {}, .floor = {}, .notes = {} };
    RuntimeResult quick { .name = "quick", .path = "/bin/quick", .trouble = {}, .run = {}, .exec = {}, .parallel_ms = { 100, 110, 90 } };
    RuntimeResult slow { .name = "slow", .path = "/bin/slow", .trouble = {}, .run = {}, .exec = {}, .parallel_ms = { 200, 200, 200 } };
    for (int index = 0; index < 10; ++index) {
        quick.run.push_back({ .wall_ms = 5.0 + index, .user_ms = 1, .system_ms = 3, .peak_kib = 2048 });
        slow.run.push_back({ .wall_ms = 19, .user_ms = 10, .system_ms = 10, .peak_kib = 8192 });
    }
    results.runtimes = { quick, slow };
    return results;
}

} // namespace

TEST(Statistics, the_median_of_an_even_row_is_between_the_two_in_the_middle)
{
    EXPECT_EQ(spread_of({ 4, 1, 3, 2 }).median, 2.5);
    EXPECT_EQ(spread_of({ 3, 1, 2 }).median, 2);
}

TEST(Statistics, nine_in_ten_do_not_exceed_p90)
{
    EXPECT_EQ(spread_of({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }).p90, 9);
    EXPECT_EQ(spread_of({ 5 }).p90, 5);
    EXPECT_EQ(spread_of({}).p90, 0);
}

TEST(BenchResults, the_table_says_what_part_of_the_others_time_the_first_takes)
{
    auto text = as_table(two_runtimes());
    EXPECT_NE(text.find("0.50x"), std::string::npos) << text; // 9.5 of 19 ms, and 100 of 200 ms
    EXPECT_NE(text.find("0.25x"), std::string::npos) << text; // 2 of 8 MiB
    EXPECT_NE(text.find("75 %"), std::string::npos) << text; // 3 of 4 ms in the kernel
}

TEST(BenchResults, parts_that_were_not_measured_are_left_out)
{
    auto text = as_table(two_runtimes());
    EXPECT_EQ(text.find("exec of"), std::string::npos) << text;
    EXPECT_EQ(as_table(Results {}).find("median"), std::string::npos);
}

TEST(BenchResults, a_missing_runtime_is_said_and_does_not_stop_the_rest)
{
    auto results = two_runtimes();
    results.runtimes.push_back({ .name = "gone", .path = {}, .trouble = "not found", .run = {}, .exec = {}, .parallel_ms = {} });
    EXPECT_NE(as_table(results).find("gone: not found"), std::string::npos);
    EXPECT_NE(as_markdown(results).find("gone: not found"), std::string::npos);
}

TEST(BenchResults, json_can_be_read_back)
{
    auto document = JsonDocument::parse(as_json(two_runtimes()), "results");
    ASSERT_TRUE(document.is_ok()) << document.error().message;
    auto object = MUST(document.value().object());
    auto runtimes = MUST(object.get("runtimes"));
    EXPECT_EQ(runtimes.size(), 2U);
}
