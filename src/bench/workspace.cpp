#include "bench/workspace.h"

#include "cgroup/cgroup.h"
#include "host/mount_api.h"

#include <array>
#include <cstdlib>
#include <string_view>

#include <ftw.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

extern "C" {
extern char const bulkhead_bench_program_begin[];
extern char const bulkhead_bench_program_end[];
}

namespace bulkhead::bench {

namespace {

int remove_entry(char const* path, struct stat const*, int, FTW*)
{
    return ::remove(path);
}

Result<Unit> write_file(std::string const& path, std::string_view text, mode_t mode)
{
    auto file = TRY(open_file(path, O_WRONLY | O_CREAT | O_EXCL, mode));
    return write_all(file, text).or_error("write \"" + path + "\"");
}

Result<Unit> make_folder(std::string const& path)
{
    if (::mkdir(path.c_str(), 0755) < 0)
        return Error::last("make \"" + path + "\"");
    return ok();
}

} // namespace

Result<Workspace> Workspace::make()
{
    std::array<char, 32> path { "/tmp/bulkhead-bench-XXXXXX" };
    if (!::mkdtemp(path.data()))
        return Error::last("make a folder in /tmp");
    Workspace workspace(path.data());
    if (::unshare(CLONE_NEWNS) < 0)
        return Error::last("make a private mount namespace");
    TRY(host::mount_classic(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr).or_error("make every mount private"));
    TRY(workspace.look_at_cgroups());
    TRY(workspace.fill());
    return workspace;
}

Workspace::Workspace(Workspace&& other) noexcept
    : m_path(std::move(other.m_path))
    , m_cgroup_layout(std::move(other.m_cgroup_layout))
    , m_groups(std::move(other.m_groups))
{
    other.m_path.clear();
}

Workspace::~Workspace()
{
    if (m_path.empty())
        return;
    ::umount2((m_path + "/state").c_str(), MNT_DETACH);
    ::nftw(m_path.c_str(), remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

Result<Unit> Workspace::look_at_cgroups()
{
    auto host = TRY(cgroup::HostCgroups::discover());
    switch (host.layout) {
    case cgroup::Layout::none:
        m_cgroup_layout = "no cgroups";
        break;
    case cgroup::Layout::v1:
        m_cgroup_layout = "cgroup v1";
        break;
    case cgroup::Layout::v2:
        m_cgroup_layout = "cgroup v2";
        break;
    case cgroup::Layout::hybrid:
        m_cgroup_layout = "cgroup v1 (the v2 tree of the hybrid layout is unmounted here, since crun refuses it)";
        break;
    }
    for (auto const& hierarchy : host.hierarchies) {
        if (host.layout == cgroup::Layout::hybrid && hierarchy.is_v2) {
            if (::umount2(hierarchy.mount_point.c_str(), MNT_DETACH) < 0)
                return Error::last("unmount \"" + hierarchy.mount_point + "\" in the private mount namespace");
            continue;
        }
        m_groups.push_back(hierarchy.mount_point + (hierarchy.own_path == "/" ? "" : hierarchy.own_path));
    }
    return ok();
}

Result<Unit> Workspace::fill()
{
    auto program_size = static_cast<std::size_t>(bulkhead_bench_program_end - bulkhead_bench_program_begin);
    std::string_view image(bulkhead_bench_program_begin, program_size);
    TRY(write_file(program(), image, 0755));
    for (auto const* name : { "/state", "/root", "/root/bin", "/root/proc", "/root/sys", "/root/dev", "/root/etc", "/true", "/waiting" })
        TRY(make_folder(m_path + name));
    TRY(write_file(root() + "/bin/true", image, 0755));
    TRY(write_file(m_path + "/bound", "127.0.0.1 localhost\n", 0644));
    for (auto const* name : { "/etc/hosts", "/etc/hostname", "/etc/resolv.conf" })
        TRY(write_file(root() + name, "", 0644));
    TRY(write_file(true_bundle() + "/config.json", docker_like_config(root(), { "/bin/true" }, m_path + "/bound"), 0644));
    TRY(write_file(waiting_bundle() + "/config.json", docker_like_config(root(), { "/bin/true", "wait" }, m_path + "/bound"), 0644));
    // State lives on a tmpfs, as /run does on most hosts.
    return host::mount_classic("tmpfs", (m_path + "/state").c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "mode=700").or_error("mount a tmpfs for state");
}

} // namespace bulkhead::bench
