// The trials behind `bulkhead check namespaces`, by subject. Each does in a throw-away child what a launch does.
#pragma once

#include "host/trial.h"
#include "isolation/isolation.h"

#include <string>
#include <vector>

namespace bulkhead::namespaces {

using Findings = std::vector<isolation::Finding>;

// How a trial gets what a container of this caller would have: without privileges, a user namespace around it.
struct TrialHost {
    bool is_privileged = false;
    // NAMESPACES for the child; adds the user namespace where the caller needs one.
    host::TrialRequest request(std::uint64_t namespaces) const;
};

isolation::Finding fine(std::string subject, std::string detail);
isolation::Finding limited(std::string subject, std::string detail, std::string advice = {});
isolation::Finding missing(std::string subject, std::string detail, std::string advice = {});

void examine_namespaces(TrialHost const&, Findings&);
void examine_processes(TrialHost const&, Findings&);
void examine_mounts(TrialHost const&, Findings&);
void examine_cgroups(TrialHost const&, Findings&);
void examine_surroundings(TrialHost const&, Findings&);

} // namespace bulkhead::namespaces
