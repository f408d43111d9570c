#include "isolations/namespaces/root/support_test.h"

#include <climits>
#include <cstdlib>

#include <dirent.h>
#include <ftw.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

namespace bulkhead::root::tests {

namespace {

// Where a step of the root's making failed; a child has no other way to say it.
template <typename T> std::string complaint_of(Result<T> const& result)
{
    return result.is_error() ? result.error().message : "";
}

int remove_one(char const* path, struct stat const*, int, struct FTW*)
{
    return ::remove(path);
}

} // namespace

Bundle::Bundle()
{
    char path[] = "/tmp/bulkhead-root-test-XXXXXX";
    m_path = ::mkdtemp(path) ? path : "/nonexistent";
    ::chmod(m_path.c_str(), 0755);
    folder("");
    for (auto const* name : { "/proc", "/sys", "/dev", "/etc", "/tmp", "/data" })
        folder(name);
    file("/etc/passwd", "image\n");
    config.root.path = "rootfs";
    config.process.emplace();
    config.process->cwd = "/";
}

Bundle::~Bundle()
{
    ::nftw(m_path.c_str(), remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

void Bundle::folder(std::string const& path, mode_t mode) const
{
    ::mkdir(root(path).c_str(), mode);
    ::chmod(root(path).c_str(), mode);
}

void Bundle::file(std::string const& path, std::string const& text) const
{
    auto opened = open_file(root(path), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    ASSERT_TRUE(opened.is_ok());
    ASSERT_TRUE(write_all(opened.value(), text).is_ok());
}

void Bundle::link(std::string const& target, std::string const& path) const
{
    ASSERT_EQ(::symlink(target.c_str(), root(path).c_str()), 0);
}

void Bundle::give_to(std::uint32_t id) const
{
    static std::uint32_t owner;
    owner = id;
    ::nftw(
        m_path.c_str(), [](char const* path, struct stat const*, int, struct FTW*) { return ::lchown(path, owner, owner); }, 16,
        FTW_PHYS | FTW_MOUNT);
}

oci::Mount& Bundle::mount(std::string destination, std::string type, std::vector<std::string> options, std::string source)
{
    oci::Mount mount;
    mount.destination = std::move(destination);
    mount.source = source.empty() ? type : std::move(source);
    mount.type = std::move(type);
    mount.options = std::move(options);
    config.mounts.push_back(std::move(mount));
    return config.mounts.back();
}

RootPlan Bundle::plan() const
{
    return RootPlan { .config = config, .bundle = m_path, .root = root() };
}

void add_docker_defaults(Bundle& bundle)
{
    bundle.mount("/proc", "proc", { "nosuid", "noexec", "nodev" });
    bundle.mount("/dev", "tmpfs", { "nosuid", "strictatime", "mode=755", "size=65536k" });
    bundle.mount("/dev/pts", "devpts", { "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5" });
    bundle.mount("/sys", "sysfs", { "nosuid", "noexec", "nodev", "ro" });
    bundle.mount("/dev/mqueue", "mqueue", { "nosuid", "noexec", "nodev" });
    bundle.mount("/dev/shm", "tmpfs", { "nosuid", "noexec", "nodev", "mode=1777", "size=67108864" }, "shm");
    bundle.config.linux_section.masked_paths = { "/proc/asound", "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/version", "/proc/latency_stats",
        "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware" };
    bundle.config.linux_section.readonly_paths = { "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger", "/proc/uptime" };
}

std::string run_in_namespaces(std::function<std::string()> const& body, std::uint64_t flags, host::IdMaps const& maps)
{
    int go[2];
    int said[2];
    if (::pipe2(go, O_CLOEXEC) < 0 || ::pipe2(said, O_CLOEXEC) < 0)
        return "no pipe";
    bool has_maps = !maps.uids.empty();
    auto child = host::clone_process({ .flags = flags | (has_maps ? CLONE_NEWUSER : 0) });
    if (child.is_error())
        return "clone: " + errno_text(child.error());
    if (child.value().pid == 0) {
        ::close(go[1]);
        char byte;
        (void)!::read(go[0], &byte, 1);
        std::string text;
        if (has_maps && (::setresgid(0, 0, 0) < 0 || ::setresuid(0, 0, 0) < 0))
            text = "cannot become root in the user namespace";
        if (text.empty())
            text = body();
        (void)write_all(FileView(said[1]), text);
        ::_exit(0);
    }
    ::close(go[0]);
    ::close(said[1]);
    std::string text;
    if (has_maps) {
        auto written = host::write_id_maps(child.value().pid, maps);
        if (written.is_error())
            text = written.error().message;
    }
    ::close(go[1]);
    auto answer = read_all(FileView(said[0]));
    ::close(said[0]);
    auto status = host::wait_for_exit(child.value().pid);
    if (status.is_error() || status.value() != 0)
        return "the child ended with status " + std::to_string(status.is_ok() ? status.value() : -1);
    return text + (answer.is_ok() ? answer.value() : "no answer");
}

std::string run_in_root(Bundle& bundle, std::function<std::string()> const& check, std::uint64_t flags, host::IdMaps const& maps)
{
    auto plan = bundle.plan();
    plan.in_user_namespace = !maps.uids.empty();
    if (plan.in_user_namespace) {
        for (auto const& range : maps.uids)
            bundle.config.linux_section.uid_mappings.push_back({ .container_id = range.inside, .host_id = range.outside, .size = range.size });
        for (auto const& range : maps.gids)
            bundle.config.linux_section.gid_mappings.push_back({ .container_id = range.inside, .host_id = range.outside, .size = range.size });
    }
    auto prepared = prepare_sources(plan);
    if (prepared.is_error())
        return prepared.error().message;
    auto body = [&]() -> std::string {
        RootFileSystem root(plan, prepared.release_value());
        for (auto step : { &RootFileSystem::build, &RootFileSystem::write_sysctls, &RootFileSystem::protect, &RootFileSystem::enter }) {
            auto done = complaint_of((root.*step)());
            if (!done.empty())
                return done;
        }
        return check();
    };
    return run_in_namespaces(body, flags, maps);
}

std::string text_of(std::string const& path)
{
    auto text = read_file(path);
    return text.is_ok() ? text.value() : "error: " + text.error().message;
}

} // namespace bulkhead::root::tests
