// What the root file system of a container is made with: the mount calls, idmapped mounts, overlays.

#include "isolations/namespaces/examine.h"

#include "host/mount_api.h"
#include "host/process.h"

#include <csignal>

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace bulkhead::namespaces {

namespace {

using host::Depth;
using host::TrialEnd;

// A small tmpfs of our own, attached nowhere.
SysResult<File> make_tmpfs()
{
    auto file_system = TRY(host::NewFileSystem::open("tmpfs"));
    TRY(file_system.set_text("size", "1048576"));
    return file_system.mount(0);
}

SysResult<Unit> make_all_private()
{
    return host::mount_classic(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
}

TrialEnd try_mount_calls()
{
    if (auto made = make_all_private(); made.is_error())
        return TrialEnd::failure("make every mount private", made.error());
    auto tmpfs = make_tmpfs();
    if (tmpfs.is_error())
        return TrialEnd::failure("mount a tmpfs by fsopen and fsmount", tmpfs.error());
    if (auto attached = host::attach_tree(tmpfs.value(), FileView::current_directory(), "/"); attached.is_error())
        return TrialEnd::failure("move_mount", attached.error());
    if (auto copy = host::clone_tree(tmpfs.value(), "", Depth::one_mount); copy.is_error())
        return TrialEnd::failure("open_tree", copy.error());
    if (::fchdir(tmpfs.value().fd()) < 0 || ::syscall(SYS_pivot_root, ".", ".") < 0 || ::umount2(".", MNT_DETACH) < 0)
        return TrialEnd::last("pivot_root");
    return TrialEnd::success("tmpfs made, cloned, attached and made the root by pivot_root");
}

TrialEnd try_attributes()
{
    auto tmpfs = make_tmpfs();
    if (tmpfs.is_error())
        return TrialEnd::failure("mount a tmpfs", tmpfs.error());
    auto before = host::mount_features().mount_setattr;
    host::mount_features().mount_setattr = true;
    auto set = host::set_mount_attributes(tmpfs.value(), "", { .set = MOUNT_ATTR_RDONLY }, Depth::whole_tree);
    host::mount_features().mount_setattr = before;
    if (set.is_error())
        return TrialEnd::failure("mount_setattr", set.error());
    if (::mkdirat(tmpfs.value().fd(), "folder", 0700) == 0 || errno != EROFS)
        return TrialEnd::failure("find the mount read-only", Errno::notsup);
    return TrialEnd::success("a tree set read-only by mount_setattr");
}

TrialEnd try_overlay_of(char const* lower)
{
    if (auto made = make_all_private(); made.is_error())
        return TrialEnd::failure("make every mount private", made.error());
    auto tmpfs = make_tmpfs();
    if (tmpfs.is_error())
        return TrialEnd::failure("mount a tmpfs", tmpfs.error());
    for (auto const* name : { "lower", "upper", "work" })
        if (::mkdirat(tmpfs.value().fd(), name, 0755) < 0)
            return TrialEnd::last("make a folder");
    if (auto attached = host::attach_tree(tmpfs.value(), FileView::current_directory(), "/tmp"); attached.is_error())
        return TrialEnd::failure("move_mount onto /tmp", attached.error());
    auto options = "lowerdir=" + std::string(lower ? lower : "/tmp/lower") + ",upperdir=/tmp/upper,workdir=/tmp/work,userxattr";
    auto mounted = host::mount_classic("overlay", "/tmp", "overlay", 0, options.c_str());
    if (mounted.is_error()) {
        options.resize(options.size() - std::string_view(",userxattr").size()); // before Linux 5.11
        mounted = host::mount_classic("overlay", "/tmp", "overlay", 0, options.c_str());
    }
    if (mounted.is_error())
        return TrialEnd::failure("mount an overlay", mounted.error());
    if (::mkdir("/tmp/bulkhead-check", 0755) < 0)
        return TrialEnd::last("write into an overlay");
    return TrialEnd::success();
}

// A process in a user namespace with a map, for its /proc/PID/ns/user; it lives as long as this.
class MappedNamespace {
public:
    MappedNamespace()
    {
        auto child = host::clone_process({ .flags = CLONE_NEWUSER });
        if (child.is_error())
            return;
        if (child.value().pid == 0) {
            ::pause();
            ::_exit(0);
        }
        m_child = child.release_value();
        host::IdMaps maps { .uids = { { .inside = 0, .outside = 100000, .size = 65536 } },
            .gids = { { .inside = 0, .outside = 100000, .size = 65536 } } };
        if (host::write_id_maps(m_child.pid, maps).is_error())
            return;
        auto opened = open_file("/proc/" + std::to_string(m_child.pid) + "/ns/user", O_RDONLY);
        if (opened.is_ok())
            m_namespace = opened.release_value();
    }
    ~MappedNamespace()
    {
        if (m_child.pid <= 0)
            return;
        (void)host::signal_pidfd(m_child.pidfd, SIGKILL);
        (void)host::wait_for_exit(m_child.pid);
    }
    MappedNamespace(MappedNamespace const&) = delete;
    MappedNamespace& operator=(MappedNamespace const&) = delete;
    FileView file() const { return m_namespace; }

private:
    host::Cloned m_child;
    File m_namespace;
};

TrialEnd try_idmap_of(File const& tree, FileView user_namespace, char const* what)
{
    auto mapped = host::set_mount_attributes(tree, "", { .set = MOUNT_ATTR_IDMAP, .user_namespace = user_namespace }, Depth::one_mount);
    if (mapped.is_error())
        return TrialEnd::failure("idmap " + std::string(what), mapped.error());
    return TrialEnd::success();
}

TrialEnd try_idmapped_tmpfs(FileView user_namespace)
{
    auto tmpfs = make_tmpfs();
    if (tmpfs.is_error())
        return TrialEnd::failure("mount a tmpfs", tmpfs.error());
    if (auto end = try_idmap_of(tmpfs.value(), user_namespace, "a tmpfs"); !end.worked())
        return end;
    struct stat status { };
    if (::fstat(tmpfs.value().fd(), &status) < 0 || status.st_uid != 100000)
        return TrialEnd::failure("see mapped owners", Errno::notsup);
    return TrialEnd::success();
}

TrialEnd try_idmapped_root(FileView user_namespace)
{
    auto tree = host::clone_tree(FileView::current_directory(), "/", Depth::one_mount);
    if (tree.is_error())
        return TrialEnd::failure("open_tree of /", tree.error());
    return try_idmap_of(tree.value(), user_namespace, "the file system of /");
}

void examine_idmapped_mounts(TrialHost const& host, Findings& findings)
{
    constexpr char const* subject = "idmapped mounts";
    if (!host.is_privileged) {
        findings.push_back(limited(subject, "not tried: only root on the host can make them"));
        return;
    }
    MappedNamespace mapped;
    if (!mapped.file().is_open()) {
        findings.push_back(limited(subject, "no user namespace could be made to map to", "see the row of user namespaces"));
        return;
    }
    auto tmpfs = host::try_in_child(host.request(CLONE_NEWNS), [&] { return try_idmapped_tmpfs(mapped.file()); });
    auto root = host::try_in_child(host.request(CLONE_NEWNS), [&] { return try_idmapped_root(mapped.file()); });
    if (root.worked() && tmpfs.worked())
        findings.push_back(fine(subject, "a tmpfs and the file system of / were mapped"));
    else if (root.worked())
        findings.push_back(fine(subject, "the file system of / was mapped; " + tmpfs.complaint()));
    else
        findings.push_back(limited(subject, root.complaint(),
            "mounts with uidMappings need Linux 5.12 and a file system that allows them (ext4, xfs, btrfs; tmpfs since 6.3)"));
}

void examine_overlays(TrialHost const& host, Findings& findings)
{
    constexpr char const* subject = "overlay mounts";
    auto small = host::try_in_child(host.request(CLONE_NEWNS), [] { return try_overlay_of(nullptr); });
    auto whole = host::try_in_child(host.request(CLONE_NEWNS), [] { return try_overlay_of("/"); });
    if (small.worked() && whole.worked())
        findings.push_back(fine(subject, "an overlay over / mounted and written to"));
    else if (small.worked())
        findings.push_back(
            limited(subject, "over a tmpfs, but not over /: " + whole.complaint(), "`bulkhead do` uses an overlay for each top folder instead"));
    else
        findings.push_back(limited(subject, small.complaint(),
            "`bulkhead do` shows the host's root read-only, without a layer to write to; "
            "load the module overlay, or use Linux 5.11 or newer without root"));
}

} // namespace

void examine_mounts(TrialHost const& host, Findings& findings)
{
    auto calls = host::try_in_child(host.request(CLONE_NEWNS), try_mount_calls);
    findings.push_back(
        calls.worked() ? fine("mount calls", calls.text) : missing("mount calls", calls.complaint(), "use Linux 5.2 or newer, and CAP_SYS_ADMIN"));
    auto attributes = host::try_in_child(host.request(CLONE_NEWNS), try_attributes);
    findings.push_back(attributes.worked()
            ? fine("mount attributes", attributes.text)
            : limited("mount attributes", attributes.complaint(), "recursive mount options (rro, rnosuid...) need Linux 5.12"));
    examine_idmapped_mounts(host, findings);
    examine_overlays(host, findings);
}

} // namespace bulkhead::namespaces
