// What isolations found out about this host, as a table for people and as JSON. Knows no particular isolation.
#pragma once

#include "isolation/isolation.h"

#include <string>
#include <vector>

namespace bulkhead::check {

struct Report {
    std::string isolation;
    bool is_in_this_version = true; // else there are no findings, and it does not work
    std::vector<isolation::Finding> findings;

    // The worst of the findings.
    isolation::Finding::Verdict verdict() const;
    bool works() const { return verdict() != isolation::Finding::Verdict::missing; }
    // Why the verdict is not "fine", in one line; what works when it is.
    std::string reason() const;
};

std::string_view verdict_name(isolation::Finding::Verdict);

// One line for each isolation.
std::string summary_table(std::vector<Report> const&);
// Every finding of one isolation, with advice below those that are not fine. Lines are broken at WIDTH columns.
std::string findings_table(Report const&, std::size_t width);
std::string as_json(std::vector<Report> const&);

} // namespace bulkhead::check
