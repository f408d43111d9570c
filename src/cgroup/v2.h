// cgroup v2: one folder, its controllers enabled down the path.
#pragma once

#include "cgroup/cgroup.h"
#include "cgroup/freezer.h"
#include "cgroup/group_folder.h"
#include "cgroup/oom.h"
#include "cgroup/v1.h"

namespace bulkhead::cgroup {

class V2Cgroup final : public Cgroup {
public:
    static Result<std::unique_ptr<V2Cgroup>> plan(HostCgroups const&, Request const&);
    static Result<std::unique_ptr<V2Cgroup>> restore(JsonObject const& saved);
    // For systemd: the folder of a unit, whoever made it.
    static std::unique_ptr<V2Cgroup> at(HostCgroups const&, std::string const& path);

    Result<Unit> make();
    // A folder that is there already gets what its parents can give (systemd enables only what it knows of).
    Result<Unit> adopt();

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

    std::string absolute() const { return m_path == "/" ? m_mount_point : m_mount_point + m_path; }
    Result<GroupFolder> folder() const;
    // Writes a limit; where the file is missing because its controller is, says why.
    Result<Unit> set(char const* file, std::string_view value, std::string_view member) const;
    Values values() const { return m_values; }

private:
    Result<Unit> refuse_used() const;
    Result<Unit> enable_controllers(FileView mount);
    void enable_at(FileView folder, std::string const& path, std::vector<std::string> const& wanted);
    Error missing_controller(std::string_view controller, std::string_view member) const;

    std::string m_mount_point;
    std::string m_path; // below the mount point
    mutable File m_folder;
    bool m_rootless = false;
    Values m_values = Values::unknown;
    std::string m_problem; // why a controller could not be enabled; told when a limit needs one
    V2OomWatch m_oom;
};

// v2_limits.cpp.
Result<Unit> set_v2_limits(V2Cgroup const&, oci::Resources const&);
// v2_stats.cpp.
Result<std::string> v2_stats_json(V2Cgroup const&);

} // namespace bulkhead::cgroup
