#include "guest/probes.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace guest {

namespace {

using Words = std::vector<std::string>;

// At most `count` parts; the last one keeps its colons.
Words split(std::string_view text, std::size_t count)
{
    Words words;
    while (words.size() + 1 < count) {
        auto colon = text.find(':');
        if (colon == std::string_view::npos)
            break;
        words.emplace_back(text.substr(0, colon));
        text.remove_prefix(colon + 1);
    }
    words.emplace_back(text);
    while (words.size() < count)
        words.emplace_back();
    return words;
}

Json outcome(bool ok)
{
    return { { "ok", ok }, { "errno", ok ? 0 : errno } };
}

// open:r|w|rw:PATH also reads one byte (or one directory entry), because a masked file opens and a masked folder is empty.
Json open_probe(Words const& words)
{
    int flags = words[1] == "r" ? O_RDONLY : words[1] == "w" ? O_WRONLY : O_RDWR;
    int fd = open(words[2].c_str(), flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    Json result = outcome(fd >= 0);
    if (fd >= 0 && flags != O_WRONLY) {
        char byte = 0;
        result["bytes"] = read(fd, &byte, 1);
    }
    if (fd >= 0)
        close(fd);
    return result;
}

Json write_probe(Words const& words, int flags)
{
    int fd = open(words[1].c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY | flags, 0666);
    if (fd < 0)
        return outcome(false);
    auto text = words[2];
    if (flags & O_APPEND)
        text += "\n";
    auto done = write(fd, text.data(), text.size());
    Json result = outcome(done == static_cast<ssize_t>(text.size()));
    close(fd);
    return result;
}

Json read_probe(Words const& words)
{
    int fd = open(words[1].c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return outcome(false);
    std::string text(8192, '\0');
    auto got = read(fd, text.data(), text.size());
    Json result = outcome(got >= 0);
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    result["text"] = text;
    close(fd);
    return result;
}

Json list_probe(Words const& words)
{
    DIR* folder = opendir(words[1].c_str());
    if (folder == nullptr)
        return outcome(false);
    Json names = Json::array();
    while (auto* entry = readdir(folder)) {
        if (std::string_view(entry->d_name) != "." && std::string_view(entry->d_name) != "..")
            names.push_back(entry->d_name);
    }
    closedir(folder);
    Json result = outcome(true);
    result["names"] = names;
    return result;
}

Json stat_probe(Words const& words)
{
    struct stat facts { };
    Json result = outcome(lstat(words[1].c_str(), &facts) == 0);
    if (!result["ok"].get<bool>())
        return result;
    auto kind = facts.st_mode & S_IFMT;
    result["type"] = kind == S_IFCHR ? "c" : kind == S_IFBLK ? "b" : kind == S_IFIFO ? "p" : kind == S_IFDIR ? "d" : kind == S_IFLNK ? "l" : "f";
    result["mode"] = facts.st_mode & 07777;
    result["uid"] = facts.st_uid;
    result["gid"] = facts.st_gid;
    result["major"] = major(facts.st_rdev);
    result["minor"] = minor(facts.st_rdev);
    result["device"] = facts.st_dev;
    result["inode"] = facts.st_ino;
    if (kind == S_IFLNK) {
        char target[PATH_MAX] = {};
        if (readlink(words[1].c_str(), target, sizeof(target) - 1) >= 0)
            result["target"] = target;
    }
    return result;
}

// mknod:PATH:c|b:MAJOR:MINOR
Json mknod_probe(Words const& words)
{
    auto kind = words[2] == "b" ? S_IFBLK : S_IFCHR;
    auto device = makedev(std::strtoul(words[3].c_str(), nullptr, 10), std::strtoul(words[4].c_str(), nullptr, 10));
    return outcome(mknod(words[1].c_str(), static_cast<mode_t>(kind | 0600), device) == 0);
}

long do_call(Words const& words)
{
    auto value = [&](std::size_t index) { return std::strtoul(words[index].c_str(), nullptr, 0); };
    return syscall(static_cast<long>(value(1)), value(2), value(3), value(4), value(5));
}

// call:NUMBER:A:B:C:D in this process.
Json call_probe(Words const& words)
{
    errno = 0;
    auto value = do_call(words);
    Json result = outcome(value != -1);
    result["value"] = value;
    return result;
}

Json describe_child(int status)
{
    Json result = { { "ok", WIFEXITED(status) && WEXITSTATUS(status) == 0 }, { "errno", 0 } };
    if (WIFEXITED(status))
        result["exit"] = WEXITSTATUS(status);
    if (WIFSIGNALED(status))
        result["signal"] = WTERMSIG(status);
    return result;
}

// In a child: `exit` is the errno of the call (0 when it succeeded), `signal` what killed it.
template <typename Function> Json in_child(Function function)
{
    pid_t child = fork();
    if (child < 0)
        return outcome(false);
    if (child == 0)
        _exit(function());
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) { }
    return describe_child(status);
}

Json call_in_child_probe(Words const& words)
{
    return in_child([&] { return do_call(words) == -1 ? errno : 0; });
}

struct ThreadCall {
    Words const* words;
    bool returned = false;
};

// callthread:NUMBER...: the call is made in a second thread of a child; `exit` 0: the thread died alone, 1: it returned.
Json call_in_thread_probe(Words const& words)
{
    return in_child([&] {
        ThreadCall call { &words };
        pthread_t thread {};
        auto body = [](void* argument) -> void* {
            auto* mine = static_cast<ThreadCall*>(argument);
            do_call(*mine->words);
            mine->returned = true;
            return nullptr;
        };
        if (pthread_create(&thread, nullptr, body, &call) != 0)
            return 2;
        pthread_join(thread, nullptr);
        return call.returned ? 1 : 0;
    });
}

// exec:PROGRAM[:ARGUMENT]: starts it in a child; `exit` 126 with the errno of execve in `errno`.
Json exec_probe(Words const& words)
{
    int channel[2];
    if (pipe2(channel, O_CLOEXEC) != 0)
        return outcome(false);
    Json result = in_child([&] {
        char* arguments[] = { const_cast<char*>(words[1].c_str()), words[2].empty() ? nullptr : const_cast<char*>(words[2].c_str()), nullptr };
        char* none[] = { nullptr };
        execve(words[1].c_str(), arguments, none);
        int code = errno;
        if (write(channel[1], &code, sizeof(code)) < 0)
            return 125;
        return 126;
    });
    close(channel[1]);
    int code = 0;
    if (read(channel[0], &code, sizeof(code)) == sizeof(code))
        result["errno"] = code;
    close(channel[0]);
    return result;
}

// memory:MEBIBYTES: touches that much in a child.
Json memory_probe(Words const& words)
{
    auto size = std::strtoul(words[1].c_str(), nullptr, 10) << 20;
    return in_child([&] {
        void* area = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (area == MAP_FAILED)
            return errno;
        std::memset(area, 1, size);
        return 0;
    });
}

// forks:N: how many children can live at once.
Json forks_probe(Words const& words)
{
    std::vector<pid_t> children;
    auto wanted = std::strtoul(words[1].c_str(), nullptr, 10);
    int code = 0;
    while (children.size() < wanted) {
        pid_t child = fork();
        if (child < 0) {
            code = errno;
            break;
        }
        if (child == 0) {
            pause();
            _exit(0);
        }
        children.push_back(child);
    }
    for (auto child : children) {
        kill(child, SIGKILL);
        waitpid(child, nullptr, 0);
    }
    return { { "ok", code == 0 }, { "errno", code }, { "count", children.size() } };
}

Json mount_probe(Words const& words)
{
    Json result = outcome(mount("probe", words[1].c_str(), "tmpfs", 0, "size=64k") == 0);
    if (result["ok"].get<bool>() && words[2] != "keep")
        umount2(words[1].c_str(), MNT_DETACH);
    return result;
}

Json bind_probe(Words const& words)
{
    Json result = outcome(mount(words[1].c_str(), words[2].c_str(), nullptr, MS_BIND, nullptr) == 0);
    if (result["ok"].get<bool>())
        umount2(words[2].c_str(), MNT_DETACH);
    return result;
}

Json wait_for_file_probe(Words const& words)
{
    for (int turn = 0; turn < 200; ++turn) {
        if (access(words[1].c_str(), F_OK) == 0)
            return outcome(true);
        usleep(20'000);
    }
    return outcome(false);
}

Json dispatch(std::string_view probe)
{
    auto kind = probe.substr(0, probe.find(':'));
    if (kind == "open")
        return open_probe(split(probe, 3));
    if (kind == "read")
        return read_probe(split(probe, 2));
    if (kind == "write")
        return write_probe(split(probe, 3), 0);
    if (kind == "create")
        return write_probe(split(probe, 3), O_CREAT | O_TRUNC);
    if (kind == "append")
        return write_probe(split(probe, 3), O_CREAT | O_APPEND);
    if (kind == "list")
        return list_probe(split(probe, 2));
    if (kind == "stat")
        return stat_probe(split(probe, 2));
    if (kind == "mkdir")
        return outcome(mkdir(split(probe, 2)[1].c_str(), 0755) == 0);
    if (kind == "chmod")
        return outcome(chmod(split(probe, 2)[1].c_str(), 0700) == 0);
    if (kind == "mknod")
        return mknod_probe(split(probe, 5));
    if (kind == "call")
        return call_probe(split(probe, 6));
    if (kind == "callchild")
        return call_in_child_probe(split(probe, 6));
    if (kind == "callthread")
        return call_in_thread_probe(split(probe, 6));
    if (kind == "exec")
        return exec_probe(split(probe, 3));
    if (kind == "memory")
        return memory_probe(split(probe, 2));
    if (kind == "forks")
        return forks_probe(split(probe, 2));
    if (kind == "mount")
        return mount_probe(split(probe, 3));
    if (kind == "bind")
        return bind_probe(split(probe, 3));
    if (kind == "wait")
        return wait_for_file_probe(split(probe, 2));
    return { { "ok", false }, { "errno", -1 }, { "unknown", true } };
}

} // namespace

Json run_probe(std::string_view probe)
{
    Json result = dispatch(probe);
    result["probe"] = probe;
    return result;
}

} // namespace guest
