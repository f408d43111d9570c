// cgroup v1: a folder in each hierarchy. Also the v1 half of the hybrid layout, whose controllers are all here.
#pragma once

#include "cgroup/cgroup.h"
#include "cgroup/freezer.h"
#include "cgroup/group_folder.h"
#include "cgroup/oom.h"

namespace bulkhead::cgroup {

// The container's folder in one hierarchy.
struct V1Group {
    std::string mount_point;
    std::vector<std::string> controllers;
    std::string path; // below the mount point: "/docker/abc"
    mutable File folder; // opened when first needed and kept

    bool has(std::string_view controller) const;
    std::string absolute() const;
    SysResult<FileView> open() const;
};

// What is known of the values in the folders: right after mkdir they are the kernel's own.
enum class Values { fresh, unknown };

class V1Cgroup final : public Cgroup {
public:
    // Where the folders of this request are, with nothing made yet.
    static Result<std::unique_ptr<V1Cgroup>> plan(HostCgroups const&, Request const&);
    static Result<std::unique_ptr<V1Cgroup>> restore(JsonObject const& saved);
    // For systemd: PATH in every hierarchy, whoever made it.
    static std::unique_ptr<V1Cgroup> at(HostCgroups const&, std::string const& path);

    // A rootless container where no group is writable: every limit is an error, all else finds nothing to do.
    static std::unique_ptr<V1Cgroup> without_groups();

    enum class Existing { refuse_used, accept };
    Result<Unit> make(Existing);
    // Moves another process into every group, with the locks that costs; enter() is the way for new processes.
    Result<Unit> move_process(pid_t);

    void save(JsonWriter&) const override;
    Result<Unit> adopt_first_process(pid_t) override { return ok(); }
    Result<Entry> entry() override;
    Result<Entry> entry_below(std::string const& controller, std::string const& path) override;
    Result<Entry> entry_of_process(pid_t) override;
    Result<Unit> set_limits(oci::Resources const&) override;
    Result<Unit> set_devices(std::vector<oci::DeviceRule> const&) override;
    Result<Unit> freeze() override;
    Result<Unit> thaw() override;
    bool is_frozen() const override;
    Result<std::vector<pid_t>> processes() const override;
    Result<Unit> signal_all(int signal) override;
    Result<std::string> stats_json() const override;
    Result<bool> wait_for_oom(int milliseconds) override;
    std::uint64_t oom_kill_count() const override;
    Result<Unit> remove() override;
    std::map<std::string, std::string> paths() const override;

    // The open folder of a controller; MEMBER is what needs it, for the error where there is none.
    Result<GroupFolder> folder_of(std::string_view controller, std::string_view member) const;
    // Nothing where the controller is not mounted or its folder is gone.
    std::optional<GroupFolder> find_folder(std::string_view controller) const;
    Values values() const { return m_values; }

private:
    Result<Unit> make_group(V1Group&, Existing);
    Result<Unit> refuse_used(V1Group const&) const;
    Result<Unit> inherit_cpuset();
    Result<Unit> set_cpuset(oci::CpuResources const*);
    Error left_out(std::string_view controller, std::string_view member) const;
    V1Group const* group_of(std::string_view controller) const;
    V1Group const* group_with_processes() const;

    std::vector<V1Group> m_groups;
    bool m_may_lack = false; // rootless without a path of its own: groups that are not writable are left out
    bool m_rootless = false;
    bool m_cpuset_is_empty = false; // just made: cpuset.cpus and cpuset.mems are empty, nobody can enter
    Values m_values = Values::unknown;
    std::vector<std::string> m_left_out; // controllers that m_may_lack dropped; "*" means all
    V1OomWatch m_oom;
};

// v1_limits.cpp: everything but cpuset and devices.
Result<Unit> set_v1_limits(V1Cgroup const&, oci::Resources const&);
// v1_devices.cpp.
Result<Unit> set_v1_devices(GroupFolder const&, std::vector<oci::DeviceRule> const&, Values);
// v1_stats.cpp.
Result<std::string> v1_stats_json(V1Cgroup const&);

} // namespace bulkhead::cgroup
