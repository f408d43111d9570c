// One tiny static program in four roles: what the measured containers run ("true" and "wait"), who measures a runtime
// ("measure": a process with next to no memory of its own, since a child's peak starts with that of who forked it), and
// the least a container costs ("floor": the same kernel work by a straight list of calls).
#include "base/raw_calls.h"
#include "bench/program/report.h"

#include <initializer_list>

#include <asm/signal.h>
#include <linux/fcntl.h>
#include <linux/mount.h>
#include <linux/prctl.h>
#include <linux/sched.h>

using namespace bulkhead::raw;
using namespace bulkhead::bench::program;

namespace {

bool same(char const* a, char const* b)
{
    while (*a && *a == *b) {
        ++a;
        ++b;
    }
    return *a == *b;
}

int number_in(char const* text)
{
    int number = 0;
    for (; *text >= '0' && *text <= '9'; ++text)
        number = number * 10 + (*text - '0');
    return number;
}

struct TimeSpec {
    std::int64_t seconds;
    std::int64_t nanoseconds;
};

struct ResourceUsage { // struct rusage of a 64-bit kernel
    std::int64_t user_seconds;
    std::int64_t user_microseconds;
    std::int64_t system_seconds;
    std::int64_t system_microseconds;
    std::int64_t peak_kibibytes;
    std::int64_t others[13];
};

std::int64_t now()
{
    TimeSpec time {};
    system_call(__NR_clock_gettime, 1 /* CLOCK_MONOTONIC */, address(&time));
    return time.seconds * 1000000000 + time.nanoseconds;
}

long fork_process()
{
    return system_call(__NR_clone, SIGCHLD);
}

// measure REPORT-FD PROGRAM ARGUMENTS...
int measure(char** arguments, char** environment)
{
    int report_fd = number_in(arguments[0]);
    auto begin = now();
    auto child = fork_process();
    if (child == 0) {
        system_call(__NR_close, report_fd);
        system_call(__NR_execve, address(arguments[1]), address(arguments + 1), address(environment));
        leave(127);
    }
    int status = 0;
    ResourceUsage usage {};
    system_call(__NR_wait4, child, address(&status), 0, address(&usage));
    Report report {};
    report.wall_nanoseconds = now() - begin;
    report.user_microseconds = usage.user_seconds * 1000000 + usage.user_microseconds;
    report.system_microseconds = usage.system_seconds * 1000000 + usage.system_microseconds;
    report.peak_kibibytes = usage.peak_kibibytes;
    report.wait_status = status;
    system_call(__NR_write, report_fd, address(&report), sizeof report);
    return 0;
}

// A path put together in place.
class Path {
public:
    Path(char const* first, char const* second)
    {
        add(first);
        add(second);
    }
    Path& add(char const* text)
    {
        while (*text && m_length + 1 < sizeof m_text)
            m_text[m_length++] = *text++;
        m_text[m_length] = '\0';
        return *this;
    }
    long get() const { return address(m_text); }

private:
    char m_text[512] {};
    std::size_t m_length = 0;
};

constexpr char const* group_name = "/bulkhead-bench-floor";

long mount_call(char const* source, long target, char const* type, long flags, char const* data = nullptr)
{
    return system_call(__NR_mount, address(source), target, address(type), flags, address(data));
}

constexpr long ms_rdonly = 1, ms_nosuid = 2, ms_nodev = 4, ms_noexec = 8, ms_remount = 32, ms_bind = 4096, ms_rec = 16384, ms_private = 1 << 18;
constexpr long quiet = ms_nosuid | ms_nodev | ms_noexec;

void make_directory(long path)
{
    system_call(__NR_mkdirat, AT_FDCWD, path, 0755);
}

struct Node {
    char const* name;
    int major;
    int minor;
};

void fill_dev(char const* root)
{
    constexpr Node nodes[] = { { "/dev/null", 1, 3 }, { "/dev/zero", 1, 5 }, { "/dev/full", 1, 7 }, { "/dev/random", 1, 8 }, { "/dev/urandom", 1, 9 },
        { "/dev/tty", 5, 0 } };
    for (auto const& node : nodes)
        system_call(__NR_mknodat, AT_FDCWD, Path(root, node.name).get(), 0020666, (node.major << 8) | node.minor);
    constexpr char const* links[][2] = { { "/proc/self/fd", "/dev/fd" }, { "/proc/self/fd/0", "/dev/stdin" }, { "/proc/self/fd/1", "/dev/stdout" },
        { "/proc/self/fd/2", "/dev/stderr" }, { "/proc/kcore", "/dev/core" }, { "pts/ptmx", "/dev/ptmx" } };
    for (auto const& link : links)
        system_call(__NR_symlinkat, address(link[0]), AT_FDCWD, Path(root, link[1]).get());
}

void mount_everything(char const* root, char** groups)
{
    mount_call(nullptr, address("/"), nullptr, ms_rec | ms_private);
    mount_call(root, address(root), nullptr, ms_bind | ms_rec);
    mount_call("proc", Path(root, "/proc").get(), "proc", quiet);
    mount_call("tmpfs", Path(root, "/dev").get(), "tmpfs", ms_nosuid, "mode=755,size=65536k");
    for (auto const* name : { "/dev/pts", "/dev/shm", "/dev/mqueue" })
        make_directory(Path(root, name).get());
    mount_call("devpts", Path(root, "/dev/pts").get(), "devpts", ms_nosuid | ms_noexec, "newinstance,ptmxmode=0666,mode=0620,gid=5");
    mount_call("shm", Path(root, "/dev/shm").get(), "tmpfs", quiet, "mode=1777,size=65536k");
    mount_call("mqueue", Path(root, "/dev/mqueue").get(), "mqueue", quiet);
    mount_call("sysfs", Path(root, "/sys").get(), "sysfs", quiet | ms_rdonly);
    Path control(root, "/sys/fs/cgroup");
    mount_call("tmpfs", control.get(), "tmpfs", quiet, "mode=755");
    char name[3] = { '/', 'a', '\0' };
    for (; *groups; ++groups, ++name[1]) {
        Path place(root, "/sys/fs/cgroup");
        place.add(name);
        make_directory(place.get());
        mount_call(*groups, place.get(), nullptr, ms_bind);
    }
    mount_call(nullptr, control.get(), nullptr, ms_bind | ms_remount | quiet | ms_rdonly);
    fill_dev(root);
}

void hide_paths()
{
    for (auto const* path : { "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/sched_debug" })
        mount_call("/dev/null", address(path), nullptr, ms_bind);
    for (auto const* path : { "/proc/acpi", "/proc/scsi", "/proc/asound", "/sys/firmware" })
        mount_call("tmpfs", address(path), "tmpfs", ms_rdonly);
    for (auto const* path : { "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger" }) {
        mount_call(path, address(path), nullptr, ms_bind | ms_rec);
        mount_call(nullptr, address(path), nullptr, ms_bind | ms_remount | quiet | ms_rdonly);
    }
}

void enter_groups(char** groups)
{
    for (; *groups; ++groups) {
        auto fd = system_call(__NR_openat, AT_FDCWD, Path(*groups, group_name).add("/tasks").get(), O_WRONLY | O_CLOEXEC);
        if (fd < 0)
            fd = system_call(__NR_openat, AT_FDCWD, Path(*groups, group_name).add("/cgroup.procs").get(), O_WRONLY | O_CLOEXEC);
        system_call(__NR_write, fd, address("0"), 1);
        system_call(__NR_close, fd);
    }
}

[[noreturn]] void be_container(char const* root, char** groups, char** environment)
{
    enter_groups(groups);
    system_call(__NR_unshare, CLONE_NEWCGROUP);
    system_call(__NR_setsid);
    mount_everything(root, groups);
    system_call(__NR_sethostname, address("bench"), 5);
    system_call(__NR_chdir, address(root));
    if (system_call(__NR_pivot_root, address("."), address(".")) < 0)
        leave(126);
    system_call(__NR_umount2, address("."), 2 /* MNT_DETACH */);
    system_call(__NR_chdir, address("/"));
    hide_paths();
    system_call(__NR_prctl, PR_SET_NO_NEW_PRIVS, 1);
    char const* arguments[] = { "/bin/true", nullptr };
    system_call(__NR_execve, address(arguments[0]), address(arguments), address(environment));
    leave(127);
}

// floor ROOT GROUP...
int floor_of_kernel_work(char** arguments, char** environment)
{
    auto* groups = arguments + 1;
    for (auto** group = groups; *group; ++group)
        make_directory(Path(*group, group_name).get());
    clone_args request {};
    request.flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET;
    request.exit_signal = SIGCHLD;
    auto child = system_call(__NR_clone3, address(&request), sizeof request);
    if (child == 0)
        be_container(arguments[0], groups, environment);
    int status = -1;
    system_call(__NR_wait4, child, address(&status));
    for (auto** group = groups; *group; ++group)
        system_call(__NR_unlinkat, AT_FDCWD, Path(*group, group_name).get(), AT_REMOVEDIR);
    return status == 0 ? 0 : 1;
}

} // namespace

