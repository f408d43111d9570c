// Container::remove: the one way out, for a finished container, a running one by force, and one that a crash left half
// made.
#include "base/log.h"
#include "base/text.h"
#include "container/container.h"
#include "container/hooks.h"
#include "host/process.h"

#include <csignal>
#include <ctime>

namespace bulkhead::container {

namespace {

constexpr int lock_patience_ms = 10'000;

bool is_gone_within(pid_t pid, std::uint64_t start_time, int milliseconds)
{
    for (int waited = 0; host::is_alive(pid, start_time); waited += 10) {
        if (waited >= milliseconds)
            return false;
        std::timespec pause { .tv_sec = 0, .tv_nsec = 10'000'000 };
        ::nanosleep(&pause, nullptr);
    }
    return true;
}

} // namespace

// For a sandbox that cannot be loaded: the first process at least, if it is still the same.
void Container::kill_whatever_is_left()
{
    if (m_record.init_pid <= 1)
        return;
    auto pidfd = host::open_pidfd(m_record.init_pid);
    if (pidfd.is_error() || !host::is_alive(m_record.init_pid, m_record.init_start_time))
        return;
    (void)host::signal_pidfd(pidfd.value(), SIGKILL);
    if (!is_gone_within(m_record.init_pid, m_record.init_start_time, 10'000))
        log::warning("a process does not die", { { "id", id() }, { "pid", std::to_string(m_record.init_pid) } });
}

Result<Unit> Container::remove(Force force)
{
    auto locked = m_folder.lock(force == Force::yes ? 0 : lock_patience_ms);
    if (locked.is_error()) {
        if (force == Force::no || locked.error().code != Errno::busy)
            return locked;
        // Somebody is creating or starting it, perhaps for ever (a hook that hangs): their work must fail first.
        if (m_sandbox)
            (void)m_sandbox->signal(SIGKILL, isolation::Sandbox::Target::every_process);
        TRY(m_folder.lock(lock_patience_ms));
    }
    auto loaded = load();
    auto fail = [&](Error error) -> Result<Unit> {
        m_folder.unlock();
        return error;
    };
    if (loaded.is_error())
        return fail(loaded.release_error());
    if (m_trouble && force == Force::no)
        return fail(m_trouble->hint.empty() ? Error { .code = m_trouble->code,
                        .message = m_trouble->message,
                        .hint = "bulkhead delete --force " + id() + " removes what can be found" }
                                            : *m_trouble);
    auto now = status();
    // A created container, too: runtime.md's delete has no effect on what is not stopped, whatever runc and crun do.
    if (force == Force::no && now != oci::Status::stopped)
        return fail(Error { .code = Errno::busy,
            .message = "cannot delete container " + id() + " that is not stopped: " + std::string(oci::status_name(now)),
            .hint = "kill it first, or pass --force" });

    if (m_sandbox) {
        auto removed = m_sandbox->remove();
        if (removed.is_error())
            return fail(removed.release_error());
    } else {
        kill_whatever_is_left();
    }
    if (m_record.has_poststop_hooks) {
        auto config = this->config();
        if (config.is_ok())
            run_hooks_and_go_on(config.value()->hooks.poststop, "poststop", state(oci::Status::stopped));
        else
            log::warning("the poststop hooks are lost", { { "id", id() }, { "reason", config.error().message } });
    }
    return m_folder.remove();
}

} // namespace bulkhead::container
