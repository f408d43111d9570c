#include "driver/bundle.h"
#include "driver/program.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

namespace conformance {

namespace fs = std::filesystem;

Json default_capabilities()
{
    return { "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW", "CAP_SETGID", "CAP_SETUID", "CAP_SETFCAP",
        "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE" };
}

namespace {

Json mount_entry(std::string const& destination, std::string const& type, std::string const& source, std::vector<std::string> const& options)
{
    return { { "destination", destination }, { "type", type }, { "source", source }, { "options", options } };
}

Json usual_mounts()
{
    return { mount_entry("/proc", "proc", "proc", { "nosuid", "noexec", "nodev" }),
        mount_entry("/dev", "tmpfs", "tmpfs", { "nosuid", "strictatime", "mode=755", "size=65536k" }),
        mount_entry("/dev/pts", "devpts", "devpts", { "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620" }),
        mount_entry("/dev/shm", "tmpfs", "shm", { "nosuid", "noexec", "nodev", "mode=1777", "size=65536k" }),
        mount_entry("/sys", "sysfs", "sysfs", { "nosuid", "noexec", "nodev", "ro" }) };
}

void place(std::string const& from, std::string const& to)
{
    std::error_code error;
    fs::create_hard_link(from, to, error);
    if (error)
        fs::copy_file(from, to, fs::copy_options::overwrite_existing, error);
}

} // namespace

Bundle::Bundle(std::string folder, std::string const& program, std::string const& busybox, std::string const& cgroup)
    : m_folder(std::move(folder))
{
    std::error_code error;
    for (auto const* part : { "bin", "dev", "etc", "proc", "root", "run", "sys", "tmp", "data", "home/deep" })
        fs::create_directories(in_root("/" + std::string(part)), error);
    chmod(in_root("/tmp").c_str(), 01777);
    chmod(m_folder.c_str(), 0755);
    place(program, in_root("/oci-guest"));
    place(busybox, in_root("/bin/busybox"));
    fs::create_symlink("busybox", in_root("/bin/sh"), error);
    fs::create_symlink("busybox", in_root("/bin/true"), error);
    write_file(in_root("/etc/passwd"), "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/home/deep:/bin/sh\n");
    write_file(in_root("/etc/group"), "root:x:0:\nuser:x:1000:\n");
    auto capabilities = default_capabilities();
    Json spaces = Json::array();
    for (auto const* type : { "pid", "network", "ipc", "uts", "mount" })
        spaces.push_back({ { "type", type } });
    config = { { "ociVersion", "1.0.2" },
        { "process",
            { { "terminal", false }, { "user", { { "uid", 0 }, { "gid", 0 } } }, { "args", { "/oci-guest", "report" } },
                { "env", { "PATH=/bin", "TERM=xterm" } }, { "cwd", "/" },
                { "capabilities", { { "bounding", capabilities }, { "effective", capabilities }, { "permitted", capabilities } } } } },
        { "root", { { "path", "rootfs" }, { "readonly", false } } }, { "hostname", "conformance" }, { "mounts", usual_mounts() },
        { "linux", { { "namespaces", spaces }, { "cgroupsPath", cgroup } } } };
}

void Bundle::probes(std::vector<std::string> const& list)
{
    Json arguments = { "/oci-guest" };
    for (auto const& probe : list)
        arguments.push_back(probe);
    config["process"]["args"] = arguments;
}

void Bundle::add_mount(std::string const& destination, std::string const& type, std::string const& source, std::vector<std::string> const& options)
{
    config["mounts"].push_back(mount_entry(destination, type, source, options));
}

void Bundle::add_hook(std::string const& kind, std::string const& path, std::vector<std::string> const& arguments, Json extra)
{
    Json hook = { { "path", path }, { "args", arguments } };
    hook.update(extra);
    config["hooks"][kind].push_back(hook);
}

void Bundle::set_namespace(std::string const& type, std::string const& path)
{
    remove_namespace(type);
    Json entry = { { "type", type } };
    if (!path.empty())
        entry["path"] = path;
    config["linux"]["namespaces"].push_back(entry);
}

void Bundle::remove_namespace(std::string const& type)
{
    auto& list = config["linux"]["namespaces"];
    for (std::size_t index = list.size(); index-- > 0;) {
        if (text_at(list[index], "type") == type)
            list.erase(index);
    }
}

Json* Bundle::find_mount(std::string const& destination)
{
    for (auto& mount : config["mounts"]) {
        if (text_at(mount, "destination") == destination)
            return &mount;
    }
    return nullptr;
}

void Bundle::drop_mount(std::string const& destination)
{
    auto& list = config["mounts"];
    for (std::size_t index = list.size(); index-- > 0;) {
        if (text_at(list[index], "destination") == destination)
            list.erase(index);
    }
}

void Bundle::map_users(unsigned host_first, unsigned count)
{
    Json range = Json::array({ { { "containerID", 0 }, { "hostID", host_first }, { "size", count } } });
    config["linux"]["uidMappings"] = range;
    config["linux"]["gidMappings"] = range;
    set_namespace("user");
    std::error_code error;
    for (auto const& entry : fs::recursive_directory_iterator(root(), error)) {
        // The programs are hard links that other bundles share: they stay root's, readable by all.
        if (entry.path().filename() != "oci-guest" && entry.path().filename() != "busybox"
            && lchown(entry.path().c_str(), host_first, host_first) != 0)
            return;
    }
    if (lchown(root().c_str(), host_first, host_first) != 0)
        return;
}

bool Bundle::save() const
{
    return write_file(m_folder + "/config.json", config.dump(1));
}

} // namespace conformance