extern "C" [[noreturn]] void program_main(long const* stack)
{
    auto count = stack[0];
    auto** arguments = reinterpret_cast<char**>(const_cast<long*>(stack) + 1);
    auto** environment = arguments + count + 1;
    if (count > 1 && same(arguments[1], "wait"))
        for (;;)
            system_call(__NR_ppoll, 0, 0, 0, 0);
    if (count > 3 && same(arguments[1], "measure"))
        leave(measure(arguments + 2, environment));
    if (count > 2 && same(arguments[1], "floor"))
        leave(floor_of_kernel_work(arguments + 2, environment));
    leave(0);
}

#if defined(__x86_64__)
__asm__(".global _start\n_start:\n xor %ebp, %ebp\n mov %rsp, %rdi\n and $-16, %rsp\n call program_main\n hlt\n");
#elif defined(__aarch64__)
__asm__(".global _start\n_start:\n mov x29, #0\n mov x30, #0\n mov x0, sp\n bl program_main\n");
#endif

// The compiler may still ask for these.
extern "C" void* memcpy(void* to, void const* from, std::size_t count)
{
    for (std::size_t index = 0; index < count; ++index)
        static_cast<unsigned char volatile*>(to)[index] = static_cast<unsigned char const*>(from)[index];
    return to;
}
extern "C" void* memset(void* to, int value, std::size_t count)
{
    for (std::size_t index = 0; index < count; ++index)
        static_cast<unsigned char volatile*>(to)[index] = static_cast<unsigned char>(value);
    return to;
}
