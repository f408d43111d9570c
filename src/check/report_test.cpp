#include "check/report.h"

#include <gtest/gtest.h>

using namespace bulkhead;
using check::Report;
using isolation::Finding;
using Verdict = Finding::Verdict;

namespace {

Report two_findings(Verdict first, Verdict second)
{
    Report report;
    report.isolation = "example";
    report.findings = { { .subject = "doors", .verdict = first, .detail = "a door was opened", .advice = "oil it" },
        { .subject = "windows", .verdict = second, .detail = "a window was opened", .advice = "wipe it" } };
    return report;
}

} // namespace

TEST(CheckReport, the_worst_finding_is_the_verdict)
{
    EXPECT_EQ(two_findings(Verdict::fine, Verdict::fine).verdict(), Verdict::fine);
    EXPECT_EQ(two_findings(Verdict::limited, Verdict::fine).verdict(), Verdict::limited);
    EXPECT_EQ(two_findings(Verdict::missing, Verdict::limited).verdict(), Verdict::missing);
}

TEST(CheckReport, a_limited_isolation_works_and_a_lacking_one_does_not)
{
    EXPECT_TRUE(two_findings(Verdict::limited, Verdict::fine).works());
    EXPECT_FALSE(two_findings(Verdict::missing, Verdict::fine).works());
    EXPECT_FALSE((Report { .isolation = "later", .is_in_this_version = false, .findings = {} }).works());
}

TEST(CheckReport, the_reason_names_what_is_not_fine)
{
    EXPECT_EQ(two_findings(Verdict::fine, Verdict::limited).reason(), "works; limited: windows");
    EXPECT_EQ(two_findings(Verdict::missing, Verdict::limited).reason(), "does not work here; missing: doors");
}

TEST(CheckReport, the_table_is_aligned_and_gives_advice_only_where_it_is_needed)
{
    EXPECT_EQ(findings_table(two_findings(Verdict::fine, Verdict::limited), 80),
        "example: works; limited: windows\n"
        "  doors     fine      a door was opened\n"
        "  windows   limited   a window was opened\n"
        "                      try: wipe it\n");
}

TEST(CheckReport, long_details_are_broken_at_blanks)
{
    Report report;
    report.isolation = "example";
    report.findings = { { .subject = "doors", .verdict = Verdict::fine, .detail = "one two three four five six seven eight", .advice = {} } };
    auto text = findings_table(report, 42);
    EXPECT_NE(text.find("one two three four\n                    five six seven eight\n"), std::string::npos) << text;
}

TEST(CheckReport, json_holds_every_finding)
{
    auto document = JsonDocument::parse(check::as_json({ two_findings(Verdict::fine, Verdict::limited) }), "report");
    ASSERT_TRUE(document.is_ok());
    auto isolation = MUST(document.value().root().at(0).as_object());
    std::string verdict;
    EXPECT_TRUE(isolation.required("verdict", verdict).is_ok());
    EXPECT_EQ(verdict, "limited");
    EXPECT_EQ(MUST(isolation.get("findings")).size(), 2U);
}
