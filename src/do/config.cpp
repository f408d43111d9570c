// The config.json of `bulkhead do`: Docker's defaults for capabilities and hidden paths, all namespaces, our own filter.

#include "base/json.h"
#include "base/text.h"
#include "do/default_profile.h"
#include "do/request.h"

#include <array>

namespace bulkhead::do_command {

namespace {

using Name = std::string_view;

constexpr std::array<Name, 14> capabilities { "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW", "CAP_SETGID",
    "CAP_SETUID", "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE" };
constexpr std::array<Name, 12> masked_paths { "/proc/asound", "/proc/acpi", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
    "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware", "/sys/devices/virtual/powercap" };
constexpr std::array<Name, 5> readonly_paths { "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger" };

void write_texts(JsonWriter& json, Name key, auto const& values)
{
    json.key(key).begin_array();
    for (auto const& value : values)
        json.value(Name(value));
    json.end_array();
}

void write_process(JsonWriter& json, Request const& request)
{
    json.key("process").begin_object();
    json.member("terminal", request.terminal);
    json.key("user").begin_object().member("uid", request.user.uid).member("gid", request.user.gid);
    if (!request.user.groups.empty()) {
        json.key("additionalGids").begin_array();
        for (auto gid : request.user.groups)
            json.value(gid);
        json.end_array();
    }
    json.end_object();
    write_texts(json, "args", request.command);
    write_texts(json, "env", request.environment);
    json.member("cwd", request.working_directory);
    json.key("capabilities").begin_object();
    write_texts(json, "bounding", capabilities);
    if (request.user.uid == 0) {
        write_texts(json, "effective", capabilities);
        write_texts(json, "permitted", capabilities);
    }
    json.end_object();
    json.member("noNewPrivileges", true);
    json.end_object();
}

void write_mount(JsonWriter& json, Name destination, Name type, Name source, Name options)
{
    json.begin_object().member("destination", destination).member("type", type).member("source", source);
    write_texts(json, "options", split(options, ','));
    json.end_object();
}

void write_mounts(JsonWriter& json, Request const& request)
{
    bool host_network = request.network == Network::host;
    json.key("mounts").begin_array();
    write_mount(json, "/proc", "proc", "proc", "nosuid,noexec,nodev");
    write_mount(json, "/dev", "tmpfs", "tmpfs", "nosuid,strictatime,mode=755,size=65536k");
    // Only mapped groups can own a terminal: rootless, gid 5 is nobody.
    write_mount(json, "/dev/pts", "devpts", "devpts",
        request.rootless ? "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620" : "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5");
    write_mount(json, "/dev/shm", "tmpfs", "shm", "nosuid,noexec,nodev,mode=1777");
    write_mount(json, "/dev/mqueue", "mqueue", "mqueue", "nosuid,noexec,nodev");
    // A sysfs shows the network namespace it is mounted in, and only its owner may mount it.
    if (host_network && request.rootless)
        write_mount(json, "/sys", "bind", "/sys", "rbind,rro,nosuid,noexec,nodev");
    else
        write_mount(json, "/sys", "sysfs", "sysfs", "nosuid,noexec,nodev,ro");
    if (!request.rootless)
        write_mount(json, "/sys/fs/cgroup", "cgroup", "cgroup", "nosuid,noexec,nodev,relatime,ro");
    for (auto const& path : request.readable)
        write_mount(json, path, "bind", path, "rbind,ro,nosuid,nodev,rprivate");
    for (auto const& path : request.writable)
        write_mount(json, path, "bind", path, "rbind,rw,nosuid,nodev,rprivate");
    json.end_array();
}

void write_mapping(JsonWriter& json, Name key)
{
    json.key(key).begin_array().begin_object();
    json.member("containerID", 0).member("hostID", 0).member("size", 1);
    json.end_object().end_array();
}

void write_linux(JsonWriter& json, Request const& request)
{
    json.key("linux").begin_object();
    json.key("namespaces").begin_array();
    for (Name type : { "mount", "pid", "ipc", "uts", "cgroup" })
        json.begin_object().member("type", type).end_object();
    if (request.network == Network::none)
        json.begin_object().member("type", "network").end_object();
    if (request.rootless)
        json.begin_object().member("type", "user").end_object();
    json.end_array();
    if (request.rootless) {
        write_mapping(json, "uidMappings");
        write_mapping(json, "gidMappings");
    }
    // A path of our own makes a missing control group an error where a limit depends on it.
    if (request.memory)
        json.member("cgroupsPath", "/bulkhead-" + request.id);
    json.key("resources").begin_object();
    json.key("devices").begin_array().begin_object().member("allow", false).member("access", "rwm").end_object().end_array();
    if (request.memory)
        json.key("memory").begin_object().member("limit", *request.memory).end_object();
    json.end_object();
    json.key("seccomp");
    write_default_profile(json);
    write_texts(json, "maskedPaths", masked_paths);
    write_texts(json, "readonlyPaths", readonly_paths);
    json.end_object();
}

} // namespace

std::string config_json(Request const& request)
{
    JsonWriter json;
    json.begin_object().member("ociVersion", "1.2.0");
    write_process(json, request);
    json.key("root").begin_object().member("path", request.root).member("readonly", false).end_object();
    json.member("hostname", "bulkhead");
    write_mounts(json, request);
    write_linux(json, request);
    json.end_object();
    return json.text();
}

} // namespace bulkhead::do_command
