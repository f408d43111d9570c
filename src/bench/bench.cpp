#include "bench/bench.h"

#include "base/text.h"
#include "bench/measure.h"
#include "bench/workspace.h"
#include "host/hook_process.h"
#include "host/user_namespace.h"

#include <algorithm>
#include <cstdlib>

#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace bulkhead::bench {

namespace {

constexpr unsigned warm_up_rounds = 3;

class StartBench {
public:
    StartBench(StartOptions const& options, Workspace const& workspace)
        : m_options(options)
        , m_workspace(workspace)
    {
        for (auto const& choice : options.runtimes) {
            RuntimeResult result;
            result.name = choice.name;
            result.path = choice.path;
            if (choice.path.empty())
                result.trouble = "not found, so not measured";
            m_results.runtimes.push_back(std::move(result));
        }
    }

    Result<Results> run()
    {
        describe_machine();
        auto measured = measure_parts();
        clean_up();
        if (measured.is_error())
            return measured.release_error();
        return std::move(m_results);
    }

private:
    Result<Unit> measure_parts()
    {
        if (m_options.measures_run)
            TRY(measure_runs());
        if (m_options.measures_parallel)
            TRY(measure_parallel());
        if (m_options.measures_exec)
            TRY(measure_execs());
        return ok();
    }

    void describe_machine()
    {
        utsname machine {};
        ::uname(&machine);
        m_results.kernel = machine.release;
        m_results.processors = static_cast<unsigned>(::sysconf(_SC_NPROCESSORS_ONLN));
        m_results.cgroups = m_workspace.cgroup_layout();
        m_results.parallel_count = m_options.parallel;
        for (auto const& runtime : m_results.runtimes) {
            if (runtime.path.empty())
                continue;
            auto version = host::run_program({ .path = runtime.path, .args = { runtime.path, "--version" }, .timeout_ms = 2000 });
            auto line = version.is_ok() ? std::string(trim(split(version.value().output, '\n').front())) : "";
            m_results.notes.push_back(runtime.name + " is " + runtime.path + (line.empty() ? "" : ": " + line));
        }
    }

    Command command(RuntimeResult const& runtime, std::initializer_list<std::string> words) const
    {
        Command whole { runtime.path, "--root", m_workspace.state_of(runtime.name) };
        whole.insert(whole.end(), words);
        return whole;
    }
    std::string bundle() const { return m_options.bundle.empty() ? m_workspace.true_bundle() : m_options.bundle; }
    std::string next_id() { return "bulkhead-bench-" + std::to_string(::getpid()) + "-" + std::to_string(m_next++); }
    void say(std::string const& text) const
    {
        if (m_options.on_progress)
            m_options.on_progress(text);
    }

    // Everybody in turn, each round beginning with another one, so that none has the better place.
    // ONE is Result<Unit>(RuntimeResult&, bool is_warm_up).
    template <typename One> Result<Unit> take_turns(unsigned rounds, unsigned warm_up, One one)
    {
        auto count = m_results.runtimes.size();
        for (unsigned round = 0; round < rounds + warm_up; ++round) {
            for (std::size_t turn = 0; turn < count; ++turn) {
                auto& runtime = m_results.runtimes[(round + turn) % count];
                if (!runtime.trouble.empty())
                    continue;
                auto done = one(runtime, round < warm_up);
                if (was_interrupted())
                    return Error { .code = Errno::intr, .message = "interrupted" };
                if (done.is_error())
                    runtime.trouble = done.error().message;
            }
        }
        return ok();
    }

    Result<Unit> measure_runs()
    {
        say("run: " + std::to_string(m_options.runs) + " rounds");
        unsigned round = 0;
        return take_turns(m_options.runs, warm_up_rounds, [&](RuntimeResult& runtime, bool is_warm_up) -> Result<Unit> {
            auto sample = TRY(measure(m_workspace, command(runtime, { "run", "--bundle", bundle(), next_id() })));
            if (!is_warm_up)
                runtime.run.push_back(sample);
            if (&runtime == &m_results.runtimes.front() && !is_warm_up && round++ < m_options.runs)
                measure_floor();
            return ok();
        });
    }

