#include "isolations/namespaces/root/root_file_system.h"

#include "base/text.h"
#include "isolations/namespaces/root/state.h"

#include <cerrno>
#include <cstring>

#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace bulkhead::root {

RootFileSystem::RootFileSystem(RootPlan const& plan, PreparedSources sources)
    : m_state(new State { .plan = plan, .sources = std::move(sources), .root = {}, .proc = {}, .late_read_only = {} })
{
}

RootFileSystem::~RootFileSystem()
{
    delete m_state;
}

FileView RootFileSystem::root_directory() const { return m_state->root; }
FileView RootFileSystem::proc() const { return m_state->proc; }

namespace {

unsigned long propagation_flags(std::string const& word)
{
    bool is_recursive = word.starts_with("r");
    auto kind = is_recursive ? word.substr(1) : word;
    unsigned long flags = is_recursive ? MS_REC : 0;
    if (kind == "shared")
        return flags | MS_SHARED;
    if (kind == "private")
        return flags | MS_PRIVATE;
    if (kind == "unbindable")
        return flags | MS_UNBINDABLE;
    return flags | MS_SLAVE;
}

// pivot_root(2) wants a parent mount that is not shared; the mount that the root lies in is found by trying upwards.
Result<Unit> make_parent_private(std::string path)
{
    for (;;) {
        if (::mount(nullptr, path.c_str(), nullptr, MS_PRIVATE, nullptr) == 0)
            return ok();
        if (errno != EINVAL || path == "/")
            return Error::last("make the mount below the root file system private");
        path.resize(path.rfind('/'));
        if (path.empty())
            path = "/";
    }
}

File genuine_proc(FileView directory, char const* path)
{
    auto file = open_at(directory, path, O_PATH | O_DIRECTORY | O_NOFOLLOW);
    if (file.is_error() || !host::is_procfs_root(file.value()))
        return {};
    return file.release_value();
}

} // namespace

Result<Unit> RootFileSystem::attach()
{
    auto const& plan = m_state->plan;
    if (!plan.new_mount_namespace) {
        m_state->root = TRY(open_file(plan.root, O_PATH | O_DIRECTORY).context("root.path"));
        return ok();
    }
    auto const& wanted = plan.config.linux_section.rootfs_propagation;
    auto flags = wanted.empty() ? MS_SLAVE | MS_REC : propagation_flags(wanted);
    TRY(host::mount_classic(nullptr, "/", nullptr, flags, nullptr).or_error("set the propagation of the inherited mounts"));
    if (flags & MS_SHARED)
        TRY(make_parent_private(plan.root));
    File tree;
    for (auto& prepared : m_state->sources.trees) {
        if (prepared.kind == PreparedTree::Kind::root)
            tree = std::move(prepared.tree);
    }
    if (!tree.is_open())
        tree = TRY(host::clone_tree(FileView::current_directory(), plan.root.c_str(), host::Depth::whole_tree)
                       .or_error("root.path: open \"" + plan.root + "\" as a mount"));
    TRY(host::attach_tree(tree, FileView::current_directory(), plan.root.c_str()).or_error("root.path: mount \"" + plan.root + "\" on itself"));
    m_state->root = std::move(tree);
    return ok();
}

Result<Unit> RootFileSystem::mount_all()
{
    auto const& mounts = m_state->plan.config.mounts;
    if (m_state->plan.new_mount_namespace) {
        for (std::size_t index = 0; index < mounts.size(); ++index) {
            auto const& mount = mounts[index];
            auto mount_it = [&]() -> Result<Unit> {
                auto options = TRY(parse_mount_options(mount));
                MountContext context { *m_state, mount, options, index };
                if (options.is_bind)
                    return mount_bind(context);
                if (mount.type == "cgroup" || mount.type == "cgroup2")
                    return mount_cgroups(context);
                return mount_file_system(context, mount.type);
            };
            TRY(mount_it().context([&] { return place_of(mount, index); }));
        }
    }
    if (!m_state->proc.is_open())
        m_state->proc = genuine_proc(FileView::current_directory(), "/proc");
    return ok();
}

