// An isolation for unit tests: its "sandbox" is a child process that sleeps, and a file that says whether it was started.
// What it does can be made to fail or to hang by file names in the bundle folder.
#pragma once

#include "container/containers.h"
#include "host/process.h"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bulkhead::container {

inline bool file_exists(std::string const& path)
{
    return ::access(path.c_str(), F_OK) == 0;
}

class FakeSandbox final : public isolation::Sandbox, public isolation::Pausable {
public:
    Result<Unit> create(isolation::SandboxPlan const& plan, isolation::CreateEvents const& events) override
    {
        m_state_path = plan.state_path;
        TRY(events.on_record());
        if (file_exists(plan.bundle + "/fail"))
            return invalid("told to fail");
        auto parent = ::getpid();
        m_pid = ::fork();
        if (m_pid == 0) {
            // Dies with its creator until the creation is through, as a container that waits for its runtime does.
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (::getppid() != parent)
                ::_exit(1);
            while (!file_exists(plan.state_path + "/ready"))
                ::usleep(1000);
            ::prctl(PR_SET_PDEATHSIG, 0);
            std::ofstream(plan.state_path + "/on_its_own") << "x";
            ::usleep(60'000'000);
            ::_exit(0);
        }
        m_start_time = host::process_start_time(m_pid).value();
        TRY(events.on_process(m_pid));
        auto hooks = events.on_namespaces(m_pid);
        if (hooks.is_error()) {
            (void)remove();
            return hooks;
        }
        while (file_exists(plan.bundle + "/hang"))
            ::usleep(1000);
        touch("ready");
        while (!file_exists(plan.state_path + "/on_its_own") && host::is_alive(m_pid, m_start_time))
            ::usleep(1000);
        if (plan.start_at_once)
            touch("started");
        return ok();
    }
    Result<Unit> start() override
    {
        touch("started");
        return ok();
    }
    Result<Unit> signal(int number, Target) override
    {
        if (!host::is_alive(m_pid, m_start_time))
            return Error { .code = Errno::srch, .message = "gone" };
        ::kill(m_pid, number);
        return ok();
    }
    Result<isolation::StartedProcess> exec(isolation::ExecPlan const&) override { return invalid("no exec here"); }
    Result<std::vector<pid_t>> processes() override { return std::vector<pid_t> { m_pid }; }
    Result<Unit> remove() override
    {
        if (m_pid > 1 && host::is_alive(m_pid, m_start_time))
            ::kill(m_pid, SIGKILL);
        while (m_pid > 1 && host::is_alive(m_pid, m_start_time))
            ::usleep(1000);
        ::waitpid(m_pid, nullptr, WNOHANG);
        return ok();
    }
    oci::Status status() const override
    {
        if (m_pid == 0)
            return oci::Status::creating;
        if (!host::is_alive(m_pid, m_start_time))
            return oci::Status::stopped;
        if (m_is_paused)
            return oci::Status::paused;
        if (file_exists(m_state_path + "/started"))
            return oci::Status::running;
        return file_exists(m_state_path + "/ready") ? oci::Status::created : oci::Status::creating;
    }
    pid_t pid() const override { return m_pid; }
    void save(JsonWriter& json) const override
    {
        json.member("pid", static_cast<std::int64_t>(m_pid)).member("start", m_start_time).member("path", m_state_path).member("paused", m_is_paused);
    }
    static Result<std::unique_ptr<isolation::Sandbox>> load(JsonObject const& saved)
    {
        auto sandbox = std::make_unique<FakeSandbox>();
        TRY(saved.required("pid", sandbox->m_pid));
        TRY(saved.required("start", sandbox->m_start_time));
        TRY(saved.required("path", sandbox->m_state_path));
        TRY(saved.required("paused", sandbox->m_is_paused));
        return std::unique_ptr<isolation::Sandbox>(std::move(sandbox));
    }
    isolation::Pausable* as_pausable() override { return this; }
    Result<Unit> pause() override
    {
        m_is_paused = true;
        return ok();
    }
    Result<Unit> resume() override
    {
        m_is_paused = false;
        return ok();
    }

private:
    void touch(char const* name) const { std::ofstream(m_state_path + "/" + name) << "x"; }
    std::string m_state_path;
    pid_t m_pid = 0;
    std::uint64_t m_start_time = 0;
    bool m_is_paused = false;
};

class FakeIsolation : public isolation::Isolation {
public:
    std::string_view name() const override { return "fake"; }
    std::vector<isolation::Finding> examine() const override { return {}; }
    Result<std::unique_ptr<isolation::Sandbox>> make_sandbox() const override { return std::unique_ptr<isolation::Sandbox>(new FakeSandbox); }
    Result<std::unique_ptr<isolation::Sandbox>> load_sandbox(JsonObject const& saved) const override { return FakeSandbox::load(saved); }
    static Result<isolation::Isolation const*> find(std::string_view wanted)
    {
        static FakeIsolation const fake;
        if (wanted != fake.name())
            return invalid("unknown isolation");
        return static_cast<isolation::Isolation const*>(&fake);
    }
};

// A folder of its own for one test, removed with all that is in it.
class TemporaryFolder {
public:
    TemporaryFolder()
    {
        char name[] = "/tmp/bulkhead-test.XXXXXX";
        m_path = ::mkdtemp(name);
    }
    ~TemporaryFolder()
    {
        std::error_code ignored;
        std::filesystem::remove_all(m_path, ignored);
    }
    TemporaryFolder(TemporaryFolder const&) = delete;
    TemporaryFolder& operator=(TemporaryFolder const&) = delete;
    std::string const& path() const { return m_path; }
    std::string write(std::string const& name, std::string const& text) const
    {
        std::ofstream(m_path + "/" + name) << text;
        return m_path + "/" + name;
    }
    std::string read(std::string const& name) const { return read_file(m_path + "/" + name).value(); }

private:
    std::string m_path;
};

} // namespace bulkhead::container
