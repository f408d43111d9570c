// The runtime's side of a launch.

#include "isolations/namespaces/launch.h"

#include "base/log.h"
#include "base/text.h"
#include "isolations/namespaces/console.h"
#include "isolations/namespaces/network.h"
#include "oci/state.h"
#include "seccomp/cache.h"
#include "seccomp/listener.h"

#include <algorithm>
#include <csignal>
#include <cstring>

#include <linux/sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace bulkhead::namespaces {

using oci::NamespaceType;

namespace {

std::vector<host::IdRange> ranges_of(std::vector<oci::IdMapping> const& mappings)
{
    std::vector<host::IdRange> ranges;
    for (auto const& mapping : mappings)
        ranges.push_back({ .inside = mapping.container_id, .outside = mapping.host_id, .size = mapping.size });
    return ranges;
}

// Without privileges and with nothing but the caller's own gid mapped, the kernel demands that setgroups(2) is given up.
bool is_setgroups_denied(Launch const& launch)
{
    if (const auto* joined = launch.namespaces.find_joined(NamespaceType::user); joined && launch.plan.rootless)
        return true;
    if (!launch.namespaces.is_new(NamespaceType::user) || host::has_host_privileges())
        return false;
    auto const& gids = launch.id_maps.gids;
    return gids.size() == 1 && gids[0].size == 1 && gids[0].outside == ::getegid();
}

root::CgroupView cgroup_view(cgroup::HostCgroups const& host, cgroup::Cgroup* group, bool has_own_namespace)
{
    root::CgroupView view;
    view.layout = static_cast<root::CgroupView::Layout>(host.layout);
    view.has_own_namespace = has_own_namespace;
    auto paths = group ? group->paths() : std::map<std::string, std::string>();
    for (auto const& hierarchy : host.hierarchies) {
        root::CgroupView::Hierarchy entry {
            .mount_point = hierarchy.mount_point, .controllers = hierarchy.controllers, .is_v2 = hierarchy.is_v2, .group = {}
        };
        auto key = hierarchy.is_v2 ? std::string() : hierarchy.controllers.front();
        if (auto found = paths.find(key); found != paths.end())
            entry.group = found->second;
        else
            entry.group = hierarchy.mount_point;
        view.hierarchies.push_back(std::move(entry));
    }
    return view;
}
static_assert(static_cast<int>(cgroup::Layout::v2) == static_cast<int>(root::CgroupView::Layout::v2)
    && static_cast<int>(cgroup::Layout::none) == static_cast<int>(root::CgroupView::Layout::none));

bool has_cgroup_mount(oci::Config const& config)
{
    for (auto const& mount : config.mounts) {
        if (mount.type == "cgroup" || mount.type == "cgroup2")
            return true;
    }
    return false;
}

} // namespace

Result<Unit> prepare_launch(Launch& launch, cgroup::HostCgroups const& host_cgroups, cgroup::Cgroup* group)
{
    auto const& plan = launch.plan;
    auto const& config = plan.config;
    auto const& process = *config.process;
    launch.namespaces = TRY(open_namespaces(config));
    launch.id_maps = { .uids = ranges_of(config.linux_section.uid_mappings), .gids = ranges_of(config.linux_section.gid_mappings) };
    launch.has_early_hooks = !config.hooks.prestart.empty() || !config.hooks.create_runtime.empty();
    if (config.linux_section.seccomp)
        launch.filter = TRY(seccomp::compile_cached(*config.linux_section.seccomp, plan.cache_path));
    launch.process = TRY(prepare_process(process,
        { .preserve_fds = plan.io.preserve_fds,
            .setgroups_denied = is_setgroups_denied(launch),
            .filter = launch.filter ? &*launch.filter : nullptr }));
    if (!plan.io.console_socket.empty())
        launch.console = TRY(connect_console(plan.io.console_socket));
    if (!plan.io.pidfd_socket.empty())
        launch.pidfd_receiver = TRY(host::connect_unix(plan.io.pidfd_socket).context("--pidfd-socket"));
    launch.root_plan.emplace(root::RootPlan {
        .config = config,
        .bundle = plan.bundle,
        .root = plan.root,
        .new_mount_namespace = launch.namespaces.is_new(NamespaceType::mount),
        .in_user_namespace = launch.namespaces.is_own(NamespaceType::user) || host::is_in_user_namespace(),
        .no_pivot = plan.no_pivot,
        .cgroups = {},
    });
    if (has_cgroup_mount(config))
        launch.root_plan->cgroups = cgroup_view(host_cgroups, group, launch.namespaces.is_own(NamespaceType::cgroup));
    auto const* user_namespace = launch.namespaces.find_joined(NamespaceType::user);
    launch.sources = TRY(root::prepare_sources(*launch.root_plan, user_namespace ? FileView(user_namespace->file) : FileView()));
    launch.init_stage = TRY(init_stage::open_program().or_error("make the init stage's memfd"));
    if (group) {
        launch.cgroup_entry = TRY(group->entry());
        launch.enters_cgroup_itself = launch.cgroup_entry.v2_directory.is_open() || !launch.cgroup_entry.v1_tasks.empty();
    } else {
        launch.enters_cgroup_itself = true; // nothing to enter
    }
    if (!plan.start_at_once) {
        auto folder = TRY(open_file(plan.state_path, O_PATH | O_DIRECTORY));
        launch.gate = TRY(host::listen_unix(folder, start_socket_name, SOCK_SEQPACKET));
    }
    auto channels = TRY(host::Channel::make_pair().or_error("make a channel to the container"));
    launch.runtime_end = std::move(channels.first);
    launch.container_end = std::move(channels.second);
    return ok();
}

