#include "base/file.h"
#include "base/text.h"
#include "cli/session.h"

#include <array>

#include <sys/stat.h>
#include <unistd.h>

namespace bulkhead::cli {

namespace {

constexpr std::array<std::string_view, 3> capabilities { "CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE" };
constexpr std::array<std::string_view, 10> masked_paths { "/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
    "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/sys/firmware", "/proc/scsi" };
constexpr std::array<std::string_view, 5> readonly_paths { "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger" };

struct StarterMount {
    std::string_view destination;
    std::string_view type;
    std::string_view source;
    std::string_view options; // separated by commas
};

void texts(JsonWriter& json, std::string_view key, auto const& values)
{
    json.key(key).begin_array();
    for (auto value : values)
        json.value(std::string_view(value));
    json.end_array();
}

void write_process(JsonWriter& json)
{
    json.key("process").begin_object();
    json.member("terminal", true);
    json.key("user").begin_object().member("uid", 0).member("gid", 0).end_object();
    texts(json, "args", std::array<std::string_view, 1> { "sh" });
    texts(json, "env", std::array<std::string_view, 2> { "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm" });
    json.member("cwd", "/");
    json.key("capabilities").begin_object();
    for (std::string_view set : { "bounding", "effective", "permitted" })
        texts(json, set, capabilities);
    json.end_object();
    json.key("rlimits").begin_array().begin_object();
    json.member("type", "RLIMIT_NOFILE").member("hard", 1024).member("soft", 1024);
    json.end_object().end_array();
    json.member("noNewPrivileges", true);
    json.end_object();
}

void write_mounts(JsonWriter& json, bool rootless)
{
    // Without the host's network namespace a new sysfs cannot be mounted rootless; gid 5 is not mapped there either.
    std::array<StarterMount, 7> const mounts { {
        { "/proc", "proc", "proc", "" },
        { "/dev", "tmpfs", "tmpfs", "nosuid,strictatime,mode=755,size=65536k" },
        { "/dev/pts", "devpts", "devpts",
            rootless ? "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620" : "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5" },
        { "/dev/shm", "tmpfs", "shm", "nosuid,noexec,nodev,mode=1777,size=65536k" },
        { "/dev/mqueue", "mqueue", "mqueue", "nosuid,noexec,nodev" },
        rootless ? StarterMount { "/sys", "none", "/sys", "rbind,nosuid,noexec,nodev,ro" }
                 : StarterMount { "/sys", "sysfs", "sysfs", "nosuid,noexec,nodev,ro" },
        { "/sys/fs/cgroup", "cgroup", "cgroup", "nosuid,noexec,nodev,relatime,ro" },
    } };
    json.key("mounts").begin_array();
    for (auto const& mount : mounts) {
        json.begin_object().member("destination", mount.destination).member("type", mount.type).member("source", mount.source);
        if (!mount.options.empty())
            texts(json, "options", split(mount.options, ','));
        json.end_object();
    }
    json.end_array();
}

void write_mapping(JsonWriter& json, std::string_view key, std::uint32_t host_id)
{
    json.key(key).begin_array().begin_object();
    json.member("containerID", 0).member("hostID", host_id).member("size", 1);
    json.end_object().end_array();
}

void write_linux(JsonWriter& json, bool rootless)
{
    json.key("linux").begin_object();
    if (rootless) {
        write_mapping(json, "uidMappings", ::geteuid());
        write_mapping(json, "gidMappings", ::getegid());
    } else {
        json.key("resources").begin_object().key("devices").begin_array().begin_object();
        json.member("allow", false).member("access", "rwm");
        json.end_object().end_array().end_object();
    }
    std::vector<std::string_view> namespaces { "pid", "ipc", "uts", "mount" };
    namespaces.push_back(rootless ? "user" : "network");
    if (::access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0)
        namespaces.push_back("cgroup");
    json.key("namespaces").begin_array();
    for (auto type : namespaces)
        json.begin_object().member("type", type).end_object();
    json.end_array();
    texts(json, "maskedPaths", masked_paths);
    texts(json, "readonlyPaths", readonly_paths);
    json.end_object();
}

std::string starter_config(bool rootless)
{
    JsonWriter json(2);
    json.begin_object().member("ociVersion", "1.3.0");
    write_process(json);
    json.key("root").begin_object().member("path", "rootfs").member("readonly", true).end_object();
    json.member("hostname", "bulkhead");
    write_mounts(json, rootless);
    write_linux(json, rootless);
    json.end_object();
    return json.text() + "\n";
}

Result<int> spec(std::string const& bundle, bool rootless)
{
    auto path = (bundle.empty() ? "." : bundle) + "/config.json";
    auto file = open_at(FileView::current_directory(), path, O_WRONLY | O_CREAT | O_EXCL, 0666);
    if (file.is_error() && file.error() == Errno::exist)
        return Error { .code = Errno::exist, .message = "file " + path + " exists; remove it first" };
    if (file.is_error())
        return Error::from_errno(file.error(), "make " + quoted(path));
    TRY(write_all(file.value(), starter_config(rootless)).or_error("write " + quoted(path)));
    return 0;
}

} // namespace

void add_spec(CommandLine& line)
{
    auto& command = line.add("spec", "write a config.json to start from");
    auto const& bundle = command.text("bundle,b", "FOLDER", "where to write it (default: the working directory)");
    auto const& rootless = command.flag("rootless", "for a container without privileges on the host");
    command.runs([&bundle, &rootless] { return spec(bundle, rootless); });
}

} // namespace bulkhead::cli
