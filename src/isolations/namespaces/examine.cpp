// What the `namespaces` isolation needs of the host, in the order in which a launch needs it.

#include "isolations/namespaces/examine.h"

#include "isolations/namespaces/isolation.h"

#include <linux/sched.h>
#include <unistd.h>

namespace bulkhead::namespaces {

using isolation::Finding;

Finding fine(std::string subject, std::string detail)
{
    return { .subject = std::move(subject), .verdict = Finding::Verdict::fine, .detail = std::move(detail), .advice = {} };
}

Finding limited(std::string subject, std::string detail, std::string advice)
{
    return { .subject = std::move(subject), .verdict = Finding::Verdict::limited, .detail = std::move(detail), .advice = std::move(advice) };
}

Finding missing(std::string subject, std::string detail, std::string advice)
{
    return { .subject = std::move(subject), .verdict = Finding::Verdict::missing, .detail = std::move(detail), .advice = std::move(advice) };
}

host::TrialRequest TrialHost::request(std::uint64_t namespaces) const
{
    host::TrialRequest request { .namespaces = namespaces };
    if (!is_privileged)
        request.namespaces |= CLONE_NEWUSER;
    if ((request.namespaces & CLONE_NEWUSER) != 0)
        request.id_maps
            = { .uids = { { .inside = 0, .outside = ::geteuid(), .size = 1 } }, .gids = { { .inside = 0, .outside = ::getegid(), .size = 1 } } };
    return request;
}

std::vector<Finding> NamespacesIsolation::examine() const
{
    TrialHost host { .is_privileged = host::has_host_privileges() };
    Findings findings;
    if (host.is_privileged)
        findings.push_back(fine("privileges", "root with CAP_SYS_ADMIN in the host's own user namespace"));
    else
        findings.push_back(limited("privileges", "not root on the host: containers get a user namespace around them (rootless)",
            "run as root where control groups, devices or joined namespaces are needed"));
    examine_namespaces(host, findings);
    examine_processes(host, findings);
    examine_mounts(host, findings);
    examine_cgroups(host, findings);
    examine_surroundings(host, findings);
    return findings;
}

} // namespace bulkhead::namespaces
