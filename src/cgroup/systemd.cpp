#include "cgroup/systemd.h"
#include "base/log.h"
#include "base/text.h"
#include "cgroup/paths.h"
#include "cgroup/systemd_client.h"
#include "cgroup/systemd_properties.h"
#include "cgroup/v1.h"
#include "cgroup/v2.h"

#include <optional>

namespace bulkhead::cgroup {

namespace {

// The scope is made when its first process is known: systemd has no empty scopes. Limits asked for before are kept
// until then. Afterwards each goes to systemd first and then, exactly, into the group's own files.
class SystemdCgroup final : public Cgroup {
public:
    static Result<std::unique_ptr<SystemdCgroup>> plan(HostCgroups const& host, Request const& request)
    {
        if (host.layout == Layout::none)
            return Error { .code = Errno::noent,
                .message = "no cgroup hierarchy is mounted, so systemd cannot make a group",
                .hint = "mount -t cgroup2 cgroup2 /sys/fs/cgroup" };
        auto cgroup = std::make_unique<SystemdCgroup>();
        cgroup->m_version = host.layout == Layout::v2 ? Version::v2 : Version::v1;
        if (request.rootless && cgroup->m_version == Version::v1)
            return Error { .code = Errno::notsup,
                .message = "--systemd-cgroup cannot be used by a rootless container on cgroup v1: systemd delegates v1 controllers to nobody",
                .hint = "leave --systemd-cgroup out, or boot with systemd.unified_cgroup_hierarchy=1" };
        cgroup->m_name = TRY(parse_unit_name(request));
        cgroup->m_bus = request.rootless ? Bus::user : Bus::system;
        cgroup->m_container_id = request.container_id;
        cgroup->m_host = host;
        return cgroup;
    }

    static Result<std::unique_ptr<SystemdCgroup>> restore(JsonObject const& saved)
    {
        auto cgroup = std::make_unique<SystemdCgroup>();
        bool is_user = false;
        bool is_v2 = false;
        TRY(saved.required("unit", cgroup->m_name.unit));
        TRY(saved.required("slice", cgroup->m_name.slice));
        TRY(saved.required("user", is_user));
        TRY(saved.required("v2", is_v2));
        cgroup->m_bus = is_user ? Bus::user : Bus::system;
        cgroup->m_version = is_v2 ? Version::v2 : Version::v1;
        if (auto inner = saved.find("group")) {
            auto object = TRY(inner->as_object());
            cgroup->m_group = TRY(Cgroup::load(object));
        }
        return cgroup;
    }

    void save(JsonWriter& json) const override
    {
        json.begin_object().member("kind", "systemd").member("unit", m_name.unit).member("slice", m_name.slice);
        json.member("user", m_bus == Bus::user).member("v2", m_version == Version::v2);
        if (m_group) {
            json.key("group");
            m_group->save(json);
        }
        json.end_object();
    }

    Result<Unit> adopt_first_process(pid_t pid) override
    {
        auto properties = scope_properties(m_name, m_version, m_container_id, pid);
        auto add = [&](std::vector<std::string> const& more) { properties.insert(properties.end(), more.begin(), more.end()); };
        if (m_limits)
            add(limit_properties(m_version, *m_limits));
        if (m_devices) {
            auto policy = TRY(evaluate_device_rules(*m_devices));
            add(device_properties(policy));
        }
        auto answer = TRY(ask_systemd(m_bus, "start", m_name.unit, properties));
        auto taken_over = take_over(answer.control_group, pid);
        if (taken_over.is_error())
            (void)ask_systemd(m_bus, "stop", m_name.unit, {}); // the first error says more
        return taken_over;
    }

    Result<Entry> entry() override { return m_group ? m_group->entry() : Result<Entry>(Entry {}); }
    Result<Entry> entry_below(std::string const& controller, std::string const& path) override
    {
        return m_group ? m_group->entry_below(controller, path) : Result<Entry>(not_yet());
    }
    Result<Entry> entry_of_process(pid_t pid) override { return m_group ? m_group->entry_of_process(pid) : Result<Entry>(not_yet()); }