Result<Unit> RootFileSystem::make_working_directory()
{
    if (!m_state->plan.config.process || m_state->plan.config.process->cwd.empty() || m_state->plan.config.process->cwd == "/")
        return ok();
    auto const& path = m_state->plan.config.process->cwd;
    auto made = host::make_in_root(m_state->root, path, host::Make::directory);
    // A read-only image, or a link that leads into /proc: entering it later says what is wrong.
    if (made.is_error() && made.error() != Errno::rofs && made.error() != Errno::loop)
        return Error::from_errno(made.error(), "process.cwd: make \"" + path + "\"");
    return ok();
}

namespace {

// "net.ipv4.ip_forward" or "net/ipv4/conf/eth0.1/forwarding": the first separator decides (sysctl.d(5)).
std::string sysctl_path(std::string const& key)
{
    std::string path = key;
    auto first = key.find_first_of("./");
    if (first != std::string::npos && key[first] == '.') {
        for (auto& c : path)
            c = c == '.' ? '/' : c == '/' ? '.' : c;
    }
    return "sys/" + path;
}

} // namespace

Result<Unit> RootFileSystem::write_sysctls()
{
    for (auto const& [key, value] : m_state->plan.config.linux_section.sysctl) {
        auto place = "linux.sysctl[\"" + key + "\"]";
        if (!m_state->proc.is_open())
            return Error { .code = Errno::noent, .message = place + ": there is no procfs to write it through", .hint = "mount proc at /proc" };
        auto file = host::open_in_root(m_state->proc, sysctl_path(key), O_WRONLY, { .links = host::Links::refuse, .stay_on_mount = true });
        auto written = file.is_ok() ? write_all(file.value(), value) : SysResult<Unit>(file.error());
        if (written.is_error())
            return Error::from_errno(written.error(), place + ": write \"" + value + "\"");
    }
    return ok();
}

Result<Unit> RootFileSystem::enter()
{
    if (::fchdir(m_state->root.fd()) < 0)
        return Error::last("enter the root file system");
    if (!m_state->plan.new_mount_namespace) {
        if (::chroot(".") < 0 || ::chdir("/") < 0)
            return Error::last("change the root");
        return ok();
    }
    if (m_state->plan.no_pivot) {
        if (::mount(".", "/", nullptr, MS_MOVE, nullptr) < 0 || ::chroot(".") < 0 || ::chdir("/") < 0)
            return Error::last("move the root file system to \"/\"");
    } else {
        // The new root is put under itself; the old one then lies on top and is taken away (pivot_root(2), notes).
        if (::syscall(SYS_pivot_root, ".", ".") < 0)
            return Error { .code = last_errno(), .message = "pivot_root: " + errno_text(last_errno()),
                .hint = "on an initial ramdisk pass --no-pivot" };
        bool may_propagate = !m_state->plan.config.linux_section.rootfs_propagation.empty();
        if (may_propagate && ::mount(nullptr, ".", nullptr, MS_SLAVE | MS_REC, nullptr) < 0)
            return Error::last("keep the host's mounts when the old root goes");
        if (::umount2(".", MNT_DETACH) < 0 || ::chdir("/") < 0)
            return Error::last("leave the host's root");
    }
    auto const& wanted = m_state->plan.config.linux_section.rootfs_propagation;
    if (!wanted.empty())
        TRY(host::mount_classic(nullptr, "/", nullptr, propagation_flags(wanted), nullptr).or_error("linux.rootfsPropagation: set \"" + wanted + "\""));
    return ok();
}

Result<Unit> RootFileSystem::build()
{
    TRY(attach());
    TRY(mount_all());
    TRY(make_devices());
    return make_working_directory();
}

} // namespace bulkhead::root
