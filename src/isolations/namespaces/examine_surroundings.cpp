// Programs and services of the host that some features hand their work to.

#include "isolations/namespaces/examine.h"

#include "base/text.h"
#include "host/channel.h"
#include "host/hook_process.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace bulkhead::namespaces {

namespace {

bool exists(char const* path)
{
    struct stat status { };
    return ::stat(path, &status) == 0;
}

void examine_labels(Findings& findings)
{
    std::vector<std::string> found;
    auto apparmor = read_file("/sys/module/apparmor/parameters/enabled", 64);
    if (apparmor.is_ok() && trim(apparmor.value()) == "Y") {
        auto own = read_file("/proc/self/attr/apparmor/current", 4096);
        if (own.is_error())
            own = read_file("/proc/self/attr/current", 4096);
        found.push_back("AppArmor (this process: " + (own.is_ok() ? std::string(trim(own.value())) : "unknown") + ")");
    }
    auto enforce = read_file("/sys/fs/selinux/enforce", 64);
    if (enforce.is_ok())
        found.push_back(trim(enforce.value()) == "1" ? "SELinux (enforcing)" : "SELinux (permissive)");
    if (found.empty())
        findings.push_back(limited("security labels", "neither AppArmor nor SELinux is on",
            "nothing to do unless you rely on them; a config that asks for a label is refused"));
    else
        findings.push_back(fine("security labels", join(found, ", ")));
}

void examine_criu(Findings& findings)
{
    constexpr char const* subject = "checkpoint (criu)";
    auto end = host::run_program({ .path = "criu",
        .args = { "criu", "check" },
        .env = { "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
        .timeout_ms = 1000,
        .output_limit = 16384 });
    if (end.is_error()) {
        findings.push_back(limited(subject, "criu is not installed", "install criu 3.18 or newer for checkpoint and restore"));
        return;
    }
    if (end.value().succeeded()) {
        findings.push_back(fine(subject, "`criu check` is content"));
        return;
    }
    std::string reason;
    for (auto line : split(end.value().output, '\n'))
        if (reason.empty() && !trim(line).empty())
            reason = std::string(trim(line));
    findings.push_back(limited(subject, "`criu check`: " + end.value().description() + (reason.empty() ? "" : ": " + reason),
        "checkpoint and restore do not work; try a newer criu, and run as root"));
}

// The D-Bus handshake of a client: one line of authentication, which the bus answers with OK.
bool is_bus_answering(std::string const& path)
{
    auto socket = host::connect_unix(path);
    if (socket.is_error())
        return false;
    timeval limit { .tv_sec = 0, .tv_usec = 300 * 1000 };
    ::setsockopt(socket.value().fd(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    std::string hello("\0AUTH EXTERNAL ", 15);
    for (char digit : std::to_string(::geteuid())) {
        constexpr char const* digits = "0123456789abcdef";
        hello += digits[static_cast<unsigned char>(digit) >> 4];
        hello += digits[static_cast<unsigned char>(digit) & 15];
    }
    hello += "\r\n";
    if (::send(socket.value().fd(), hello.data(), hello.size(), MSG_NOSIGNAL) < 0)
        return false;
    char answer[2] {};
    return ::recv(socket.value().fd(), answer, sizeof answer, MSG_WAITALL) == 2 && answer[0] == 'O' && answer[1] == 'K';
}

void examine_systemd(TrialHost const& host, Findings& findings)
{
    constexpr char const* subject = "systemd";
    std::string bus = "/run/dbus/system_bus_socket";
    if (!host.is_privileged)
        bus = "/run/user/" + std::to_string(::geteuid()) + "/bus";
    else if (exists("/run/systemd/private"))
        bus = "/run/systemd/private";
    if (!exists("/run/systemd/system"))
        findings.push_back(limited(subject, "systemd is not running here", "--systemd-cgroup is refused; leave it out"));
    else if (is_bus_answering(bus))
        findings.push_back(fine(subject, "answers at " + bus));
    else
        findings.push_back(limited(subject, "runs, but does not answer at " + bus, "start D-Bus (package dbus), or leave --systemd-cgroup out"));
}

} // namespace

void examine_surroundings(TrialHost const& host, Findings& findings)
{
    examine_labels(findings);
    examine_criu(findings);
    examine_systemd(host, findings);
}

} // namespace bulkhead::namespaces
