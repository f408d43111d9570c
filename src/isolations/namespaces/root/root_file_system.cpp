#include "isolations/namespaces/root/root_file_system.h"

#include "base/text.h"
#include "isolations/namespaces/root/builder.h"
#include "isolations/namespaces/root/open_umask.h"
#include "isolations/namespaces/root/propagation.h"

#include <algorithm>

#include <sys/mount.h>
#include <unistd.h>

namespace bulkhead::root {

namespace {

// What engines do cover inside of /proc: files that lxcfs emulates, and the like. Anything else there could fool
// whoever reads and writes below /proc, the runtime first (CVE-2019-16884).
constexpr std::string_view allowed_in_proc[] = { "/proc/cpuinfo", "/proc/diskstats", "/proc/meminfo", "/proc/stat", "/proc/swaps", "/proc/uptime",
    "/proc/loadavg", "/proc/slabinfo", "/proc/net/dev", "/proc/sys/kernel/ns_last_pid", "/proc/sys/crypto/fips_enabled" };

Result<Unit> check_destination(oci::Mount const& mount, MountOptions const& options)
{
    auto path = host::clean_path(mount.destination);
    if (mount.destination.empty())
        return invalid("destination is missing");
    if (path == "/proc" && mount.type != "proc" && !options.is_bind)
        return Error { .code = Errno::perm, .message = "only procfs can be mounted at \"/proc\"", .hint = "mount something else elsewhere" };
    if (path.starts_with("/proc/") && std::find(std::begin(allowed_in_proc), std::end(allowed_in_proc), path) == std::end(allowed_in_proc))
        return Error { .code = Errno::perm,
            .message = "it is inside of /proc, where nothing may be mounted",
            .hint = "only single files such as /proc/meminfo may be covered" };
    return ok();
}

Result<Unit> mount_one(Builder& builder, std::size_t index, oci::Mount const& mount)
{
    auto options = TRY(parse_mount_options(mount));
    TRY(check_destination(mount, options));
    if (options.remounts)
        return remount(builder, mount, options);
    if (options.is_bind)
        return mount_bind(builder, index, mount, options);
    if (mount.type == "cgroup" || mount.type == "cgroup2")
        return mount_cgroups(builder, mount, options);
    return mount_file_system(builder, index, mount, options);
}

// The root as a mount of its own, on its own folder. Where the container's root may not reach that folder, the tree that
// the runtime has opened goes on top of "/": absolute paths still start below it.
Result<File> attach_root(Builder& builder)
{
    auto const& path = builder.plan.root;
    auto prepared = builder.take_prepared(PreparedTree::Kind::root, 0);
    auto folder = open_at(FileView::current_directory(), path, O_PATH | O_DIRECTORY);
    if (folder.is_error() && !prepared.is_open())
        return Error::from_errno(folder.error(), "open \"" + path + "\"");
    File tree = std::move(prepared);
    if (!tree.is_open())
        tree = TRY(host::clone_tree(folder.value(), "", host::Depth::whole_tree).or_error("make a mount of \"" + path + "\""));
    // pivot_root(2) refuses shared mounts; the words of rootfsPropagation are applied at the end.
    if (is_shared(builder.plan))
        TRY(host::set_mount_attributes(tree, "", { .propagation = MS_PRIVATE }, host::Depth::one_mount).or_error("make \"" + path + "\" private"));
    auto attached = folder.is_ok() ? host::attach_tree(tree, folder.value(), "") : host::attach_tree(tree, FileView::current_directory(), "/");
    TRY(std::move(attached).or_error("attach \"" + path + "\""));
    return tree;
}

// "net.ipv4.ip_forward" and "net/ipv4/conf/eth0.1/forwarding": the first separator decides (sysctl.d(5)).
std::string sysctl_path(std::string const& key)
{
    auto path = key;
    auto first = key.find_first_of("./");
    if (first != std::string::npos && key[first] == '.') {
        for (auto& character : path)
            character = character == '.' ? '/' : character == '/' ? '.' : character;
    }
    return "sys/" + path;
}

} // namespace

RootFileSystem::RootFileSystem(RootPlan const& plan, PreparedSources sources)
    : m_state(new State { .builder = { .plan = plan, .prepared = std::move(sources.trees) } })
{
}

RootFileSystem::~RootFileSystem()
{
    delete m_state;
}

Result<Unit> RootFileSystem::attach()
{
    auto& builder = m_state->builder;
    auto const& plan = builder.plan;
    if (!plan.new_mount_namespace) {
        builder.root = TRY(open_file(plan.root, O_PATH | O_DIRECTORY).context("root.path"));
        return ok();
    }
    TRY(set_inherited_propagation(plan));
    builder.root = TRY(attach_root(builder).context("root.path"));
    return ok();
}

Result<Unit> RootFileSystem::mount_all()
{
    auto& builder = m_state->builder;
    if (!builder.plan.new_mount_namespace)
        return ok();
    OpenUmask open_umask;
    auto const& mounts = builder.plan.config.mounts;
    for (std::size_t index = 0; index < mounts.size(); ++index)
        TRY(mount_one(builder, index, mounts[index]).context([&] { return mount_place(index, mounts[index]); }));
    return ok();
}

Result<Unit> RootFileSystem::make_working_directory()
{
    auto& builder = m_state->builder;
    auto const& process = builder.plan.config.process;
    if (!process || process->cwd.empty() || process->cwd == "/")
        return ok();
    OpenUmask open_umask;
    auto made = host::make_in_root(builder.root, process->cwd, host::Make::directory);
    // A read-only image, or a link into /proc: entering it later says what is wrong.
    if (made.is_error() && made.error() != Errno::rofs && made.error() != Errno::loop)
        return Error::from_errno(made.error(), "process.cwd: make " + quoted(process->cwd));
    return ok();
}

Result<Unit> RootFileSystem::write_sysctls()
{
    auto& builder = m_state->builder;
    for (auto const& [key, value] : builder.plan.config.linux_section.sysctl) {
        auto place = "linux.sysctl[" + quoted(key) + "]";
        auto directory = proc();
        if (!directory.is_open())
            return Error { .code = Errno::noent, .message = place + ": there is no procfs to write it through", .hint = "mount proc at /proc" };
        // CVE-2025-52881: a write to /proc goes to procfs itself, past whatever is mounted or linked there.
        auto file = host::open_in_root(directory, sysctl_path(key), O_WRONLY, { .links = host::Links::refuse, .stay_on_mount = true });
        auto written = file.is_ok() ? write_all(file.value(), value) : SysResult<Unit>(file.error());
        if (written.is_error())
            return Error::from_errno(written.error(), place + ": write " + quoted(value));
    }
    return ok();
}

Result<Unit> RootFileSystem::build()
{
    TRY(attach());
    TRY(mount_all());
    TRY(make_devices());
    TRY(make_working_directory());
    // Hooks start here, as under other runtimes, and not where the last mount left us.
    return m_state->builder.work_in(root_directory()).or_error("root.path: enter it");
}

FileView RootFileSystem::root_directory() const
{
    return m_state->builder.root;
}

FileView RootFileSystem::proc() const
{
    auto& builder = m_state->builder;
    if (auto* base = builder.find_base("/proc"); base && base->kind == Base::Kind::procfs)
        return base->directory;
    if (!builder.host_proc.is_open()) {
        auto opened = open_at(FileView::current_directory(), "/proc", O_PATH | O_DIRECTORY | O_NOFOLLOW);
        if (opened.is_ok() && host::is_procfs_root(opened.value()))
            builder.host_proc = opened.release_value();
    }
    return builder.host_proc;
}

} // namespace bulkhead::root
