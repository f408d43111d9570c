#include "isolations/namespaces/sandbox.h"

#include "base/log.h"
#include "base/text.h"
#include "isolations/namespaces/exec.h"

#include <array>
#include <csignal>
#include <ctime>

#include <sys/wait.h>
#include <unistd.h>

namespace bulkhead::namespaces {

using oci::NamespaceType;
using oci::Status;

Result<std::unique_ptr<NamespacesSandbox>> NamespacesSandbox::load(JsonObject const& saved)
{
    auto sandbox = std::make_unique<NamespacesSandbox>();
    TRY(saved.required("id", sandbox->m_id));
    TRY(saved.required("state_path", sandbox->m_state_path));
    TRY(saved.required("cache_path", sandbox->m_cache_path));
    TRY(saved.optional("pid", sandbox->m_pid));
    TRY(saved.optional("start_time", sandbox->m_start_time));
    TRY(saved.optional("ready", sandbox->m_is_ready));
    TRY(saved.optional("own_pid_namespace", sandbox->m_has_own_pid_namespace));
    TRY(saved.optional("rootless", sandbox->m_rootless));
    TRY(saved.optional("no_new_keyring", sandbox->m_no_new_keyring));
    if (auto rdt = saved.find("rdt")) {
        auto object = TRY(rdt->as_object());
        TRY(object.optional("group", sandbox->m_rdt.group));
        TRY(object.optional("monitor", sandbox->m_rdt.monitor));
    }
    if (auto group = saved.find("cgroup")) {
        auto object = TRY(group->as_object());
        sandbox->m_group = TRY(cgroup::Cgroup::load(object));
    }
    return sandbox;
}

void NamespacesSandbox::save(JsonWriter& json) const
{
    json.member("id", m_id).member("state_path", m_state_path).member("cache_path", m_cache_path);
    json.member("pid", static_cast<std::int64_t>(m_pid)).member("start_time", m_start_time).member("ready", m_is_ready);
    json.member("own_pid_namespace", m_has_own_pid_namespace).member("rootless", m_rootless).member("no_new_keyring", m_no_new_keyring);
    if (!m_rdt.group.empty() || !m_rdt.monitor.empty())
        json.key("rdt").begin_object().member("group", m_rdt.group).member("monitor", m_rdt.monitor).end_object();
    if (auto const* group = m_group ? m_group.get() : m_planned_group) {
        json.key("cgroup");
        group->save(json);
    }
}

Result<Unit> NamespacesSandbox::make_group(cgroup::HostCgroups const& host, isolation::SandboxPlan const& plan, isolation::CreateEvents const& events)
{
    bool is_recorded = false;
    auto record = [&](cgroup::Cgroup const& planned) -> Result<Unit> {
        m_planned_group = &planned;
        auto done = events.on_record ? events.on_record() : Result<Unit>(ok());
        m_planned_group = nullptr;
        is_recorded = true;
        return done;
    };
    m_group = TRY(cgroup::Cgroup::create(host,
        { .cgroups_path = plan.config.linux_section.cgroups_path,
            .container_id = plan.id,
            .systemd = plan.systemd_cgroup,
            .rootless = m_rootless,
            .before_making = record }));
    if (!is_recorded && events.on_record)
        return events.on_record();
    return ok();
}

Result<oci::Config> NamespacesSandbox::read_config() const
{
    auto text = TRY(read_file(m_state_path + "/config.json"));
    return oci::parse_config(text);
}

Result<Unit> NamespacesSandbox::create(isolation::SandboxPlan const& plan, isolation::CreateEvents const& events)
{
    m_id = plan.id;
    m_state_path = plan.state_path;
    m_cache_path = plan.cache_path;
    m_rootless = plan.rootless;
    m_no_new_keyring = plan.no_new_keyring;

    auto const& rdt = plan.config.linux_section.intel_rdt;
    if (rdt)
        TRY(check_intel_rdt(*rdt));
    auto host_cgroups = TRY(cgroup::HostCgroups::discover());
    auto made = [&]() -> Result<Unit> {
        TRY(make_group(host_cgroups, plan, events));
        Launch launch(plan);
        TRY(prepare_launch(launch, host_cgroups, m_group.get()));
        m_has_own_pid_namespace = launch.namespaces.is_new(NamespaceType::pid);
        isolation::CreateEvents inner = events;
        inner.on_process = [&](pid_t pid) -> Result<Unit> {
            m_pid = pid;
            auto started = host::process_start_time(pid);
            if (started.is_error() && started.error() != Errno::srch) // dead already: what it has to say comes on the channel
                return Error::from_errno(started.error(), "identify the container's first process");
            m_start_time = started.is_ok() ? started.value() : 0;
            return events.on_process ? events.on_process(pid) : Result<Unit>(ok());
        };
        m_launched = TRY(namespaces::launch(launch, m_group.get(), inner));
        if (rdt)
            m_rdt = TRY(apply_intel_rdt(*rdt, m_id, m_pid));
        return ok();
    }();
    if (made.is_error()) {
        auto removed = remove();
        if (removed.is_error())
            log::warning("what a failed create left could not all be removed", { { "error", removed.error().message } });
        return made;
    }
    m_is_ready = true;
    return ok();
}

Result<Unit> NamespacesSandbox::start()
{
    auto config = TRY(read_config());
    if (!m_launched || !m_launched->start_at_once)
        return open_gate_by_socket(m_state_path, *config.process);
    auto opened = open_gate(*m_launched, *config.process);
    m_launched.reset();
    return opened;
}

bool NamespacesSandbox::waits_for_start() const
{
    if (::access((m_state_path + "/" + start_socket_name).c_str(), F_OK) != 0)
        return m_launched && m_launched->start_at_once; // `run`: created here, not yet let go
    return true;
}

Status NamespacesSandbox::status() const
{
    if (m_pid == 0 || !is_first_process_alive())
        return m_is_ready || m_pid != 0 ? Status::stopped : Status::creating;
    if (!m_is_ready)
        return Status::creating;
    if (m_group && m_group->is_frozen())
        return Status::paused;
    return waits_for_start() ? Status::created : Status::running;
}

Result<Unit> NamespacesSandbox::signal(int number, Target target)
{
    // Without a pid namespace of its own, the first process's death would leave the others (runc 1.2 does the same).
    bool takes_all = target == Target::every_process || (number == SIGKILL && m_is_ready && !m_has_own_pid_namespace);
    if (takes_all && m_group)
        return m_group->signal_all(number);
    if (!is_first_process_alive())
        return Error { .code = Errno::srch, .message = "container not running" };
    auto pidfd = TRY(host::open_pidfd(m_pid).or_error("open the container's first process"));
    if (!is_first_process_alive()) // the pid may have been given to another process in between
        return Error { .code = Errno::srch, .message = "container not running" };
    TRY(host::signal_pidfd(pidfd, number).or_error("send the signal"));
    return ok();
}

Result<isolation::StartedProcess> NamespacesSandbox::exec(isolation::ExecPlan const& plan)
{
    auto config = TRY(read_config());
    oci::State state { .id = m_id, .status = Status::running, .pid = m_pid, .bundle = {}, .annotations = config.annotations };
    return exec_in_container({ .id = m_id,
                                 .config = config,
                                 .first_pid = m_pid,
                                 .first_start_time = m_start_time,
                                 .group = m_group.get(),
                                 .cache_path = m_cache_path,
                                 .state = std::move(state),
                                 .rootless = m_rootless,
                                 .no_new_keyring = m_no_new_keyring || plan.no_new_keyring },
        plan);
}

Result<std::vector<pid_t>> NamespacesSandbox::processes()
{
    if (m_group)
        return m_group->processes();
    if (!is_first_process_alive())
        return std::vector<pid_t>();
    return std::vector<pid_t> { m_pid }; // without a control group nothing else is known to belong to the container
}

Result<Unit> NamespacesSandbox::kill_everything()
{
    if (is_first_process_alive()) {
        auto pidfd = host::open_pidfd(m_pid);
        if (pidfd.is_ok() && is_first_process_alive())
            (void)host::signal_pidfd(pidfd.value(), SIGKILL);
    }
    // The death of a pid namespace's first process takes all others along; without a namespace they are found by group.
    if (m_group) {
        auto left = m_group->processes();
        if (left.is_ok() && !left.value().empty()) {
            TRY(m_group->signal_all(SIGKILL));
            if (m_group->is_frozen())
                TRY(m_group->thaw());
        }
    }
    for (int round = 0; round < 1000 && is_first_process_alive(); ++round) {
        std::timespec pause { .tv_sec = 0, .tv_nsec = round < 50 ? 200'000 : 10'000'000 };
        ::nanosleep(&pause, nullptr);
    }
    if (is_first_process_alive())
        return Error { .code = Errno::busy,
            .message = "the container's first process (" + std::to_string(m_pid) + ") does not die",
            .hint = "it hangs in the kernel; see /proc/" + std::to_string(m_pid) + "/stack" };
    return ok();
}

Result<Unit> NamespacesSandbox::remove()
{
    TRY(kill_everything());
    if (m_group)
        TRY(m_group->remove());
    TRY(remove_rdt_group(m_rdt));
    ::unlink((m_state_path + "/" + start_socket_name).c_str());
    return ok();
}

Result<Unit> NamespacesSandbox::pause()
{
    return m_group->freeze();
}
Result<Unit> NamespacesSandbox::resume()
{
    return m_group->thaw();
}
Result<std::string> NamespacesSandbox::stats_json()
{
    return m_group->stats_json();
}

Result<bool> NamespacesSandbox::wait_for_oom(int milliseconds)
{
    auto heard = m_group->wait_for_oom(milliseconds);
    if (heard.is_error() && heard.error().code == Errno::nodev)
        return false; // the group is gone
    if (heard.is_ok() && !heard.value())
        return Error { .code = Errno::timedout, .message = "no out-of-memory event came" };
    return heard;
}

Result<Unit> NamespacesSandbox::update(oci::Resources const& resources)
{
    TRY(m_group->set_limits(resources));
    if (!resources.devices.empty())
        TRY(m_group->set_devices(resources.devices));
    return ok();
}

} // namespace bulkhead::namespaces
