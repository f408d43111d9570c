#include "check/report.h"

#include "base/json.h"
#include "base/text.h"

#include <algorithm>

namespace bulkhead::check {

using isolation::Finding;
using Verdict = Finding::Verdict;

namespace {

std::string padded(std::string_view text, std::size_t width)
{
    std::string line(text);
    if (line.size() < width)
        line.append(width - line.size(), ' ');
    return line;
}

// TEXT broken at blanks; every line but the first starts at COLUMN.
std::string wrapped(std::string_view text, std::size_t column, std::size_t width)
{
    auto room = width > column + 20 ? width - column : 20;
    std::string lines;
    std::size_t used = 0;
    for (auto word : split(text, ' ')) {
        if (used > 0 && used + 1 + word.size() > room) {
            lines += "\n" + std::string(column, ' ');
            used = 0;
        }
        if (used > 0) {
            lines += ' ';
            ++used;
        }
        lines += word;
        used += word.size();
    }
    return lines;
}

std::string subjects_with(std::vector<Finding> const& findings, Verdict verdict)
{
    std::vector<std::string> subjects;
    for (auto const& finding : findings)
        if (finding.verdict == verdict)
            subjects.push_back(finding.subject);
    return join(subjects, ", ");
}

} // namespace

std::string_view verdict_name(Verdict verdict)
{
    switch (verdict) {
    case Verdict::fine:
        return "fine";
    case Verdict::limited:
        return "limited";
    case Verdict::missing:
        break;
    }
    return "missing";
}

Verdict Report::verdict() const
{
    if (!is_in_this_version)
        return Verdict::missing;
    auto worst = Verdict::fine;
    for (auto const& finding : findings)
        worst = std::max(worst, finding.verdict);
    return worst;
}

std::string Report::reason() const
{
    if (!is_in_this_version)
        return "not in this version";
    switch (verdict()) {
    case Verdict::fine:
        return "works, with everything it can do";
    case Verdict::limited:
        return "works; limited: " + subjects_with(findings, Verdict::limited);
    case Verdict::missing:
        break;
    }
    return "does not work here; missing: " + subjects_with(findings, Verdict::missing);
}

std::string summary_table(std::vector<Report> const& reports)
{
    std::size_t width = std::string_view("ISOLATION").size();
    for (auto const& report : reports)
        width = std::max(width, report.isolation.size());
    auto text = padded("ISOLATION", width) + "   VERDICT   REASON\n";
    for (auto const& report : reports)
        text += padded(report.isolation, width) + "   " + padded(verdict_name(report.verdict()), 7) + "   " + report.reason() + "\n";
    return text;
}

std::string findings_table(Report const& report, std::size_t width)
{
    std::size_t subject_width = 0;
    for (auto const& finding : report.findings)
        subject_width = std::max(subject_width, finding.subject.size());
    auto column = subject_width + 15;
    auto text = report.isolation + ": " + report.reason() + "\n";
    for (auto const& finding : report.findings) {
        text += "  " + padded(finding.subject, subject_width) + "   " + padded(verdict_name(finding.verdict), 7) + "   "
            + wrapped(finding.detail, column, width) + "\n";
        if (finding.verdict != Verdict::fine && !finding.advice.empty())
            text += std::string(column, ' ') + wrapped("try: " + finding.advice, column + 5, width) + "\n";
    }
    return text;
}

std::string as_json(std::vector<Report> const& reports)
{
    JsonWriter json(2);
    json.begin_array();
    for (auto const& report : reports) {
        json.begin_object();
        json.member("isolation", report.isolation);
        json.member("verdict", verdict_name(report.verdict()));
        json.member("works", report.works());
        json.member("reason", report.reason());
        json.key("findings").begin_array();
        for (auto const& finding : report.findings) {
            json.begin_object();
            json.member("subject", finding.subject);
            json.member("verdict", verdict_name(finding.verdict));
            json.member("detail", finding.detail);
            if (!finding.advice.empty())
                json.member("advice", finding.advice);
            json.end_object();
        }
        json.end_array();
        json.end_object();
    }
    json.end_array();
    return json.text() + "\n";
}

} // namespace bulkhead::check
