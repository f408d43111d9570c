// The configuration that is measured.

#include "base/json.h"
#include "base/text.h"
#include "bench/workspace.h"
#include "do/default_profile.h"

#include <array>

namespace bulkhead::bench {

namespace {

using Name = std::string_view;

constexpr std::array<Name, 14> capabilities { "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW", "CAP_SETGID",
    "CAP_SETUID", "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE" };
constexpr std::array<Name, 10> masked_paths { "/proc/asound", "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
    "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware" };
constexpr std::array<Name, 5> readonly_paths { "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger" };

void write_texts(JsonWriter& json, Name key, auto const& values)
{
    json.key(key).begin_array();
    for (auto const& value : values)
        json.value(Name(value));
    json.end_array();
}

void write_mount(JsonWriter& json, Name destination, Name type, Name source, Name options)
{
    json.begin_object().member("destination", destination).member("type", type).member("source", source);
    write_texts(json, "options", split(options, ','));
    json.end_object();
}

void write_mounts(JsonWriter& json, std::string const& bound_file)
{
    json.key("mounts").begin_array();
    write_mount(json, "/proc", "proc", "proc", "nosuid,noexec,nodev");
    write_mount(json, "/dev", "tmpfs", "tmpfs", "nosuid,strictatime,mode=755,size=65536k");
    write_mount(json, "/dev/pts", "devpts", "devpts", "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5");
    write_mount(json, "/sys", "sysfs", "sysfs", "nosuid,noexec,nodev,ro");
    write_mount(json, "/sys/fs/cgroup", "cgroup", "cgroup", "ro,nosuid,noexec,nodev");
    write_mount(json, "/dev/mqueue", "mqueue", "mqueue", "nosuid,noexec,nodev");
    write_mount(json, "/dev/shm", "tmpfs", "shm", "nosuid,noexec,nodev,mode=1777,size=67108864");
    for (Name file : { "/etc/resolv.conf", "/etc/hostname", "/etc/hosts" })
        write_mount(json, file, "bind", bound_file, "rbind,rprivate");
    json.end_array();
}

void write_device(JsonWriter& json, bool allow, int major, int minor)
{
    json.begin_object().member("allow", allow).member("type", "c").member("major", major).member("minor", minor).member("access", "rwm").end_object();
}

void write_resources(JsonWriter& json)
{
    json.key("resources").begin_object().key("devices").begin_array();
    json.begin_object().member("allow", false).member("access", "rwm").end_object();
    for (int minor : { 5, 3, 9, 8 })
        write_device(json, true, 1, minor);
    write_device(json, true, 5, 0);
    write_device(json, true, 5, 1);
    write_device(json, false, 10, 229);
    json.end_array();
    json.key("memory").begin_object().end_object();
    json.key("cpu").begin_object().member("shares", 0).end_object();
    json.key("pids").begin_object().member("limit", 0).end_object();
    json.key("blockIO").begin_object().member("weight", 0).end_object();
    json.end_object();
}

} // namespace

std::string docker_like_config(std::string const& root, std::vector<std::string> const& command, std::string const& bound_file)
{
    JsonWriter json;
    json.begin_object().member("ociVersion", "1.0.2");
    json.key("process").begin_object().key("user").begin_object().member("uid", 0).member("gid", 0).end_object();
    write_texts(json, "args", command);
    write_texts(json, "env", std::array<Name, 2> { "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOSTNAME=bench" });
    json.member("cwd", "/");
    json.key("capabilities").begin_object();
    for (Name set : { "bounding", "effective", "permitted" })
        write_texts(json, set, capabilities);
    json.end_object().member("oomScoreAdj", 0).end_object();
    json.key("root").begin_object().member("path", root).end_object();
    json.member("hostname", "bench");
    write_mounts(json, bound_file);
    json.key("linux").begin_object();
    write_resources(json);
    json.key("namespaces").begin_array();
    for (Name type : { "mount", "network", "uts", "pid", "ipc", "cgroup" })
        json.begin_object().member("type", type).end_object();
    json.end_array();
    json.key("seccomp");
    do_command::write_default_profile(json);
    write_texts(json, "maskedPaths", masked_paths);
    write_texts(json, "readonlyPaths", readonly_paths);
    json.end_object().end_object();
    return json.text() + "\n";
}

} // namespace bulkhead::bench
