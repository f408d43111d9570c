#include "container/container.h"
#include "base/log.h"
#include "base/text.h"
#include "container/hooks.h"
#include "host/process.h"

#include <csignal>
#include <ctime>

namespace bulkhead::container {

namespace {

constexpr int lock_patience_ms = 10'000;
constexpr std::size_t max_config_size = 16UL * 1024 * 1024;

// Keeps the lock for one operation.
class Unlocker {
public:
    explicit Unlocker(StateFolder& folder)
        : m_folder(folder)
    {
    }
    ~Unlocker() { m_folder.unlock(); }
    Unlocker(Unlocker const&) = delete;
    Unlocker& operator=(Unlocker const&) = delete;

private:
    StateFolder& m_folder;
};

Error cannot(std::string_view isolation, std::string_view what)
{
    return Error { .code = Errno::notsup,
        .message = "isolation " + quoted(isolation) + " cannot " + std::string(what),
        .hint = "use --isolation=namespaces for containers that need it" };
}

} // namespace

Container::Container(StateFolder folder, FindIsolation find)
    : m_folder(std::move(folder))
    , m_find(find)
{
}

Result<Unit> Container::load()
{
    auto text = m_folder.read("state.json", StateFolder::max_record_size);
    if (text.is_error())
        return Error::from_errno(text.error(), "read \"" + m_folder.path() + "/state.json\"");
    auto record = TRY(parse_record(text.value()));
    if (record.id != m_folder.id())
        return invalid("state.json is of container " + quoted(record.id) + ", not of " + quoted(m_folder.id()));
    m_record = std::move(record);
    m_record_text = text.release_value();
    load_sandbox();
    return ok();
}

void Container::load_sandbox()
{
    m_sandbox.reset();
    m_trouble.reset();
    if (m_record.sandbox.empty())
        return;
    auto found = [&]() -> Result<std::unique_ptr<isolation::Sandbox>> {
        auto const* isolation = TRY(m_find(m_record.isolation));
        auto document = TRY(JsonDocument::parse(m_record.sandbox, "state.json: sandbox"));
        auto saved = TRY(document.object());
        return isolation->load_sandbox(saved);
    }();
    if (found.is_error())
        m_trouble = found.release_error();
    else
        m_sandbox = found.release_value();
}

Result<Unit> Container::save()
{
    JsonWriter json;
    json.begin_object();
    m_sandbox->save(json);
    json.end_object();
    m_record.sandbox = json.text();
    auto pid = m_sandbox->pid();
    if (pid > 1 && pid != m_record.init_pid) {
        auto start_time = host::process_start_time(pid);
        m_record.init_pid = start_time.is_ok() ? pid : 0;
        m_record.init_start_time = start_time.is_ok() ? start_time.value() : 0;
    }
    auto text = record_json(m_record);
    if (text == m_record_text)
        return ok();
    TRY(m_folder.replace("state.json", text).or_error("write \"" + m_folder.path() + "/state.json\""));
    m_record_text = std::move(text);
    return ok();
}

Result<Unit> Container::lock_and_refresh()
{
    TRY(m_folder.lock(lock_patience_ms));
    auto text = m_folder.read("state.json", StateFolder::max_record_size);
    if (text.is_ok() && text.value() == m_record_text)
        return ok();
    auto loaded = load();
    if (loaded.is_error())
        m_folder.unlock();
    return loaded;
}

oci::Status Container::status() const
{
    if (m_sandbox)
        return m_sandbox->status();
    if (m_record.sandbox.empty())
        return m_folder.is_locked_by_another() ? oci::Status::creating : oci::Status::stopped;
    return m_record.init_pid > 0 && host::is_alive(m_record.init_pid, m_record.init_start_time) ? oci::Status::running : oci::Status::stopped;
}

pid_t Container::pid() const
{
    return m_sandbox ? m_sandbox->pid() : m_record.init_pid;
}

oci::State Container::state(oci::Status status) const
{
    oci::State state;
    state.oci_version = m_record.oci_version;
    state.id = m_record.id;
    state.status = status;
    state.pid = status == oci::Status::stopped ? 0 : pid();
    state.bundle = m_record.bundle;
    state.annotations = m_record.annotations;
    return state;
}

Result<oci::Config const*> Container::config() const
{
    if (!m_config) {
        auto text = m_folder.read("config.json", max_config_size);
        if (text.is_error())
            return Error::from_errno(text.error(), "read \"" + m_folder.path() + "/config.json\"");
        auto config = TRY(oci::parse_config(text.value()).context("read the container's config.json"));
        m_config = std::make_unique<oci::Config>(std::move(config));
    }
    return static_cast<oci::Config const*>(m_config.get());
}

Result<Unit> Container::usable() const
{
    if (m_sandbox)
        return ok();
    if (m_trouble)
        return Result<Unit>(*m_trouble).context("use the sandbox of container " + quoted(id()));
    return not_running();
}

Error Container::not_running() const
{
    return Error { .code = Errno::srch, .message = "container not running" };
}

Result<Unit> Container::create_sandbox(CreateRequest& request)
{
    auto& plan = request.plan;
    m_record.id = plan.id;
    m_record.oci_version = plan.config.oci_version;
    m_record.bundle = plan.bundle;
    m_record.rootfs = plan.root;
    m_record.config_path = m_folder.path() + "/config.json";
    m_record.created = timestamp_now();
    m_record.owner = ::geteuid();
    m_record.isolation = request.isolation->name();
    m_record.annotations = plan.config.annotations;
    m_record.has_poststart_hooks = !plan.config.hooks.poststart.empty();
    m_record.has_poststop_hooks = !plan.config.hooks.poststop.empty();
    // First the record, so that from here on nothing can be left that `list` does not show.
    m_record_text = record_json(m_record);
    TRY(m_folder.write_new("state.json", m_record_text).or_error("write \"" + m_folder.path() + "/state.json\""));
    TRY(m_folder.write_new("config.json", plan.config_text).or_error("write \"" + m_record.config_path + "\""));
    if (request.on_folder)
        TRY(request.on_folder(plan));

    m_sandbox = TRY(request.isolation->make_sandbox());
    auto const& hooks = plan.config.hooks;
    isolation::CreateEvents events;
    events.on_record = [this] { return save(); };
    events.on_process = [this](pid_t) { return save(); };
    events.on_namespaces = [&](pid_t pid) -> Result<Unit> {
        if (hooks.prestart.empty() && hooks.create_runtime.empty())
            return ok();
        auto now = state(oci::Status::creating);
        now.pid = pid;
        TRY(run_hooks(hooks.prestart, "prestart", now));
        return run_hooks(hooks.create_runtime, "createRuntime", now);
    };
    if (request.restore)
        TRY(m_sandbox->restore(plan, *request.restore, events));
    else
        TRY(m_sandbox->create(plan, events));
    TRY(save());
    return ok();
}

void Container::undo_creation(std::vector<oci::Hook> const& poststop)
{
    if (m_sandbox) {
        auto removed = m_sandbox->remove();
        if (removed.is_error()) {
            // The folder stays, so that what is left can still be found.
            log::warning("a container that could not be created could not be removed either",
                { { "id", id() }, { "reason", removed.error().message }, { "try", "bulkhead delete --force " + id() } });
            m_folder.unlock();
            return;
        }
        run_hooks_and_go_on(poststop, "poststop", state(oci::Status::stopped));
    }
    auto removed = m_folder.remove();
    if (removed.is_error())
        log::warning("a state folder could not be removed", { { "id", id() }, { "reason", removed.error().message } });
}

Result<Unit> Container::start()
{
    TRY(lock_and_refresh());
    {
        Unlocker unlocker(m_folder);
        TRY(m_trouble ? usable() : Result<Unit>(ok()));
        auto now = status();
        if (now == oci::Status::stopped)
            return Error { .code = Errno::inval, .message = "cannot start a container that has stopped", .hint = "delete it and create it again" };
        if (now == oci::Status::running)
            return invalid("cannot start an already running container");
        if (now != oci::Status::created)
            return invalid("cannot start a container in the " + std::string(oci::status_name(now)) + " state");
        TRY(m_sandbox->start());
        TRY(save());
    }
    return run_poststart_hooks();
}

Result<Unit> Container::ensure_started()
{
    // Not refreshed: the sandbox holds what only the process that created it has.
    TRY(m_folder.lock(lock_patience_ms));
    {
        Unlocker unlocker(m_folder);
        TRY(usable());
        if (status() == oci::Status::created) {
            TRY(m_sandbox->start());
            TRY(save());
        }
    }
    return run_poststart_hooks();
}

Result<Unit> Container::run_poststart_hooks()
{
    if (!m_record.has_poststart_hooks)
        return ok();
    auto const* config = TRY(this->config());
    auto done = run_hooks(config->hooks.poststart, "poststart", state(oci::Status::running));
    // runtime.md, lifecycle: an error, and the container is stopped (up to 1.1 it was a warning).
    if (done.is_error()) {
        (void)m_sandbox->signal(SIGKILL, isolation::Sandbox::Target::every_process);
        for (int waited = 0; waited < 500 && status() != oci::Status::stopped; ++waited) {
            std::timespec pause { .tv_sec = 0, .tv_nsec = 2'000'000 };
            ::nanosleep(&pause, nullptr);
        }
    }
    return done;
}

Result<Unit> Container::kill(int signal, isolation::Sandbox::Target target)
{
    // No lock: a create or start that hangs must be killable. The sandbox signals by identity, not by a bare number.
    bool all = target == isolation::Sandbox::Target::every_process;
    auto before = status();
    if (before == oci::Status::stopped && !all)
        return not_running();
    if (!m_sandbox && before == oci::Status::stopped)
        return ok(); // --all of nothing
    TRY(usable());
    auto sent = m_sandbox->signal(signal, target);
    if (sent.is_error()) {
        if (sent.error().code != Errno::srch)
            return sent;
        return all ? Result<Unit>(ok()) : Result<Unit>(not_running());
    }
    // A frozen process dies only when it may run again.
    if (signal == SIGKILL && before == oci::Status::paused && m_sandbox->as_pausable())
        return m_sandbox->as_pausable()->resume();
    return ok();
}

Result<Unit> Container::pause()
{
    TRY(lock_and_refresh());
    Unlocker unlocker(m_folder);
    TRY(usable());
    auto now = status();
    if (now != oci::Status::running && now != oci::Status::created)
        return Error { .code = Errno::srch, .message = "container not running or created: it is " + std::string(oci::status_name(now)) };
    auto* pausable = m_sandbox->as_pausable();
    if (!pausable)
        return cannot(m_record.isolation, "pause containers");
    TRY(pausable->pause());
    return save();
}

Result<Unit> Container::resume()
{
    TRY(lock_and_refresh());
    Unlocker unlocker(m_folder);
    TRY(usable());
    auto now = status();
    if (now != oci::Status::paused)
        return Error { .code = Errno::inval, .message = "container not paused: it is " + std::string(oci::status_name(now)) };
    auto* pausable = m_sandbox->as_pausable();
    if (!pausable)
        return cannot(m_record.isolation, "resume containers");
    TRY(pausable->resume());
    return save();
}

Result<Unit> Container::update(oci::Resources const& resources)
{
    TRY(lock_and_refresh());
    Unlocker unlocker(m_folder);
    TRY(usable());
    if (status() == oci::Status::stopped)
        return not_running();
    auto* updatable = m_sandbox->as_updatable();
    if (!updatable)
        return cannot(m_record.isolation, "change the limits of a container");
    TRY(updatable->update(resources));
    return save();
}

Result<Unit> Container::protect_runtime() const
{
    auto const* isolation = TRY(m_find(m_record.isolation));
    auto const* config = TRY(this->config());
    return isolation->protect_runtime(*config, isolation::Isolation::Occasion::exec);
}

Result<isolation::StartedProcess> Container::exec(isolation::ExecPlan const& plan)
{
    TRY(m_trouble ? usable() : Result<Unit>(ok()));
    auto now = status();
    if (now == oci::Status::stopped)
        return Error { .code = Errno::srch, .message = "cannot exec in a stopped container (container not running)" };
    if (now == oci::Status::creating)
        return Error { .code = Errno::again, .message = "cannot exec in a container that is still being created" };
    if (now == oci::Status::paused && !plan.ignore_paused)
        return Error { .code = Errno::inval, .message = "cannot exec in a paused container (use --ignore-paused to override)" };
    return m_sandbox->exec(plan);
}

Result<std::vector<pid_t>> Container::processes()
{
    TRY(m_trouble ? usable() : Result<Unit>(ok()));
    if (!m_sandbox)
        return std::vector<pid_t> {};
    return m_sandbox->processes();
}

Result<std::string> Container::stats_json()
{
    TRY(usable());
    if (status() == oci::Status::stopped)
        return Error { .code = Errno::srch, .message = "container with id " + id() + " is not running (container not running)" };
    auto* measurable = m_sandbox->as_measurable();
    if (!measurable)
        return cannot(m_record.isolation, "measure what a container uses");
    return measurable->stats_json();
}

Result<bool> Container::wait_for_oom(int milliseconds)
{
    TRY(usable());
    auto* measurable = m_sandbox->as_measurable();
    if (!measurable)
        return cannot(m_record.isolation, "report OOM kills");
    return measurable->wait_for_oom(milliseconds);
}

Result<Unit> Container::checkpoint(isolation::CheckpointOptions const& options)
{
    TRY(lock_and_refresh());
    Unlocker unlocker(m_folder);
    TRY(m_trouble ? usable() : Result<Unit>(ok()));
    auto now = status();
    if (now != oci::Status::running && now != oci::Status::paused)
        return invalid("container cannot be checkpointed in " + std::string(oci::status_name(now)) + " state");
    auto* checkpointable = m_sandbox->as_checkpointable();
    if (!checkpointable)
        return cannot(m_record.isolation, "checkpoint containers");
    return checkpointable->checkpoint(options);
}

} // namespace bulkhead::container