    Result<Unit> set_limits(oci::Resources const& resources) override
    {
        if (!m_group) {
            m_limits = resources;
            return ok();
        }
        auto properties = limit_properties(m_version, resources);
        if (!properties.empty())
            TRY(ask_systemd(m_bus, "set", m_name.unit, properties));
        return m_group->set_limits(resources);
    }

    Result<Unit> set_devices(std::vector<oci::DeviceRule> const& rules) override
    {
        if (!m_group) {
            m_devices = rules;
            return ok();
        }
        auto policy = TRY(evaluate_device_rules(rules));
        TRY(ask_systemd(m_bus, "set", m_name.unit, device_properties(policy)));
        return m_group->set_devices(rules);
    }

    Result<Unit> freeze() override { return m_group ? m_group->freeze() : Result<Unit>(not_yet()); }
    Result<Unit> thaw() override { return m_group ? m_group->thaw() : Result<Unit>(not_yet()); }
    bool is_frozen() const override { return m_group && m_group->is_frozen(); }
    Result<std::vector<pid_t>> processes() const override
    {
        return m_group ? m_group->processes() : Result<std::vector<pid_t>>(std::vector<pid_t> {});
    }
    Result<Unit> signal_all(int signal) override { return m_group ? m_group->signal_all(signal) : Result<Unit>(ok()); }
    Result<std::string> stats_json() const override { return m_group ? m_group->stats_json() : Result<std::string>(not_yet()); }
    Result<bool> wait_for_oom(int milliseconds) override { return m_group ? m_group->wait_for_oom(milliseconds) : Result<bool>(not_yet()); }
    std::uint64_t oom_kill_count() const override { return m_group ? m_group->oom_kill_count() : 0; }

    Result<Unit> remove() override
    {
        if (!m_group)
            return ok();
        auto stopped = ask_systemd(m_bus, "stop", m_name.unit, {});
        // Groups that only we made (v1 controllers that systemd does not use) are left even then.
        TRY(m_group->remove());
        if (stopped.is_error())
            return stopped.release_error();
        return ok();
    }

    std::map<std::string, std::string> paths() const override { return m_group ? m_group->paths() : std::map<std::string, std::string> {}; }

private:
    Error not_yet() const
    {
        return Error { .code = Errno::noent, .message = "the unit " + quoted(m_name.unit) + " has no process yet, so it does not exist" };
    }

    Result<Unit> take_over(std::string const& control_group, pid_t pid)
    {
        auto path = TRY(clean_path(control_group, "the group that systemd made"));
        if (path.empty() || path.front() != '/' || path == "/")
            return Error { .code = Errno::io,
                .message = "systemd gave the unit " + quoted(m_name.unit) + " no group of its own (" + quoted(control_group) + ")" };
        std::unique_ptr<Cgroup> group;
        if (m_version == Version::v2) {
            auto v2 = V2Cgroup::at(m_host, path);
            TRY(v2->adopt());
            group = std::move(v2);
        } else {
            auto v1 = V1Cgroup::at(m_host, path);
            TRY(v1->make(V1Cgroup::Existing::accept));
            TRY(v1->move_process(pid)); // systemd puts it only where it has limits itself
            group = std::move(v1);
        }
        m_group = std::move(group);
        if (m_limits)
            TRY(m_group->set_limits(*m_limits));
        if (m_devices)
            TRY(m_group->set_devices(*m_devices));
        return ok();
    }

    UnitName m_name;
    Version m_version = Version::v2;
    Bus m_bus = Bus::system;
    std::string m_container_id;
    HostCgroups m_host;
    std::optional<oci::Resources> m_limits;
    std::optional<std::vector<oci::DeviceRule>> m_devices;
    std::unique_ptr<Cgroup> m_group; // the scope's own folders, once there is a scope
};

} // namespace

Result<std::unique_ptr<Cgroup>> create_systemd(HostCgroups const& host, Request const& request)
{
    auto cgroup = TRY(SystemdCgroup::plan(host, request));
    return std::unique_ptr<Cgroup>(std::move(cgroup));
}

Result<std::unique_ptr<Cgroup>> restore_systemd(JsonObject const& saved)
{
    auto cgroup = TRY(SystemdCgroup::restore(saved));
    return std::unique_ptr<Cgroup>(std::move(cgroup));
}

} // namespace bulkhead::cgroup
