// Control groups are made, limited and removed again; device control is really switched on for one of them.

#include "isolations/namespaces/examine.h"

#include "base/text.h"
#include "cgroup/cgroup.h"

#include <algorithm>
#include <array>
#include <cstring>

#include <linux/bpf.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace bulkhead::namespaces {

namespace {

using cgroup::Hierarchy;
using cgroup::Layout;

// A group that vanishes with this object.
class TrialGroup {
public:
    explicit TrialGroup(Hierarchy const& hierarchy)
        : m_path(hierarchy.mount_point + (hierarchy.own_path == "/" ? "" : hierarchy.own_path) + "/bulkhead-check-" + std::to_string(::getpid()))
    {
        if (::mkdir(m_path.c_str(), 0755) < 0)
            m_failure = last_errno();
    }
    TrialGroup(TrialGroup const&) = delete;
    TrialGroup& operator=(TrialGroup const&) = delete;
    ~TrialGroup()
    {
        if (m_failure == Errno::none)
            ::rmdir(m_path.c_str());
    }
    Errno failure() const { return m_failure; }
    std::string const& path() const { return m_path; }

private:
    std::string m_path;
    Errno m_failure = Errno::none;
};

std::string_view layout_name(Layout layout)
{
    switch (layout) {
    case Layout::v1:
        return "cgroup v1";
    case Layout::hybrid:
        return "hybrid (v1 controllers beside a v2 tree)";
    case Layout::v2:
        return "cgroup v2";
    case Layout::none:
        break;
    }
    return "none";
}

struct Controllers {
    std::vector<std::string> made;
    std::vector<std::string> refused;
    bool has(std::string_view name) const { return std::find(made.begin(), made.end(), name) != made.end(); }
};

std::vector<std::string> controllers_of(Hierarchy const& hierarchy)
{
    if (!hierarchy.is_v2)
        return hierarchy.controllers;
    std::vector<std::string> names;
    auto text = read_file(hierarchy.mount_point + "/cgroup.controllers");
    if (text.is_ok())
        for (auto word : split(trim(text.value()), ' '))
            if (!word.empty())
                names.emplace_back(word);
    return names;
}

Controllers try_groups(cgroup::HostCgroups const& host)
{
    Controllers controllers;
    for (auto const& hierarchy : host.hierarchies) {
        TrialGroup group(hierarchy);
        for (auto const& name : controllers_of(hierarchy)) {
            if (group.failure() == Errno::none)
                controllers.made.push_back(name);
            else
                controllers.refused.push_back(name + " (" + errno_text(group.failure()) + ")");
        }
    }
    return controllers;
}

void examine_limits(TrialHost const& host, cgroup::HostCgroups const& groups, Findings& findings)
{
    constexpr char const* subject = "control groups";
    auto controllers = try_groups(groups);
    auto layout = std::string(layout_name(groups.layout));
    if (controllers.made.empty()) {
        auto detail = groups.layout == Layout::none ? "no hierarchy is mounted below /sys/fs/cgroup"
                                                    : layout + "; no group could be made: " + join(controllers.refused, ", ");
        auto advice = host.is_privileged ? "mount cgroup2 at /sys/fs/cgroup, writable"
                                         : "containers run without limits; ask for a delegated group (systemd: Delegate=yes)";
        findings.push_back(limited(subject, detail, advice));
        return;
    }
    std::vector<std::string> lacking;
    for (auto const* name : { "memory", "pids", "cpu", "cpuset", "freezer" }) {
        bool is_built_in = groups.layout == Layout::v2 && std::string_view(name) == "freezer";
        if (!is_built_in && !controllers.has(name))
            lacking.emplace_back(name);
    }
    auto detail = layout + "; a group made and removed for " + join(controllers.made, ", ");
    if (!controllers.refused.empty())
        detail += "; refused for " + join(controllers.refused, ", ");
    if (lacking.empty())
        findings.push_back(fine(subject, detail));
    else
        findings.push_back(limited(subject, detail + "; lacking " + join(lacking, ", "),
            "limits of these kinds are refused; on v2 the parent's cgroup.subtree_control has to list them"));
}

Errno attach_device_program(std::string const& group)
{
    // r0 = 1 (allow); exit
    std::array<bpf_insn, 2> instructions {};
    instructions[0].code = BPF_ALU64 | BPF_MOV | BPF_K;
    instructions[0].imm = 1;
    instructions[1].code = BPF_JMP | BPF_EXIT;
    bpf_attr load {};
    load.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
    load.insns = reinterpret_cast<std::uintptr_t>(instructions.data());
    load.insn_cnt = instructions.size();
    load.license = reinterpret_cast<std::uintptr_t>("Apache-2.0");
    auto program_fd = ::syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof load);
    if (program_fd < 0)
        return last_errno();
    File program(static_cast<int>(program_fd));
    auto folder = open_at(FileView::current_directory(), group, O_RDONLY | O_DIRECTORY);
    if (folder.is_error())
        return folder.error();
    bpf_attr attach {};
    attach.target_fd = static_cast<std::uint32_t>(folder.value().fd());
    attach.attach_bpf_fd = static_cast<std::uint32_t>(program.fd());
    attach.attach_type = BPF_CGROUP_DEVICE;
    attach.attach_flags = BPF_F_ALLOW_MULTI;
    if (::syscall(SYS_bpf, BPF_PROG_ATTACH, &attach, sizeof attach) < 0)
        return last_errno();
    return Errno::none; // removing the group detaches it
}

void examine_devices(TrialHost const& host, cgroup::HostCgroups const& groups, Findings& findings)
{
    constexpr char const* subject = "device control";
    for (auto const& hierarchy : groups.hierarchies) {
        bool is_v1_devices = std::find(hierarchy.controllers.begin(), hierarchy.controllers.end(), "devices") != hierarchy.controllers.end();
        if (!is_v1_devices && !(hierarchy.is_v2 && groups.layout == Layout::v2))
            continue;
        TrialGroup group(hierarchy);
        auto failure = group.failure();
        if (failure == Errno::none && is_v1_devices) {
            auto written = write_existing_at(FileView::current_directory(), (group.path() + "/devices.deny").c_str(), "c 1:3 rwm");
            failure = written.is_error() ? written.error() : Errno::none;
        } else if (failure == Errno::none) {
            failure = attach_device_program(group.path());
        }
        auto way = is_v1_devices ? "the devices controller" : "a BPF program";
        if (failure == Errno::none)
            findings.push_back(fine(subject, "a group's devices limited by " + std::string(way)));
        else
            findings.push_back(limited(subject, std::string(way) + ": " + errno_text(failure),
                host.is_privileged ? "containers may open device nodes they can reach; the kernel needs CONFIG_CGROUP_BPF, and the caller CAP_BPF"
                                   : "without root, device nodes cannot be made in the first place"));
        return;
    }
    findings.push_back(limited(subject, "neither the v1 devices controller nor a v2 tree with groups is there",
        host.is_privileged ? "containers may open device nodes they can reach" : "without root, device nodes cannot be made in the first place"));
}

} // namespace

void examine_cgroups(TrialHost const& host, Findings& findings)
{
    auto groups = cgroup::HostCgroups::discover();
    if (groups.is_error()) {
        findings.push_back(limited("control groups", groups.error().message, groups.error().hint));
        return;
    }
    examine_limits(host, groups.value(), findings);
    examine_devices(host, groups.value(), findings);
}

} // namespace bulkhead::namespaces
