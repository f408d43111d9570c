// Verdicts of many tests put together by requirement, and the ways to print them.
#pragma once

#include "driver/session.h"
#include "requirements.h"

#include <iosfwd>
#include <map>
#include <string>
#include <vector>

namespace conformance {

struct Result {
    Requirement const* requirement = nullptr;
    Verdict verdict = Verdict::skipped;
    std::string text; // why it failed or was skipped
    std::vector<std::string> tests;
};

struct Counts {
    int passed = 0;
    int failed = 0;
    int skipped = 0;
};

class Report {
public:
    explicit Report(Settings const& settings)
        : m_settings(settings)
    {
    }
    void add(std::string const& test, std::vector<Finding> const& findings);
    // One result for every requirement that a chosen test covers, or that no test can see.
    std::vector<Result> results(bool only_tested) const;
    Json as_json(std::vector<Result> const& results) const;

private:
    Settings const& m_settings;
    std::map<std::string, std::vector<std::pair<std::string, Finding>>> m_findings;
};

Counts count(std::vector<Result> const& results);
void print_tap(std::ostream& out, std::vector<Result> const& results);
// The page docs/reference/conformance.md out of the JSON of several runs.
std::string render_markdown(std::vector<Json> const& runs);
// -1, 0, 1: versions by their numbers; "1.0.2-dev" counts as 1.0.2.
int compare_versions(std::string const& left, std::string const& right);

} // namespace conformance
