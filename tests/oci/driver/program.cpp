#include "driver/program.h"

#include "driver/host.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>

extern char** environ;

namespace conformance {

std::string read_file(std::string const& path)
{
    std::ifstream file(path, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

bool write_file(std::string const& path, std::string_view text)
{
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file.write(text.data(), static_cast<std::streamsize>(text.size()));
    file.close();
    return !file.fail();
}

std::string trimmed(std::string text)
{
    auto start = text.find_first_not_of(" \t\r\n");
    if (start == std::string::npos)
        return "";
    auto end = text.find_last_not_of(" \t\r\n");
    return text.substr(start, end - start + 1);
}

std::string one_line(std::string text, std::size_t limit)
{
    text = trimmed(std::move(text));
    for (auto& letter : text) {
        if (static_cast<unsigned char>(letter) < ' ')
            letter = ' ';
    }
    if (text.size() > limit)
        text = "..." + text.substr(text.size() - limit);
    return text;
}

void short_sleep()
{
    // A subreaper reaps: a zombie in a pid namespace would keep that namespace's first process from ending.
    while (waitpid(-1, nullptr, WNOHANG) > 0) { }
    usleep(5'000);
}

std::string Finished::describe() const
{
    std::string how = timed_out ? "did not end in time"
        : signalled             ? "was killed by signal " + std::to_string(status - 128)
                                : "exit status " + std::to_string(status);
    auto text = one_line(errors.empty() ? output : errors);
    return text.empty() ? how : how + ": " + text;
}

namespace {

int temporary_file()
{
    char name[] = "/tmp/oci-output-XXXXXX";
    int fd = mkostemp(name, O_CLOEXEC);
    if (fd >= 0)
        unlink(name);
    return fd;
}

int open_output(std::string const& path)
{
    return path.empty() ? temporary_file() : open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
}

std::string all_of(int fd)
{
    std::string text;
    char buffer[16384];
    off_t offset = 0;
    ssize_t got = 0;
    while ((got = pread(fd, buffer, sizeof(buffer), offset)) > 0) {
        text.append(buffer, static_cast<std::size_t>(got));
        offset += got;
    }
    return text;
}

[[noreturn]] void become(Program const& program, int input, int output, int errors)
{
    setpgid(0, 0);
    std::vector<int> kept;
    for (int fd : program.descriptors)
        kept.push_back(fcntl(fd, F_DUPFD, 200));
    dup2(input, 0);
    dup2(output, 1);
    dup2(errors, 2);
    for (std::size_t index = 0; index < kept.size(); ++index)
        dup2(kept[index], 3 + static_cast<int>(index));
    syscall(SYS_close_range, 3U + static_cast<unsigned>(kept.size()), ~0U, 0U);
    if (!program.directory.empty() && chdir(program.directory.c_str()) != 0)
        _exit(126);
    for (auto const& entry : program.environment)
        putenv(const_cast<char*>(entry.c_str()));
    // sd_listen_fds(3): descriptors are meant for the process of this number only.
    if (std::getenv("LISTEN_FDS") != nullptr)
        setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
    std::vector<char*> arguments;
    for (auto const& argument : program.arguments)
        arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    signal(SIGPIPE, SIG_DFL);
    execvp(arguments[0], arguments.data());
    dprintf(2, "cannot start %s\n", arguments[0]);
    _exit(127);
}

// Waits for the program and meanwhile reaps every other child: orphans of containers, without which their namespaces cannot end.
bool ends_in_time(int handle, pid_t child, std::chrono::milliseconds limit)
{
    auto end = std::chrono::steady_clock::now() + limit;
    pollfd waiting { handle, POLLIN, 0 };
    while (poll(&waiting, 1, 100) == 0) {
        if (std::chrono::steady_clock::now() > end)
            return false;
        for (int other : children_of(getpid())) {
            if (other != child)
                waitpid(other, nullptr, WNOHANG);
        }
    }
    return true;
}

} // namespace

Finished run_program(Program const& program)
{
    Finished result;
    int input = program.input.empty() ? open("/dev/null", O_RDONLY | O_CLOEXEC) : temporary_file();
    if (!program.input.empty() && pwrite(input, program.input.data(), program.input.size(), 0) < 0)
        result.errors = "cannot write the input";
    int output = open_output(program.output_path);
    int errors = open_output(program.error_path);
    pid_t child = fork();
    if (child == 0)
        become(program, input, output, errors);
    setpgid(child, child);
    int handle = static_cast<int>(syscall(SYS_pidfd_open, child, 0));
    if (!ends_in_time(handle, child, program.limit)) {
        result.timed_out = true;
        kill(-child, SIGKILL);
        kill(child, SIGKILL);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) { }
    result.signalled = WIFSIGNALED(status);
    result.status = result.signalled ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    result.output = all_of(output);
    result.errors += all_of(errors);
    for (int fd : { input, output, errors, handle })
        close(fd);
    return result;
}

} // namespace conformance
