#include "guest/facts.h"

#include <dirent.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <termios.h>
#include <unistd.h>

#include <climits>
#include <ctime>
#include <fstream>
#include <sstream>

extern char** environ;

namespace guest {

std::string whole_file(std::string const& path)
{
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

Json namespaces(std::string const& folder)
{
    Json result = Json::object();
    for (auto const* type : { "cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts" }) {
        struct stat facts { };
        if (stat((folder + type).c_str(), &facts) == 0)
            result[type] = facts.st_ino;
    }
    return result;
}

Json environment()
{
    Json result = Json::array();
    for (char** entry = environ; *entry != nullptr; ++entry)
        result.push_back(*entry);
    return result;
}

Json arguments(int argc, char** argv)
{
    Json result = Json::array();
    for (int index = 0; index < argc; ++index)
        result.push_back(argv[index]);
    return result;
}

std::string working_directory()
{
    char buffer[PATH_MAX];
    return getcwd(buffer, sizeof(buffer)) == nullptr ? "" : buffer;
}

Json identity_of(char const* path)
{
    struct stat facts { };
    if (stat(path, &facts) != 0)
        return nullptr;
    return { { "device", facts.st_dev }, { "inode", facts.st_ino } };
}

namespace {

Json ids()
{
    uid_t user[3] = {};
    gid_t group[3] = {};
    getresuid(&user[0], &user[1], &user[2]);
    getresgid(&group[0], &group[1], &group[2]);
    gid_t extra[256];
    int count = getgroups(256, extra);
    Json groups = Json::array();
    for (int index = 0; index < count; ++index)
        groups.push_back(extra[index]);
    auto mask = umask(0);
    umask(mask);
    return { { "uid", { user[0], user[1], user[2] } }, { "gid", { group[0], group[1], group[2] } }, { "groups", groups }, { "umask", mask },
        { "uid_map", whole_file("/proc/self/uid_map") }, { "gid_map", whole_file("/proc/self/gid_map") } };
}

// The Cap*, NoNewPrivs and Seccomp lines of /proc/self/status, as text.
Json status_lines()
{
    Json result = Json::object();
    std::ifstream file("/proc/self/status");
    for (std::string line; std::getline(file, line);) {
        auto colon = line.find(':');
        if (colon == std::string::npos)
            continue;
        auto start = line.find_first_not_of(" \t", colon + 1);
        result[line.substr(0, colon)] = start == std::string::npos ? "" : line.substr(start);
    }
    return result;
}

Json limits()
{
    static constexpr std::pair<char const*, int> kinds[] = { { "RLIMIT_AS", RLIMIT_AS }, { "RLIMIT_CORE", RLIMIT_CORE }, { "RLIMIT_CPU", RLIMIT_CPU },
        { "RLIMIT_DATA", RLIMIT_DATA }, { "RLIMIT_FSIZE", RLIMIT_FSIZE }, { "RLIMIT_LOCKS", RLIMIT_LOCKS }, { "RLIMIT_MEMLOCK", RLIMIT_MEMLOCK },
        { "RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE }, { "RLIMIT_NICE", RLIMIT_NICE }, { "RLIMIT_NOFILE", RLIMIT_NOFILE }, { "RLIMIT_NPROC", RLIMIT_NPROC },
        { "RLIMIT_RSS", RLIMIT_RSS }, { "RLIMIT_RTPRIO", RLIMIT_RTPRIO }, { "RLIMIT_RTTIME", RLIMIT_RTTIME },
        { "RLIMIT_SIGPENDING", RLIMIT_SIGPENDING }, { "RLIMIT_STACK", RLIMIT_STACK } };
    Json result = Json::object();
    for (auto [name, number] : kinds) {
        rlimit limit {};
        if (getrlimit(static_cast<__rlimit_resource_t>(number), &limit) == 0)
            result[name] = { { "soft", limit.rlim_cur }, { "hard", limit.rlim_max } };
    }
    return result;
}

Json mount_table()
{
    Json result = Json::array();
    std::ifstream file("/proc/self/mountinfo");
    for (std::string line; std::getline(file, line);) {
        std::istringstream words(line);
        std::string id, parent, device, root, target, options, word, type, source, super;
        words >> id >> parent >> device >> root >> target >> options;
        Json optional = Json::array();
        while (words >> word && word != "-")
            optional.push_back(word);
        words >> type >> source >> super;
        result.push_back({ { "id", id }, { "parent", parent }, { "root", root }, { "target", target }, { "options", options },
            { "optional", optional }, { "type", type }, { "source", source }, { "super", super } });
    }
    return result;
}

Json open_descriptors()
{
    Json result = Json::object();
    DIR* folder = opendir("/proc/self/fd");
    if (folder == nullptr)
        return result;
    while (auto* entry = readdir(folder)) {
        if (entry->d_name[0] == '.' || std::atoi(entry->d_name) == dirfd(folder))
            continue;
        char target[PATH_MAX] = {};
        auto path = std::string("/proc/self/fd/") + entry->d_name;
        if (readlink(path.c_str(), target, sizeof(target) - 1) >= 0)
            result[entry->d_name] = target;
    }
    closedir(folder);
    return result;
}

Json terminal()
{
    Json result = Json::array();
    for (int fd = 0; fd < 3; ++fd) {
        winsize size {};
        bool is_terminal = isatty(fd) != 0;
        if (is_terminal)
            ioctl(fd, TIOCGWINSZ, &size);
        struct stat facts { };
        fstat(fd, &facts);
        result.push_back({ { "tty", is_terminal }, { "rows", size.ws_row }, { "columns", size.ws_col }, { "device", facts.st_rdev },
            { "foreground", is_terminal ? tcgetpgrp(fd) : -1 } });
    }
    return result;
}

struct SchedAttributes {
    std::uint32_t size, policy;
    std::uint64_t flags;
    std::int32_t nice;
    std::uint32_t priority;
    std::uint64_t runtime, deadline, period;
};

Json scheduling()
{
    SchedAttributes attributes {};
    syscall(SYS_sched_getattr, 0, &attributes, sizeof(attributes), 0);
    auto io = syscall(SYS_ioprio_get, 1, 0);
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    sched_getaffinity(0, sizeof(cpus), &cpus);
    Json affinity = Json::array();
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
        if (CPU_ISSET(cpu, &cpus))
            affinity.push_back(cpu);
    }
    int mode = -1;
    unsigned long nodes[16] = {};
    syscall(SYS_get_mempolicy, &mode, nodes, sizeof(nodes) * 8, nullptr, 0);
    return { { "policy", attributes.policy }, { "nice", attributes.nice }, { "priority", attributes.priority }, { "flags", attributes.flags },
        { "io_class", io >> 13 }, { "io_priority", io & 0x1fff }, { "affinity", affinity }, { "memory_mode", mode }, { "memory_nodes", nodes[0] } };
}

Json network_devices()
{
    Json result = Json::object();
    ifaddrs* list = nullptr;
    if (getifaddrs(&list) != 0)
        return result;
    for (auto* entry = list; entry != nullptr; entry = entry->ifa_next) {
        auto& device = result[entry->ifa_name];
        device["up"] = (entry->ifa_flags & IFF_UP) != 0;
        if (entry->ifa_addr != nullptr && entry->ifa_addr->sa_family == AF_INET) {
            char text[INET_ADDRSTRLEN] = {};
            inet_ntop(AF_INET, &reinterpret_cast<sockaddr_in*>(static_cast<void*>(entry->ifa_addr))->sin_addr, text, sizeof(text));
            device["address"] = text;
        }
        ifreq request {};
        std::string(entry->ifa_name).copy(request.ifr_name, IFNAMSIZ - 1);
        int socket_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (ioctl(socket_fd, SIOCGIFMTU, &request) == 0)
            device["mtu"] = request.ifr_mtu;
        close(socket_fd);
    }
    freeifaddrs(list);
    return result;
}

Json clocks()
{
    timespec monotonic {}, boot {};
    clock_gettime(CLOCK_MONOTONIC, &monotonic);
    clock_gettime(CLOCK_BOOTTIME, &boot);
    return { { "monotonic", monotonic.tv_sec }, { "boottime", boot.tv_sec } };
}

} // namespace

Json all_facts(int argc, char** argv)
{
    utsname name {};
    uname(&name);
    Json facts = { { "pid", getpid() }, { "ppid", getppid() }, { "sid", getsid(0) }, { "pgrp", getpgrp() }, { "ids", ids() },
        { "cwd", working_directory() }, { "env", environment() }, { "args", arguments(argc, argv) }, { "status", status_lines() },
        { "rlimits", limits() }, { "hostname", name.nodename }, { "machine", name.machine }, { "ns", namespaces() }, { "mounts", mount_table() },
        { "fds", open_descriptors() }, { "terminal", terminal() }, { "sched", scheduling() }, { "network", network_devices() },
        { "clocks", clocks() }, { "oom_score_adj", whole_file("/proc/self/oom_score_adj") }, { "personality", personality(0xffffffff) },
        { "cgroup", whole_file("/proc/self/cgroup") }, { "keyring", whole_file("/proc/keys") } };
    facts["domainname"] = name.domainname;
    facts["comm"] = whole_file("/proc/self/comm");
    return facts;
}

} // namespace guest
