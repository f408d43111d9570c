// oci-conformance: judges an OCI runtime from outside. Each test runs in a process and a mount namespace of its own.
#include "driver/report.h"
#include "driver/session.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>

namespace conformance {
namespace {

using Clock = std::chrono::steady_clock;

struct Options {
    std::string runtime;
    std::vector<std::string> runtime_arguments;
    std::string filter;
    std::string json_file;
    std::string guest;
    std::string busybox = "/bin/busybox";
    std::vector<std::string> render;
    unsigned jobs = 2;
    bool list = false;
    bool markdown = false;
    bool keep = false;
    bool times = false;
};

constexpr std::string_view usage = R"(oci-conformance: checks an OCI runtime against the runtime specification.

  RUNTIME=runc oci-conformance            or  oci-conformance --runtime PROGRAM

  --runtime PROGRAM     the runtime under test (default: $RUNTIME)
  --runtime-arg ARG     passed to the runtime before every command; may be repeated
  --filter TEXT[,TEXT]  only tests whose name or file contains a word, or that cover this requirement number
  --list                prints tests and requirements, runs nothing
  --jobs N              tests at once (default 2)
  --json FILE           writes the results
  --markdown            prints the results as a page instead of TAP
  --render FILE...      prints one page out of the JSON files of earlier runs
  --guest PROGRAM       the guest (default: oci-guest beside this program)
  --busybox PROGRAM     a static busybox (default /bin/busybox)
  --keep                keeps the temporary folder
  --times               prints how long each test took
)";

std::string own_folder()
{
    std::error_code error;
    return std::filesystem::read_symlink("/proc/self/exe", error).parent_path().string();
}

bool parse_options(int argc, char** argv, Options& options)
{
    if (auto const* runtime = std::getenv("RUNTIME"))
        options.runtime = runtime;
    options.guest = own_folder() + "/oci-guest";
    for (int index = 1; index < argc; ++index) {
        std::string_view word = argv[index];
        auto value = [&]() -> std::string { return index + 1 < argc ? argv[++index] : ""; };
        if (word == "--runtime")
            options.runtime = value();
        else if (word == "--runtime-arg")
            options.runtime_arguments.push_back(value());
        else if (word == "--filter")
            options.filter = value();
        else if (word == "--json")
            options.json_file = value();
        else if (word == "--guest")
            options.guest = value();
        else if (word == "--busybox")
            options.busybox = value();
        else if (word == "--jobs")
            options.jobs = static_cast<unsigned>(std::max(1L, std::strtol(value().c_str(), nullptr, 10)));
        else if (word == "--list")
            options.list = true;
        else if (word == "--markdown")
            options.markdown = true;
        else if (word == "--keep")
            options.keep = true;
        else if (word == "--times")
            options.times = true;
        else if (word == "--render")
            while (index + 1 < argc)
                options.render.emplace_back(argv[++index]);
        else
            return false;
    }
    return true;
}

// The comma-separated words of --filter: part of a test's name or file, or a whole requirement number.
bool is_chosen(TestCase const& test, std::string const& filter)
{
    for (std::size_t start = 0; start <= filter.size();) {
        auto comma = std::min(filter.find(',', start), filter.size());
        auto word = filter.substr(start, comma - start);
        if (test.name.find(word) != std::string::npos || test.file.find(word) != std::string::npos
            || std::find(test.covers.begin(), test.covers.end(), word) != test.covers.end())
            return true;
        start = comma + 1;
    }
    return false;
}

// What the program says of itself decides which requirements are newer than it.
void ask_version(Settings& settings)
{
    auto done = run_program({ .arguments = { settings.runtime, "--version" } });
    settings.version_text = done.output;
    auto start = done.output.find("spec: ");
    if (start != std::string::npos)
        settings.claimed_version = done.output.substr(start + 6, done.output.find_first_of(" \n", start + 6) - start - 6);
    bool hybrid = false, legacy = false;
    for (auto const& hierarchy : cgroup_hierarchies())
        (hierarchy.unified ? hybrid : legacy) = true;
    settings.hide_unified_cgroups = done.output.starts_with("crun") && hybrid && legacy;
}

// --- one test in its process -------------------------------------------------------------------------------------

void isolate(Settings const& settings)
{
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (unshare(CLONE_NEWNS) != 0 || mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
        std::cerr << "cannot make a mount namespace: run as root\n";
    if (!settings.hide_unified_cgroups)
        return;
    for (auto const& hierarchy : cgroup_hierarchies()) {
        if (hierarchy.unified)
            umount2(hierarchy.mount_point.c_str(), MNT_DETACH);
    }
}

[[noreturn]] void be_test(Settings const& settings, TestCase const& test, int number, int channel)
{
    signal(SIGPIPE, SIG_IGN);
    isolate(settings);
    Session session(settings, test, number);
    test.function(session);
    session.finish();
    Json list = Json::array();
    for (auto const& finding : session.findings())
        list.push_back({ finding.requirement, static_cast<int>(finding.verdict), finding.text });
    auto text = show(list);
    std::string_view rest = text;
    while (!rest.empty()) {
        auto done = write(channel, rest.data(), rest.size());
        if (done <= 0)
            break;
        rest.remove_prefix(static_cast<std::size_t>(done));
    }
    _exit(0);
}

struct Job {
    TestCase const* test;
    int number;
    pid_t pid;
    int channel;
    std::string text;
    Clock::time_point begin;
};

Job start_job(Settings const& settings, TestCase const& test, int number)
{
    int channel[2] = { -1, -1 };
    if (pipe2(channel, O_CLOEXEC) != 0)
        std::abort();
    std::cout.flush();
    pid_t pid = fork();
    if (pid == 0) {
        close(channel[0]);
        be_test(settings, test, number, channel[1]);
    }
    close(channel[1]);
    return { &test, number, pid, channel[0], "", Clock::now() };
}

std::vector<Finding> findings_of(Job const& job)
{
    std::vector<Finding> findings;
    auto list = parse_json(job.text);
    if (!list.is_array()) {
        for (auto const& requirement : job.test->covers)
            findings.push_back({ requirement, Verdict::failed, "the test crashed or took longer than 60 s" });
        return findings;
    }
    for (auto const& entry : list)
        findings.push_back({ entry[0].get<std::string>(), static_cast<Verdict>(entry[1].get<int>()), entry[2].get<std::string>() });
    return findings;
}

// Orphans of a test that was killed come to this process, the next subreaper up.
void end_orphans(std::vector<Job> const& jobs)
{
    for (int pid : children_of(getpid())) {
        if (std::none_of(jobs.begin(), jobs.end(), [&](auto const& job) { return job.pid == pid; })) {
            kill(pid, SIGKILL);
            waitpid(pid, nullptr, WNOHANG);
        }
    }
}

// Reads what a job wrote; true when it is over.
bool is_over(Job& job)
{
    pollfd waiting { job.channel, POLLIN, 0 };
    if (poll(&waiting, 1, 10) > 0) {
        char buffer[16384];
        auto got = read(job.channel, buffer, sizeof(buffer));
        if (got > 0) {
            job.text.append(buffer, static_cast<std::size_t>(got));
            return false;
        }
        return true;
    }
    if (Clock::now() - job.begin > std::chrono::seconds(60)) {
        job.text.clear();
        return true;
    }
    return false;
}

void finish_job(Settings const& settings, Job& job, Report& report, bool times)
{
    kill(job.pid, SIGKILL);
    waitpid(job.pid, nullptr, 0);
    close(job.channel);
    if (job.text.empty())
        remove_cgroups_named(settings.mark + "-" + std::to_string(job.number) + "-");
    report.add(job.test->name, findings_of(job));
    if (times)
        std::cerr << job.test->name << ": " << std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - job.begin).count() << " ms\n";
}

void run_tests(Settings const& settings, std::vector<TestCase const*> tests, Options const& options, Report& report)
{
    std::vector<Job> jobs;
    std::size_t next = 0;
    while (next < tests.size() || !jobs.empty()) {
        while (jobs.size() < options.jobs && next < tests.size()) {
            jobs.push_back(start_job(settings, *tests[next], static_cast<int>(next)));
            ++next;
        }
        for (std::size_t index = jobs.size(); index-- > 0;) {
            if (!is_over(jobs[index]))
                continue;
            finish_job(settings, jobs[index], report, options.times);
            jobs.erase(jobs.begin() + static_cast<std::ptrdiff_t>(index));
            end_orphans(jobs);
        }
    }
}

// --- the whole run -----------------------------------------------------------------------------------------------

int list_everything()
{
    for (auto const& test : all_tests()) {
        std::cout << test.file << "/" << test.name << ":";
        for (auto const& requirement : test.covers)
            std::cout << " " << requirement;
        std::cout << "\n";
    }
    for (auto const& requirement : all_requirements()) {
        std::cout << requirement.number << " (" << level_name(requirement.level) << ", " << requirement.section << ", since " << requirement.since
                  << "): " << requirement.text << "\n";
        if (!requirement.no_test.empty())
            std::cout << "    not testable from outside: " << requirement.no_test << "\n";
    }
    return 0;
}

// The table and the tests must name the same numbers, or the table lies.
bool table_is_consistent()
{
    bool good = true;
    std::vector<std::string> covered;
    for (auto const& test : all_tests()) {
        for (auto const& number : test.covers) {
            covered.push_back(number);
            auto const* requirement = find_requirement(number);
            if (requirement == nullptr || !requirement->no_test.empty()) {
                std::cerr << test.name << " covers " << number << ", which is " << (requirement ? "marked as not testable" : "not in the table")
                          << "\n";
                good = false;
            }
        }
    }
    for (auto const& requirement : all_requirements()) {
        if (requirement.no_test.empty() && std::find(covered.begin(), covered.end(), requirement.number) == covered.end()) {
            std::cerr << requirement.number << " has no test\n";
            good = false;
        }
    }
    return good;
}

int render(std::vector<std::string> const& files)
{
    std::vector<Json> runs;
    for (auto const& file : files) {
        auto run = parse_json(read_file(file));
        if (!run.is_object()) {
            std::cerr << "oci-conformance: " << file << " is not the JSON of a run\n";
            return 2;
        }
        runs.push_back(run);
    }
    std::cout << render_markdown(runs);
    return 0;
}

bool make_folder(Settings& settings)
{
    char name[] = "/tmp/oci-conformance-XXXXXX";
    if (mkdtemp(name) == nullptr)
        return false;
    settings.folder = name;
    settings.mark = "oct" + std::to_string(getpid());
    std::error_code error;
    std::filesystem::permissions(name, std::filesystem::perms(0755), error);
    // Copies on one file system, so that every bundle can hold a link to them.
    for (auto* program : { &settings.guest, &settings.busybox }) {
        auto copy = settings.folder + "/" + std::filesystem::path(*program).filename().string();
        if (!std::filesystem::copy_file(*program, copy, error)) {
            std::cerr << "oci-conformance: cannot copy " << *program << ": " << error.message() << "\n";
            return false;
        }
        std::filesystem::permissions(copy, std::filesystem::perms(0755), error);
        *program = copy;
    }
    return true;
}

void clean_up(Settings const& settings, bool keep)
{
    remove_cgroups_named(settings.mark);
    std::error_code error;
    if (!keep)
        std::filesystem::remove_all(settings.folder, error);
    else
        std::cerr << "kept " << settings.folder << "\n";
}

int judge(Options const& options)
{
    Settings settings {
        .runtime = options.runtime, .runtime_arguments = options.runtime_arguments, .guest = options.guest, .busybox = options.busybox
    };
    if (settings.runtime.find('/') != std::string::npos)
        settings.runtime = std::filesystem::absolute(settings.runtime).string();
    if (geteuid() != 0) {
        std::cerr << "oci-conformance: needs root: it makes namespaces, mounts and control groups\n";
        return 2;
    }
    if (!run_program({ .arguments = { settings.runtime, "--version" } }).ok() || !make_folder(settings)) {
        std::cerr << "oci-conformance: cannot run \"" << settings.runtime << " --version\"; name a runtime with RUNTIME= or --runtime\n";
        return 2;
    }
    ask_version(settings);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    std::vector<TestCase const*> chosen;
    for (auto const& test : all_tests()) {
        if (is_chosen(test, options.filter))
            chosen.push_back(&test);
    }
    Report report(settings);
    run_tests(settings, chosen, options, report);
    auto results = report.results(!options.filter.empty());
    auto json = report.as_json(results);
    if (options.markdown)
        std::cout << render_markdown({ json });
    else
        print_tap(std::cout, results);
    if (!options.json_file.empty() && !write_file(options.json_file, json.dump(1) + "\n"))
        std::cerr << "oci-conformance: cannot write " << options.json_file << "\n";
    clean_up(settings, options.keep);
    auto counts = count(results);
    std::cout << counts.passed << " passed, " << counts.failed << " failed, " << counts.skipped << " skipped\n";
    return counts.failed == 0 ? 0 : 1;
}

int run(int argc, char** argv)
{
    Options options;
    if (!parse_options(argc, argv, options)) {
        std::cerr << usage;
        return 2;
    }
    if (options.list)
        return table_is_consistent() ? list_everything() : 2;
    if (!options.render.empty())
        return render(options.render);
    if (options.runtime.empty()) {
        std::cerr << usage;
        return 2;
    }
    return judge(options);
}

} // namespace
} // namespace conformance

int main(int argc, char** argv)
{
    return conformance::run(argc, argv);
}
