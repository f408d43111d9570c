#include "bench/measure.h"

#include "base/text.h"
#include "bench/program/report.h"
#include "host/process.h"

#include <csignal>
#include <ctime>

#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace bulkhead::bench {

namespace {

volatile std::sig_atomic_t interrupted = 0;

extern "C" void note_interrupt(int)
{
    interrupted = 1;
}

// The last line that says something.
std::string last_words(Workspace const& workspace)
{
    auto text = read_file(workspace.errors(), 1 << 20);
    std::string words;
    if (text.is_ok())
        for (auto line : split(text.value(), '\n'))
            if (!trim(line).empty() && !trim(line).starts_with("try:"))
                words = std::string(trim(line));
    return words.substr(0, 300);
}

// In a child: the input is empty, the output goes nowhere, complaints go to a file.
void redirect(Workspace const& workspace)
{
    int nothing = ::open("/dev/null", O_RDWR);
    int errors = ::open(workspace.errors().c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::dup2(nothing, 0);
    ::dup2(nothing, 1);
    ::dup2(errors, 2);
    (void)host::close_on_exec_from(3);
    for (int number : { SIGINT, SIGTERM })
        ::signal(number, SIG_DFL);
}

[[noreturn]] void become(Command const& command)
{
    std::vector<char*> arguments;
    for (auto const& word : command)
        arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    ::execve(arguments[0], arguments.data(), environ);
    ::_exit(127);
}

// Reaps PID; others that end meanwhile (containers whose runtime is gone) are reaped, too.
int wait_for(pid_t pid)
{
    for (;;) {
        int status = 0;
        auto ended = ::waitpid(-1, &status, 0);
        if (ended == pid)
            return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
        if (ended < 0 && errno != EINTR)
            return 127;
    }
}

Error failure_of(Workspace const& workspace, Command const& command, int status)
{
    if (interrupted)
        return Error { .code = Errno::intr, .message = "interrupted" };
    auto words = last_words(workspace);
    std::string line;
    for (auto const& word : command)
        line += (line.empty() ? "" : " ") + word;
    return Error { .code = Errno::io, .message = "`" + line + "` ended with status " + std::to_string(status) + (words.empty() ? "" : ": " + words) };
}

double to_milliseconds(timespec const& from, timespec const& to)
{
    return static_cast<double>(to.tv_sec - from.tv_sec) * 1e3 + static_cast<double>(to.tv_nsec - from.tv_nsec) / 1e6;
}

int run_chain(std::vector<Command> const& chain)
{
    for (auto const& command : chain) {
        auto child = ::fork();
        if (child == 0)
            become(command);
        auto status = child < 0 ? 127 : wait_for(child);
        if (status != 0)
            return status;
    }
    return 0;
}

} // namespace

Result<Sample> measure(Workspace const& workspace, Command const& command)
{
    ::unlink(workspace.errors().c_str());
    int ends[2] {};
    if (::pipe2(ends, O_CLOEXEC) < 0)
        return Error::last("make a pipe");
    File reader(ends[0]);
    File writer(ends[1]);
    Command whole { workspace.program(), "measure", std::to_string(writer.fd()) };
    whole.insert(whole.end(), command.begin(), command.end());
    auto child = ::fork();
    if (child < 0)
        return Error::last("start a process");
    if (child == 0) {
        redirect(workspace);
        ::fcntl(writer.fd(), F_SETFD, 0);
        become(whole);
    }
    writer.close();
    program::Report report {};
    ssize_t count = 0;
    while ((count = ::read(reader.fd(), &report, sizeof report)) < 0 && errno == EINTR) { }
    auto status = wait_for(child);
    if (count == sizeof report && report.wait_status != 0)
        status = WIFSIGNALED(report.wait_status) ? 128 + WTERMSIG(report.wait_status) : WEXITSTATUS(report.wait_status);
    if (count != sizeof report || status != 0)
        return failure_of(workspace, command, status);
    if (interrupted)
        return failure_of(workspace, command, 0);
    return Sample { .wall_ms = static_cast<double>(report.wall_nanoseconds) / 1e6,
        .user_ms = static_cast<double>(report.user_microseconds) / 1e3,
        .system_ms = static_cast<double>(report.system_microseconds) / 1e3,
        .peak_kib = static_cast<double>(report.peak_kibibytes) };
}

Result<Unit> run(Workspace const& workspace, Command const& command)
{
    ::unlink(workspace.errors().c_str());
    auto child = ::fork();
    if (child < 0)
        return Error::last("start a process");
    if (child == 0) {
        redirect(workspace);
        become(command);
    }
    if (auto status = wait_for(child); status != 0)
        return failure_of(workspace, command, status);
    return ok();
}

Result<double> run_at_once(Workspace const& workspace, std::vector<std::vector<Command>> const& chains)
{
    ::unlink(workspace.errors().c_str());
    timespec begin {};
    timespec end {};
    ::clock_gettime(CLOCK_MONOTONIC, &begin);
    std::vector<pid_t> workers;
    for (auto const& chain : chains) {
        auto worker = ::fork();
        if (worker == 0) {
            redirect(workspace);
            ::_exit(run_chain(chain));
        }
        if (worker > 0)
            workers.push_back(worker);
    }
    int worst = workers.size() == chains.size() ? 0 : 127;
    std::size_t left = workers.size();
    while (left > 0) {
        int status = 0;
        auto ended = ::waitpid(-1, &status, 0);
        if (ended < 0 && errno != EINTR)
            break;
        for (auto& worker : workers) {
            if (worker != ended || ended <= 0)
                continue;
            worker = 0;
            --left;
            if (status != 0)
                worst = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
        }
    }
    ::clock_gettime(CLOCK_MONOTONIC, &end);
    if (worst != 0 || interrupted)
        return failure_of(workspace, chains.front().front(), worst);
    return to_milliseconds(begin, end);
}

void catch_interrupts()
{
    // Containers whose runtime has gone become our children: then their end can be waited for.
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    for (int number : { SIGINT, SIGTERM })
        ::signal(number, note_interrupt);
}

bool was_interrupted()
{
    return interrupted != 0;
}

} // namespace bulkhead::bench
