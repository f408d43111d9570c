#include "driver/report.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iostream>
#include <sstream>

namespace conformance {

int compare_versions(std::string const& left, std::string const& right)
{
    auto parts = [](std::string const& text) {
        std::array<long, 3> numbers {};
        char const* rest = text.c_str();
        for (auto& number : numbers) {
            char* end = nullptr;
            number = std::strtol(rest, &end, 10);
            rest = *end == '.' ? end + 1 : "";
        }
        return numbers;
    };
    auto a = parts(left), b = parts(right);
    return a < b ? -1 : a > b ? 1 : 0;
}

void Report::add(std::string const& test, std::vector<Finding> const& findings)
{
    for (auto const& finding : findings)
        m_findings[finding.requirement].emplace_back(test, finding);
}

namespace {

void remember_test(Result& result, std::string const& test)
{
    if (std::find(result.tests.begin(), result.tests.end(), test) == result.tests.end())
        result.tests.push_back(test);
}

// A failure beats a pass, a pass beats a skip.
void fold(Result& result, std::string const& test, Finding const& finding)
{
    remember_test(result, test);
    if (finding.verdict == Verdict::failed) {
        if (result.verdict != Verdict::failed)
            result.text.clear();
        if (result.text.size() < 500 && result.text.find(finding.text) == std::string::npos)
            result.text += (result.text.empty() ? "" : "; ") + finding.text;
        result.verdict = Verdict::failed;
    } else if (result.verdict != Verdict::failed) {
        if (finding.verdict == Verdict::passed) {
            result.verdict = Verdict::passed;
            result.text.clear();
        } else if (result.verdict == Verdict::skipped && result.text.empty()) {
            result.text = finding.text;
        }
    }
}

} // namespace

std::vector<Result> Report::results(bool only_tested) const
{
    std::vector<Result> all;
    for (auto const& requirement : all_requirements()) {
        Result result { .requirement = &requirement };
        auto found = m_findings.find(std::string(requirement.number));
        if (found == m_findings.end()) {
            if (only_tested)
                continue;
            result.text = requirement.no_test.empty() ? "no test was run" : "not testable from outside: " + std::string(requirement.no_test);
        } else {
            for (auto const& [test, finding] : found->second)
                fold(result, test, finding);
        }
        bool newer = compare_versions(std::string(requirement.since), m_settings.claimed_version) > 0;
        if (result.verdict == Verdict::failed && newer && !m_settings.claimed_version.empty()) {
            result.verdict = Verdict::skipped;
            result.text = "asked for since " + std::string(requirement.since) + ", the runtime claims " + m_settings.claimed_version + " ("
                + result.text + ")";
        }
        all.push_back(result);
    }
    return all;
}

Counts count(std::vector<Result> const& results)
{
    Counts counts;
    for (auto const& result : results)
        ++(result.verdict == Verdict::passed ? counts.passed : result.verdict == Verdict::failed ? counts.failed : counts.skipped);
    return counts;
}

void print_tap(std::ostream& out, std::vector<Result> const& results)
{
    out << "TAP version 13\n1.." << results.size() << "\n";
    int number = 0;
    for (auto const& result : results) {
        auto const& requirement = *result.requirement;
        out << (result.verdict == Verdict::failed ? "not ok " : "ok ") << ++number << " - " << requirement.number << " "
            << level_name(requirement.level) << ": " << requirement.text;
        if (result.verdict == Verdict::skipped)
            out << " # SKIP " << one_line(result.text, 400);
        out << "\n";
        if (result.verdict == Verdict::failed) {
            out << "  # " << one_line(result.text, 900) << "\n  # tests:";
            for (auto const& test : result.tests)
                out << " " << test;
            out << "\n";
        }
    }
}

namespace {

void replace_all(std::string& text, std::string const& from, std::string const& to)
{
    for (std::size_t found = 0; (found = text.find(from, found)) != std::string::npos; found += to.size())
        text.replace(found, from.size(), to);
}

} // namespace

Json Report::as_json(std::vector<Result> const& results) const
{
    Json list = Json::array();
    for (auto const& result : results) {
        auto verdict = result.verdict == Verdict::passed ? "passed" : result.verdict == Verdict::failed ? "failed" : "skipped";
        // Names of this run would make two equal runs differ.
        auto text = result.text;
        replace_all(text, m_settings.folder, "TMP");
        replace_all(text, m_settings.mark, "ID");
        list.push_back({ { "number", result.requirement->number }, { "verdict", verdict }, { "text", text }, { "tests", result.tests } });
    }
    auto counts = count(results);
    auto slash = m_settings.runtime.rfind('/');
    return { { "runtime", slash == std::string::npos ? m_settings.runtime : m_settings.runtime.substr(slash + 1) },
        { "version", m_settings.version_text.substr(0, m_settings.version_text.find('\n')) }, { "claims", m_settings.claimed_version },
        { "passed", counts.passed }, { "failed", counts.failed }, { "skipped", counts.skipped }, { "results", list } };
}

namespace {

std::string escaped(std::string text)
{
    std::string result;
    for (char letter : one_line(std::move(text), 220)) {
        if (letter == '|' || letter == '<' || letter == '>' || letter == '*' || letter == '_')
            result += '\\';
        result += letter;
    }
    return result;
}

Json const& result_in(Json const& run, std::string_view number)
{
    static Json const nothing;
    for (auto const& result : at(run, "results")) {
        if (text_at(result, "number") == number)
            return result;
    }
    return nothing;
}

std::string word_for(Json const& result, Requirement const& requirement)
{
    if (!requirement.no_test.empty())
        return "–";
    auto verdict = text_at(result, "verdict");
    if (verdict == "passed")
        return "yes";
    if (verdict == "failed")
        return "**no**";
    return text_at(result, "text").starts_with("asked for since") ? "newer" : verdict.empty() ? "?" : "skip";
}

void render_rows(std::ostream& out, std::vector<Json> const& runs)
{
    std::string_view section;
    for (auto const& requirement : all_requirements()) {
        if (requirement.section != section) {
            section = requirement.section;
            out << "\n## " << section << "\n\n| number | level | since | requirement |";
            for (auto const& run : runs)
                out << " " << text_at(run, "runtime") << " |";
            out << "\n|---|---|---|---|";
            for (std::size_t index = 0; index < runs.size(); ++index)
                out << "---|";
            out << "\n";
        }
        out << "| " << requirement.number << " | " << level_name(requirement.level) << " | " << requirement.since << " | " << requirement.text;
        if (!requirement.no_test.empty())
            out << " (not testable from outside: " << requirement.no_test << ")";
        out << " |";
        for (auto const& run : runs)
            out << " " << word_for(result_in(run, requirement.number), requirement) << " |";
        out << "\n";
    }
}

void render_failures(std::ostream& out, Json const& run, std::string_view verdict, std::string_view title)
{
    out << "\n### " << text_at(run, "runtime") << ": " << title << "\n\n";
    bool any = false;
    for (auto const& result : at(run, "results")) {
        auto const* requirement = find_requirement(text_at(result, "number"));
        if (text_at(result, "verdict") != verdict || requirement == nullptr || !requirement->no_test.empty())
            continue;
        any = true;
        out << "- " << text_at(result, "number") << ": " << escaped(text_at(result, "text")) << "\n";
    }
    if (!any)
        out << "none\n";
}

} // namespace

std::string render_markdown(std::vector<Json> const& runs)
{
    std::ostringstream out;
    out << "# Conformance to the OCI runtime specification\n\n"
           "Generated by `tests/oci/compare_runtimes` from one run per runtime; do not edit. How to run it: `tests/oci/README.md`.\n\n"
           "*yes*: every check passed. **no**: a check failed. *newer*: it fails, but the runtime claims an older version of the specification than\n"
           "the one that asks for it. *skip*: this host lacks what the test needs. –: no test can see it from outside. Level *engine*: not in the\n"
           "specification, but Docker, Podman, containerd or CRI-O rely on it. Requirements are paraphrased; the specification has the last word.\n\n"
           "| runtime | version | claims | passed | failed | skipped |\n|---|---|---|---|---|---|\n";
    for (auto const& run : runs)
        out << "| " << text_at(run, "runtime") << " | " << text_at(run, "version") << " | " << text_at(run, "claims") << " | "
            << number_at(run, "passed") << " | " << number_at(run, "failed") << " | " << number_at(run, "skipped") << " |\n";
    render_rows(out, runs);
    out << "\n## Details\n";
    for (auto const& run : runs) {
        render_failures(out, run, "failed", "failures");
        render_failures(out, run, "skipped", "skipped");
    }
    return out.str();
}

} // namespace conformance