namespace {

// The id outside of a container's id 0..., where its mappings have it.
std::optional<std::uint32_t> host_id(std::vector<oci::IdMapping> const& mappings, std::uint32_t id)
{
    for (auto const& mapping : mappings) {
        if (id >= mapping.container_id && id - mapping.container_id < mapping.size)
            return mapping.host_id + (id - mapping.container_id);
    }
    return std::nullopt;
}

bool has_writable_cgroup_mount(oci::Config const& config)
{
    for (auto const& mount : config.mounts) {
        bool is_read_only
            = std::ranges::find(mount.options, "ro") != mount.options.end() || std::ranges::find(mount.options, "rro") != mount.options.end();
        if ((mount.type == "cgroup" || mount.type == "cgroup2") && !is_read_only)
            return true;
    }
    return false;
}

// config-linux.md, "Cgroup ownership": on cgroup v2 a container with user and cgroup namespaces of its own and a writable
// mount manages its own subtree; the files handed over are those that the kernel lists.
Result<Unit> hand_group_over(oci::Config const& config, cgroup::Cgroup& group)
{
    auto const& section = config.linux_section;
    auto owner = host_id(section.uid_mappings, config.process->user.uid);
    auto paths = group.paths();
    auto found = paths.find("");
    if (!owner || found == paths.end() || paths.size() != 1 || !has_writable_cgroup_mount(config))
        return ok();
    auto folder = TRY(open_file(found->second, O_PATH | O_DIRECTORY | O_NOFOLLOW));
    auto listed = read_file_at(FileView::current_directory(), "/sys/kernel/cgroup/delegate", 65536);
    auto names = listed.is_ok() ? listed.release_value() : std::string("cgroup.procs\ncgroup.subtree_control\ncgroup.threads\n");
    auto failure = "hand the control group \"" + found->second + "\" over to the container";
    if (::fchownat(folder.fd(), "", *owner, static_cast<gid_t>(-1), AT_EMPTY_PATH) < 0)
        return Error::last(failure);
    for (auto name : split(trim(names), '\n')) {
        // The kernel lists files of controllers that are not on here, too.
        if (::fchownat(folder.fd(), std::string(name).c_str(), *owner, static_cast<gid_t>(-1), AT_SYMLINK_NOFOLLOW) < 0 && errno != ENOENT)
            return Error::last(failure);
    }
    return ok();
}

// Serves the messages of the launching process; owns the knowledge of which process that is.
class RuntimeSide {
public:
    RuntimeSide(Launch& launch, cgroup::Cgroup* group, isolation::CreateEvents const& events)
        : m_launch(launch)
        , m_group(group)
        , m_events(events)
    {
    }

    Result<Launched> run()
    {
        auto result = serve();
        if (result.is_error())
            destroy();
        return result;
    }

private:
    oci::Config const& config() const { return m_launch.plan.config; }
    bool is_two_stage() const { return m_launch.namespaces.needs_two_stages(); }

