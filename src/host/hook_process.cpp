#include "host/hook_process.h"
#include "base/file.h"
#include "base/text.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <ctime>

#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bulkhead::host {

namespace {

struct Pipe {
    File reader;
    File writer;
};

SysResult<Pipe> make_pipe(int flags)
{
    std::array<int, 2> ends {};
    if (::pipe2(ends.data(), O_CLOEXEC | flags) < 0)
        return last_errno();
    return Pipe { File(ends[0]), File(ends[1]) };
}

// A memory file instead of a pipe: a program that never reads its input cannot block us, nor send us SIGPIPE.
SysResult<File> file_with(std::string_view text)
{
    File file(::memfd_create("input", MFD_CLOEXEC));
    if (!file.is_open())
        return last_errno();
    TRY(write_all(file, text));
    if (::lseek(file.fd(), 0, SEEK_SET) < 0)
        return last_errno();
    return file;
}

std::vector<char*> pointers_to(std::vector<std::string> const& texts)
{
    std::vector<char*> pointers;
    pointers.reserve(texts.size() + 1);
    for (auto const& text : texts)
        pointers.push_back(const_cast<char*>(text.c_str())); // execve(2) does not write to them
    pointers.push_back(nullptr);
    return pointers;
}

std::int64_t now_ms()
{
    std::timespec now {};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1000000;
}

struct Prepared {
    ProgramRun const& run;
    std::vector<char*> argv;
    std::vector<char*> envp;
    File input;
    Pipe output;
    Pipe failure; // carries the errno of a failed execve
};

// In the child: only async-signal-safe calls from here to execve.
[[noreturn]] void become(Prepared& prepared)
{
    ::dup2(prepared.input.fd(), 0);
    ::dup2(prepared.output.writer.fd(), 1);
    if (prepared.run.keep_errors)
        ::dup2(prepared.output.writer.fd(), 2);
    // Nothing that our caller left open without O_CLOEXEC is for the program.
    ::syscall(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */);
    for (int number = 1; number <= 64; ++number)
        ::signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    auto const& directory = prepared.run.working_directory;
    if (!directory.empty() && ::chdir(directory.c_str()) < 0 && ::chdir("/") < 0)
        ::_exit(126);
    if (prepared.run.path.find('/') != std::string::npos)
        ::execve(prepared.run.path.c_str(), prepared.argv.data(), prepared.envp.data());
    else
        ::execvpe(prepared.run.path.c_str(), prepared.argv.data(), prepared.envp.data());
    int reason = errno;
    (void)!::write(prepared.failure.writer.fd(), &reason, sizeof reason);
    ::_exit(127);
}

// Takes what is there; false at the end of the output.
bool take_output(FileView reader, std::size_t limit, ProgramEnd& end)
{
    std::array<char, 4096> chunk {};
    for (;;) {
        auto count = ::read(reader.fd(), chunk.data(), chunk.size());
        if (count < 0)
            return errno == EAGAIN || errno == EINTR;
        if (count == 0)
            return false;
        auto room = limit - end.output.size();
        end.output.append(chunk.data(), std::min(room, static_cast<std::size_t>(count)));
        end.output_was_cut |= static_cast<std::size_t>(count) > room;
    }
}

int wait_status(pid_t pid)
{
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) { }
    return status;
}

// The program's end decides, not the output's: a grandchild may keep the pipe open for ever.
ProgramEnd follow(pid_t pid, FileView reader, ProgramRun const& run)
{
    ProgramEnd end;
    File pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U)));
    auto deadline = run.timeout_ms ? now_ms() + *run.timeout_ms : 0;
    bool output_is_open = true;
    for (;;) {
        std::array<pollfd, 2> watched { pollfd { pidfd.fd(), POLLIN, 0 }, pollfd { output_is_open ? reader.fd() : -1, POLLIN, 0 } };
        auto wait = run.timeout_ms ? std::max<std::int64_t>(0, deadline - now_ms()) : -1;
        if (!pidfd.is_open())
            wait = wait < 0 ? 10 : std::min<std::int64_t>(wait, 10); // a kernel without pidfds is asked again and again
        auto ready = ::poll(watched.data(), watched.size(), static_cast<int>(std::min<std::int64_t>(wait, 1 << 30)));
        if (ready < 0 && errno != EINTR)
            break;
        if (output_is_open)
            output_is_open = take_output(reader, run.output_limit, end);
        siginfo_t info {};
        if (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid)
            break;
        if (run.timeout_ms && now_ms() >= deadline) {
            end.timed_out = true;
            ::kill(pid, SIGKILL);
            break;
        }
    }
    auto status = wait_status(pid);
    take_output(reader, run.output_limit, end);
    end.exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    end.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    return end;
}

} // namespace

std::string ProgramEnd::description() const
{
    if (timed_out)
        return "timed out";
    if (signal != 0)
        return "killed by signal " + std::to_string(signal);
    return "exit status " + std::to_string(exit_status);
}

Result<ProgramEnd> run_program(ProgramRun const& run)
{
    auto doing = [&] { return "run " + quoted(run.path); };
    auto args = run.args.empty() ? std::vector<std::string> { run.path } : run.args;
    auto input = TRY(file_with(run.input).or_error(doing()));
    auto output = TRY(make_pipe(0).or_error(doing()));
    auto failure = TRY(make_pipe(0).or_error(doing()));
    if (::fcntl(output.reader.fd(), F_SETFL, O_NONBLOCK) < 0)
        return Error::last(doing());
    Prepared prepared { .run = run,
        .argv = pointers_to(args),
        .envp = pointers_to(run.env),
        .input = std::move(input),
        .output = std::move(output),
        .failure = std::move(failure) };
    auto pid = ::fork();
    if (pid < 0)
        return Error::last(doing());
    if (pid == 0)
        become(prepared);
    prepared.output.writer.close();
    prepared.failure.writer.close();
    int reason = 0;
    ssize_t count = 0;
    while ((count = ::read(prepared.failure.reader.fd(), &reason, sizeof reason)) < 0 && errno == EINTR) { }
    if (count == sizeof reason) {
        wait_status(pid);
        return Error::from_errno(static_cast<Errno>(reason), doing());
    }
    return follow(pid, prepared.output.reader, run);
}

Result<Unit> run_hook(HookProgram const& hook, std::string_view state_json)
{
    ProgramRun run { .path = hook.path, .args = hook.args, .env = hook.env, .input = state_json, .working_directory = hook.working_directory };
    if (hook.timeout_seconds)
        run.timeout_ms = static_cast<std::int64_t>(*hook.timeout_seconds) * 1000;
    auto end = TRY(run_program(run));
    if (end.succeeded())
        return ok();
    auto said = std::string(trim(end.output));
    return Error { .code = end.timed_out ? Errno::timedout : Errno::io,
        .message = "run " + quoted(hook.path) + ": " + end.description()
            + (end.timed_out ? " after " + std::to_string(hook.timeout_seconds.value_or(0)) + " s" : "")
            + (said.empty() ? "" : ", output: " + quoted(said) + (end.output_was_cut ? " (cut)" : "")) };
}

} // namespace bulkhead::host
