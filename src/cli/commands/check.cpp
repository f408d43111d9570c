#include "check/report.h"
#include "cli/isolation_choice.h"
#include "cli/session.h"
#include "isolations/list.h"

#include <sys/ioctl.h>
#include <unistd.h>

namespace bulkhead::cli {

namespace {

std::size_t output_width()
{
    winsize size {};
    if (::ioctl(1, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40)
        return size.ws_col;
    return 120;
}

check::Report examine(std::string_view name)
{
    check::Report report;
    report.isolation = name;
    auto const* isolation = isolations::find(name);
    report.is_in_this_version = isolation != nullptr;
    if (isolation)
        report.findings = isolation->examine();
    return report;
}

Result<int> check_one(std::string const& name, bool as_json)
{
    TRY(choose_isolation({ .flag = name })); // refuses names that nobody knows
    auto report = examine(name);
    TRY(print(as_json ? check::as_json({ report }) : check::findings_table(report, output_width())));
    return report.works() ? 0 : 1;
}

Result<int> check_all(bool as_json)
{
    std::vector<check::Report> reports;
    for (auto name : isolations::known_names())
        reports.push_back(examine(name));
    if (as_json) {
        TRY(print(check::as_json(reports)));
        return reports.front().works() ? 0 : 1;
    }
    auto text = check::summary_table(reports);
    for (auto const& report : reports)
        if (report.is_in_this_version)
            text += "\n" + check::findings_table(report, output_width());
    TRY(print(text));
    return reports.front().works() ? 0 : 1;
}

} // namespace

void add_check(CommandLine& line)
{
    auto& command = line.add("check", "find out by trial which isolations work on this host");
    auto const& name = command.optional_argument("isolation", "only this one: namespaces, userns, sentry or microvm");
    auto const& json = command.flag("json", "as JSON");
    command.allow_flags_anywhere();
    command.describe("Everything is tried for real, in processes that vanish, and nothing is left behind. The exit status is 0 when the\n"
                     "isolation that was asked for (without a name: namespaces) works here.");
    command.runs([&name, &json] { return name.empty() ? check_all(json) : check_one(name, json); });
}

} // namespace bulkhead::cli