    Result<Launched> serve()
    {
        TRY(start());
        if (m_group && config().linux_section.resources)
            TRY(m_group->set_limits(*config().linux_section.resources)); // while the other side works on its mounts
        bool may_delegate = m_launch.namespaces.is_new(NamespaceType::user) && m_launch.namespaces.is_new(NamespaceType::cgroup);
        if (m_group && may_delegate && !m_launch.plan.rootless)
            TRY(hand_group_over(config(), *m_group));
        if (is_two_stage())
            TRY(receive_second_process());
        else
            TRY(announce());
        TRY(move_net_devices(config().linux_section.net_devices, m_process.pid));
        TRY(serve_until_ready());
        TRY(set_devices());
        TRY(set_process_attributes(m_process.pid, *config().process, m_launch.plan.rootless));
        if (m_launch.pidfd_receiver.is_open())
            TRY(send_pidfd(m_launch.pidfd_receiver, m_process.pidfd, "standard"));
        return Launched { .pid = m_process.pid,
            .pidfd = std::move(m_process.pidfd),
            .start_at_once = m_launch.plan.start_at_once,
            .channel = std::move(m_launch.runtime_end) };
    }

    // Last, since the other side still makes device nodes and needs none of the rules before.
    Result<Unit> set_devices()
    {
        if (!m_group || m_launch.plan.rootless)
            return ok(); // without privileges the kernel allows no device nodes anyway
        auto rules = config().linux_section.resources ? config().linux_section.resources->devices : std::vector<oci::DeviceRule>();
        for (auto& rule : cgroup::default_device_rules())
            rules.push_back(std::move(rule));
        return m_group->set_devices(rules);
    }

    Result<Unit> start()
    {
        auto const& namespaces = m_launch.namespaces;
        bool new_user = namespaces.is_new(NamespaceType::user);
        auto flags = is_two_stage() ? (new_user ? CLONE_NEWUSER : 0) : namespaces.new_flags & ~static_cast<std::uint64_t>(CLONE_NEWCGROUP);
        if (!m_launch.plan.rootless)
            ::prctl(PR_SET_DUMPABLE, 0);
        TRY(make_room_for_limits(*config().process, m_launch.plan.rootless));
        // Born inside the group where cgroup v2 allows it: moving there later takes a lock over all threads of the host.
        auto group = std::move(m_launch.cgroup_entry.v2_directory);
        auto started = host::clone_process({ .flags = static_cast<std::uint64_t>(flags), .into_cgroup = group });
        if (started.is_error() && group.is_open()) {
            m_launch.cgroup_entry.v2_directory = std::move(group);
            started = host::clone_process({ .flags = static_cast<std::uint64_t>(flags) });
        }
        if (started.is_error())
            return Error { .code = started.error(),
                .message = "start the container's first process: " + errno_text(started.error()),
                .hint = started.error() == Errno::nospc || started.error() == Errno::perm
                    ? "see `bulkhead check namespaces`; limits are in /proc/sys/user/max_*_namespaces"
                    : "" };
        if (started.value().pid == 0)
            run_container_side(m_launch);
        m_first = started.release_value();
        m_launch.container_end.close();
        if (new_user) {
            TRY(host::write_id_maps(m_first.pid, m_launch.id_maps));
            TRY(answer_go());
        }
        if (!is_two_stage())
            m_process = std::exchange(m_first, {});
        return ok();
    }

    Result<Unit> receive_second_process()
    {
        auto message = TRY(receive());
        if (message.kind != message_pid)
            return unexpected(message);
        auto pid = parse_number<pid_t>(message.text);
        if (!pid || *pid <= 0)
            return Error { .code = Errno::io, .message = "the first stage of the launch sent no pid" };
        m_process.pid = *pid;
        m_process.pidfd = TRY(host::open_pidfd(*pid).or_error("open the container's first process"));
        TRY(host::wait_for_exit(m_first.pid).or_error("wait for the first stage of the launch"));
        m_first = {};
        TRY(announce());
        return answer_go();
    }

    // From here on a crash of the runtime leaves something that must be found again.
    Result<Unit> announce()
    {
        if (m_events.on_process)
            TRY(m_events.on_process(m_process.pid));
        return ok();
    }

    Result<Unit> serve_until_ready()
    {
        for (;;) {
            auto message = TRY(receive());
            switch (message.kind) {
            case init_stage::message_ready:
                return ok();
            case message_cgroup:
                if (m_group)
                    TRY(m_group->adopt_first_process(m_process.pid));
                TRY(answer_go());
                break;
            case message_hooks:
                if (m_events.on_namespaces)
                    TRY(m_events.on_namespaces(m_process.pid));
                TRY(answer_go());
                break;
            case init_stage::message_listener:
                TRY(pass_listener_on(message));
                TRY(answer_go());
                break;
            default:
                return unexpected(message);
            }
        }
    }