    // As often as the first runtime. A host that does not allow it (no groups, say) has no floor.
    void measure_floor()
    {
        Command floor { m_workspace.program(), "floor", m_workspace.root() };
        for (auto const& group : m_workspace.groups())
            floor.push_back(group);
        auto sample = measure(m_workspace, floor);
        if (sample.is_ok())
            m_results.floor.push_back(sample.value());
    }

    Result<Unit> measure_parallel()
    {
        say(std::to_string(m_options.parallel) + " containers at once: " + std::to_string(m_options.rounds) + " rounds");
        return take_turns(m_options.rounds, 1, [&](RuntimeResult& runtime, bool is_warm_up) -> Result<Unit> {
            std::vector<std::vector<Command>> chains;
            for (unsigned index = 0; index < m_options.parallel; ++index) {
                auto id = next_id();
                chains.push_back({ command(runtime, { "create", "--bundle", bundle(), id }), command(runtime, { "start", id }),
                    command(runtime, { "delete", "--force", id }) });
            }
            auto milliseconds = TRY(run_at_once(m_workspace, chains));
            if (!is_warm_up)
                runtime.parallel_ms.push_back(milliseconds);
            return ok();
        });
    }

    Result<Unit> measure_execs()
    {
        say("exec: " + std::to_string(m_options.runs) + " rounds");
        constexpr char const* id = "bulkhead-bench-exec";
        TRY(take_turns(1, 0, [&](RuntimeResult& runtime, bool) {
            return bench::run(m_workspace, command(runtime, { "run", "--detach", "--bundle", m_workspace.waiting_bundle(), id }));
        }));
        auto measured = take_turns(m_options.runs, warm_up_rounds, [&](RuntimeResult& runtime, bool is_warm_up) -> Result<Unit> {
            auto sample = TRY(measure(m_workspace, command(runtime, { "exec", id, "/bin/true" })));
            if (!is_warm_up)
                runtime.exec.push_back(sample);
            return ok();
        });
        for (auto const& runtime : m_results.runtimes)
            if (!runtime.path.empty())
                (void)bench::run(m_workspace, command(runtime, { "delete", "--force", id }));
        return measured;
    }

    // What failures and interrupts left.
    void clean_up()
    {
        for (auto const& runtime : m_results.runtimes) {
            if (runtime.path.empty())
                continue;
            auto whole = command(runtime, { "list", "-q" });
            auto listed = host::run_program({ .path = whole[0], .args = whole, .timeout_ms = 10000, .keep_errors = true });
            if (listed.is_error() || !listed.value().succeeded())
                continue;
            for (auto id : split(listed.value().output, '\n'))
                if (trim(id).starts_with("bulkhead-bench-"))
                    (void)bench::run(m_workspace, command(runtime, { "delete", "--force", std::string(trim(id)) }));
        }
        for (auto const& group : m_workspace.groups())
            ::rmdir((group + "/bulkhead-bench-floor").c_str());
    }

    StartOptions const& m_options;
    Workspace const& m_workspace;
    Results m_results;
    unsigned m_next = 0;
};

} // namespace

Result<Results> measure_starts(StartOptions const& options)
{
    if (!host::has_host_privileges())
        return Error { .code = Errno::perm,
            .message = "measuring needs root: control groups and namespaces as an engine has them",
            .hint = "sudo bulkhead bench start" };
    auto workspace = TRY(Workspace::make());
    catch_interrupts();
    return StartBench(options, workspace).run();
}

std::string find_program(std::string const& name)
{
    if (name.find('/') != std::string::npos)
        return ::access(name.c_str(), X_OK) == 0 ? name : std::string();
    auto const* set = std::getenv("PATH");
    auto folders = std::string(set ? set : "") + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    for (auto folder : split(folders, ':')) {
        auto path = std::string(folder) + "/" + name;
        struct stat status { };
        if (folder.starts_with('/') && ::access(path.c_str(), X_OK) == 0 && ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode))
            return path;
    }
    return {};
}

} // namespace bulkhead::bench
