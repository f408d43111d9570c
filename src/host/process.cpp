#include "host/process.h"
#include "base/text.h"

#include <csignal>
#include <cstdlib>

#include <linux/close_range.h>
#include <linux/sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bulkhead::host {

SysResult<Cloned> clone_process(CloneRequest const& request)
{
    int pidfd = -1;
    clone_args arguments {};
    arguments.flags = request.flags | CLONE_PIDFD;
    arguments.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
    // With CLONE_PARENT the caller's own exit signal is inherited and none may be given (clone(2)).
    arguments.exit_signal = (request.flags & CLONE_PARENT) ? 0 : SIGCHLD;
    if (request.into_cgroup.is_open()) {
        arguments.flags |= CLONE_INTO_CGROUP;
        arguments.cgroup = static_cast<std::uint64_t>(request.into_cgroup.fd());
    }
    auto pid = ::syscall(SYS_clone3, &arguments, sizeof arguments);
    if (pid < 0)
        return last_errno();
    if (pid == 0)
        return Cloned { .pid = 0, .pidfd = File() };
    return Cloned { .pid = static_cast<pid_t>(pid), .pidfd = File(pidfd) };
}

SysResult<File> open_pidfd(pid_t pid)
{
    auto fd = ::syscall(SYS_pidfd_open, pid, 0);
    if (fd < 0)
        return last_errno();
    return File(static_cast<int>(fd));
}

SysResult<Unit> signal_pidfd(FileView pidfd, int signal)
{
    if (::syscall(SYS_pidfd_send_signal, pidfd.fd(), signal, nullptr, 0) < 0)
        return last_errno();
    return ok();
}

SysResult<File> take_descriptor(FileView pidfd, int number)
{
    auto fd = ::syscall(SYS_pidfd_getfd, pidfd.fd(), number, 0);
    if (fd < 0)
        return last_errno();
    return File(static_cast<int>(fd));
}

SysResult<std::uint64_t> process_start_time(pid_t pid)
{
    auto text = TRY(read_file_at(FileView::current_directory(), "/proc/" + std::to_string(pid) + "/stat", 4096));
    // "PID (NAME) STATE PPID ...": the name may hold anything, so count from the last parenthesis.
    auto end_of_name = text.rfind(')');
    if (end_of_name == std::string::npos || end_of_name + 2 >= text.size())
        return Errno::inval;
    auto fields = split(std::string_view(text).substr(end_of_name + 2), ' ');
    if (fields.size() < 20 || fields[0].empty())
        return Errno::inval;
    if (fields[0][0] == 'Z' || fields[0][0] == 'X')
        return Errno::srch;
    auto start = parse_number<std::uint64_t>(fields[19]);
    if (!start)
        return Errno::inval;
    return *start;
}

bool is_alive(pid_t pid, std::uint64_t start_time)
{
    if (pid <= 0)
        return false;
    auto now = process_start_time(pid);
    return now.is_ok() && now.value() == start_time;
}

SysResult<int> wait_for_exit(pid_t pid)
{
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return last_errno();
    }
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

SysResult<Unit> close_on_exec_from(unsigned first)
{
    if (::close_range(first, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
        return ok();
    auto limit = ::sysconf(_SC_OPEN_MAX);
    for (int fd = static_cast<int>(first); fd < limit; ++fd) {
        auto flags = ::fcntl(fd, F_GETFD);
        if (flags >= 0)
            ::fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
    }
    return ok();
}

SysResult<Unit> keep_on_exec(FileView file)
{
    auto flags = ::fcntl(file.fd(), F_GETFD);
    if (flags < 0 || ::fcntl(file.fd(), F_SETFD, flags & ~FD_CLOEXEC) < 0)
        return last_errno();
    return ok();
}

unsigned last_capability()
{
    static unsigned const last = [] {
        unsigned number = 0;
        while (number < 63 && ::prctl(PR_CAPBSET_READ, number + 1, 0, 0, 0) >= 0)
            ++number;
        return number;
    }();
    return last;
}

} // namespace bulkhead::host