    Result<Unit> pass_listener_on(host::Message const& message)
    {
        init_stage::Failure report {};
        if (message.text.size() != sizeof report)
            return Error { .code = Errno::io, .message = "the init stage sent a broken message" };
        std::memcpy(&report, message.text.data(), sizeof report);
        auto listener = TRY(host::take_descriptor(m_process.pidfd, report.code).or_error("take the seccomp listener out of the container"));
        oci::State state { .id = m_launch.plan.id,
            .status = oci::Status::creating,
            .pid = m_process.pid,
            .bundle = m_launch.plan.bundle,
            .annotations = config().annotations };
        return seccomp::send_listener(m_launch.filter->listener_path, listener,
            { .state = std::move(state), .pid = m_process.pid, .metadata = m_launch.filter->listener_metadata });
    }

    Result<host::Message> receive() { return m_launch.runtime_end.receive().or_error("hear from the container's first process"); }
    Result<Unit> answer_go() { return m_launch.runtime_end.send(init_stage::message_go).or_error("answer the container's first process"); }

    // Errors arrive as messages; everything else that is not expected means that the process is gone or confused.
    Error unexpected(host::Message const& message)
    {
        if (message.kind == message_error)
            return decode_error(message.text);
        if (message.kind == init_stage::message_failed)
            return stage_error(message, *config().process);
        if (message.kind != 0)
            return Error { .code = Errno::io, .message = "the container's first process sent a message out of order" };
        auto& gone = m_process.pid > 0 ? m_process : m_first;
        auto status = gone.pid > 0 ? host::wait_for_exit(gone.pid) : SysResult<int>(Errno::child);
        gone = {};
        if (status.is_ok() && status.value() == 128 + SIGKILL)
            return Error { .code = Errno::nomem,
                .message = "the container's first process was killed while it was being set up"
                    + std::string(m_group && m_group->oom_kill_count() > 0 ? " (out of memory in its control group)" : ""),
                .hint = "raise linux.resources.memory.limit" };
        return Error { .code = Errno::io,
            .message = "the container's first process died while it was being set up"
                + (status.is_ok() ? " (exit status " + std::to_string(status.value()) + ")" : std::string()) };
    }

    void destroy()
    {
        for (auto* process : { &m_first, &m_process }) {
            if (process->pid <= 0)
                continue;
            (void)host::signal_pidfd(process->pidfd, SIGKILL);
            (void)host::wait_for_exit(process->pid);
        }
    }

    Launch& m_launch;
    cgroup::Cgroup* m_group;
    isolation::CreateEvents const& m_events;
    host::Cloned m_first;
    host::Cloned m_process;
};

Result<Unit> hear_of_success(host::Channel const& channel, oci::Process const& process)
{
    auto message = TRY(channel.receive().or_error("hear from the starting program"));
    switch (message.kind) {
    case 0:
        return ok(); // closed by a successful execve(2), or by a death that the caller will see
    case message_error:
        return decode_error(message.text);
    case init_stage::message_failed:
        return stage_error(message, process);
    default:
        return Error { .code = Errno::io, .message = "the starting program sent a message out of order" };
    }
}

} // namespace

Result<Launched> launch(Launch& launch, cgroup::Cgroup* group, isolation::CreateEvents const& events)
{
    return RuntimeSide(launch, group, events).run();
}

Result<Unit> open_gate(Launched& launched, oci::Process const& process)
{
    TRY(launched.channel.send(init_stage::message_go).or_error("start the program"));
    return hear_of_success(launched.channel, process);
}

Result<Unit> open_gate_by_socket(std::string const& state_path, oci::Process const& process)
{
    auto folder = TRY(open_file(state_path, O_PATH | O_DIRECTORY));
    auto socket = TRY(host::connect_unix_at(folder, start_socket_name, SOCK_SEQPACKET).context("reach the created container"));
    // Connected means started, whatever becomes of this process: the name goes first, so that nobody starts twice.
    ::unlinkat(folder.fd(), start_socket_name, 0);
    return hear_of_success(host::Channel(std::move(socket)), process);
}

} // namespace bulkhead::namespaces
