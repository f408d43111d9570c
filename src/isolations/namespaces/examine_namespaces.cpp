// Each namespace type is really made, and used for what a container wants it for.

#include "isolations/namespaces/examine.h"

#include "base/text.h"
#include "host/mount_api.h"
#include "isolations/namespaces/network.h"

#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

namespace bulkhead::namespaces {

namespace {

using host::TrialEnd;

// One row of the table: the flag, what to do inside, and whether a container can do without.
struct NamespaceTrial {
    char const* name;
    std::uint64_t flags;
    char const* limit; // file below /proc/sys/user
    bool is_needed;
    TrialEnd (*inside)();
};

TrialEnd use_mount()
{
    if (auto made = host::mount_classic(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr); made.is_error())
        return TrialEnd::failure("make every mount private", made.error());
    return TrialEnd::success("made by clone3, every mount set private");
}

TrialEnd use_pid()
{
    if (::getpid() != 1)
        return TrialEnd::failure("become process 1", Errno::notsup);
    auto proc = host::NewFileSystem::open("proc");
    if (proc.is_error())
        return TrialEnd::failure("fsopen proc", proc.error());
    if (auto mounted = proc.value().mount(0); mounted.is_error())
        return TrialEnd::failure("mount a /proc of its own", mounted.error());
    return TrialEnd::success("made by clone3, a child was process 1 and mounted its /proc");
}

TrialEnd use_network()
{
    if (auto up = bring_loopback_up(); up.is_error())
        return TrialEnd::failure("bring the loopback interface up", up.error().code);
    return TrialEnd::success("made by clone3, its loopback interface brought up");
}

TrialEnd use_uts()
{
    if (::sethostname("check", 5) < 0)
        return TrialEnd::last("set the host name");
    return TrialEnd::success("made by clone3, host name set");
}

TrialEnd use_by_being_there()
{
    return TrialEnd::success("made by clone3");
}

TrialEnd use_time()
{
    // As a launch does it: unshare, then offsets before the first child.
    if (::unshare(CLONE_NEWTIME) < 0)
        return TrialEnd::last("unshare");
    auto written = write_existing_at(FileView::current_directory(), "/proc/self/timens_offsets", "boottime 1 0\n");
    if (written.is_error())
        return TrialEnd::failure("set an offset", written.error());
    return TrialEnd::success("made by unshare, offset set");
}

constexpr NamespaceTrial trials[] = {
    { "mount namespace", CLONE_NEWNS, "max_mnt_namespaces", true, use_mount },
    { "pid namespace", CLONE_NEWPID | CLONE_NEWNS, "max_pid_namespaces", true, use_pid },
    { "network namespace", CLONE_NEWNET, "max_net_namespaces", true, use_network },
    { "ipc namespace", CLONE_NEWIPC, "max_ipc_namespaces", true, use_by_being_there },
    { "uts namespace", CLONE_NEWUTS, "max_uts_namespaces", true, use_uts },
    { "cgroup namespace", CLONE_NEWCGROUP, "max_cgroup_namespaces", false, use_by_being_there },
    { "time namespace", 0, "max_time_namespaces", false, use_time },
};

std::string advice_for(Errno code, char const* limit)
{
    auto file = "/proc/sys/user/" + std::string(limit);
    if (code == Errno::nospc)
        return "raise " + file;
    if (code == Errno::inval || code == Errno::nosys)
        return "use a kernel that has it (Linux 5.6 or newer, with CONFIG_NAMESPACES)";
    if (code == Errno::perm || code == Errno::access)
        return "run as root with CAP_SYS_ADMIN; if this is inside another container, that one has to allow it";
    return "see " + file;
}

// By /etc/passwd alone: a statically linked program has no other sources of names.
std::string own_name()
{
    auto text = read_file("/etc/passwd", 1 << 20);
    if (text.is_error())
        return {};
    for (auto line : split(text.value(), '\n')) {
        auto parts = split(line, ':');
        if (parts.size() > 2 && parts[2] == std::to_string(::geteuid()))
            return std::string(parts[0]);
    }
    return {};
}

// The first range that /etc/subuid or /etc/subgid gives to the caller.
std::optional<host::IdRange> subordinate_range(char const* path)
{
    auto text = read_file(path, 1 << 20);
    if (text.is_error())
        return std::nullopt;
    auto name = own_name();
    for (auto line : split(text.value(), '\n')) {
        auto parts = split(line, ':');
        if (parts.size() != 3 || ((name.empty() || parts[0] != name) && parts[0] != std::to_string(::geteuid())))
            continue;
        auto first = parse_number<std::uint32_t>(parts[1]);
        auto count = parse_number<std::uint32_t>(parts[2]);
        if (first && count && *count > 0)
            return host::IdRange { .inside = 1, .outside = *first, .size = *count };
    }
    return std::nullopt;
}

TrialEnd become_mapped_root()
{
    if (::setresgid(0, 0, 0) < 0 || ::setresuid(0, 0, 0) < 0)
        return TrialEnd::last("become root inside");
    return TrialEnd::success();
}

void examine_user_namespace(TrialHost const& host, Findings& findings)
{
    constexpr char const* subject = "user namespace";
    host::TrialRequest request { .namespaces = CLONE_NEWUSER };
    if (host.is_privileged)
        request.id_maps
            = { .uids = { { .inside = 0, .outside = 100000, .size = 65536 } }, .gids = { { .inside = 0, .outside = 100000, .size = 65536 } } };
    else
        request = host.request(CLONE_NEWUSER);
    auto end = host::try_in_child(request, become_mapped_root);
    if (end.worked()) {
        findings.push_back(fine(subject,
            host.is_privileged ? "made by clone3, 65536 ids mapped, became root inside"
                               : "made by clone3 without privileges, own id mapped to root inside"));
        return;
    }
    std::string advice = advice_for(end.code, "max_user_namespaces");
    if (!host.is_privileged)
        advice = "the administrator can allow it: /proc/sys/user/max_user_namespaces, kernel.unprivileged_userns_clone, "
                 "kernel.apparmor_restrict_unprivileged_userns";
    findings.push_back(host.is_privileged ? limited(subject, end.complaint(), advice) : missing(subject, end.complaint(), advice));
}

void examine_subordinate_ids(Findings& findings)
{
    constexpr char const* subject = "subordinate ids";
    auto uids = subordinate_range("/etc/subuid");
    auto gids = subordinate_range("/etc/subgid");
    if (!uids || !gids) {
        findings.push_back(limited(subject, "/etc/subuid and /etc/subgid give this user no ids: a container sees one user only",
            "as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER"));
        return;
    }
    host::TrialRequest request { .namespaces = CLONE_NEWUSER,
        .id_maps = { .uids = { { .inside = 0, .outside = ::geteuid(), .size = 1 }, *uids },
            .gids = { { .inside = 0, .outside = ::getegid(), .size = 1 }, *gids } } };
    auto end = host::try_in_child(request, become_mapped_root);
    if (end.worked())
        findings.push_back(fine(subject, "newuidmap and newgidmap mapped " + std::to_string(uids->size) + " ids"));
    else
        findings.push_back(limited(subject, end.complaint(), "install the package uidmap and check that newuidmap is set-user-id"));
}

} // namespace

void examine_namespaces(TrialHost const& host, Findings& findings)
{
    examine_user_namespace(host, findings);
    if (!host.is_privileged)
        examine_subordinate_ids(findings);
    for (auto const& trial : trials) {
        auto end = host::try_in_child(host.request(trial.flags), trial.inside);
        if (end.worked())
            findings.push_back(fine(trial.name, end.text));
        else if (trial.is_needed)
            findings.push_back(missing(trial.name, end.complaint(), advice_for(end.code, trial.limit)));
        else
            findings.push_back(limited(trial.name, end.complaint(), advice_for(end.code, trial.limit)));
    }
}

} // namespace bulkhead::namespaces
