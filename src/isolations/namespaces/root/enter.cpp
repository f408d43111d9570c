// Propagation of the root and the step into it.
#include "isolations/namespaces/root/builder.h"
#include "isolations/namespaces/root/propagation.h"

#include "base/text.h"

#include <climits>
#include <vector>

#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace bulkhead::root {

namespace {

unsigned long propagation_flags(std::string_view word)
{
    unsigned long flags = 0;
    if (word.starts_with('r')) {
        flags = MS_REC;
        word.remove_prefix(1);
    }
    if (word == "shared")
        return flags | MS_SHARED;
    if (word == "private")
        return flags | MS_PRIVATE;
    if (word == "unbindable")
        return flags | MS_UNBINDABLE;
    return flags | MS_SLAVE;
}

// pivot_root(2) refuses a shared parent of the new root, and attaching to one would show on the host. The mount that
// holds PATH is found by trying its folders upwards.
Result<Unit> make_holder_private(std::string path)
{
    for (;;) {
        if (::mount(nullptr, path.c_str(), nullptr, MS_PRIVATE, nullptr) == 0)
            return ok();
        if (errno != EINVAL || path == "/")
            return Error::last("make the mount that holds the root private");
        path.resize(path.rfind('/'));
        if (path.empty())
            path = "/";
    }
}

// mountinfo writes blank, tab, newline and backslash as \ooo. proc(5).
std::string unescaped(std::string_view text)
{
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        auto code = text[i] == '\\' && i + 3 < text.size() ? parse_number<unsigned>(text.substr(i + 1, 3), 8) : std::nullopt;
        if (code) {
            plain += static_cast<char>(*code);
            i += 3;
        } else {
            plain += text[i];
        }
    }
    return plain;
}

// Without pivot_root the host's tree stays below the container's root. Its procfs and sysfs would let a container in a
// user namespace mount new ones with everything visible; they go first.
Result<Unit> drop_host_kernel_mounts(std::string const& root)
{
    auto text = TRY(read_file("/proc/self/mountinfo"));
    std::vector<std::string> paths;
    for (auto line : split(text, '\n')) {
        auto fields = split(line, ' ');
        auto dash = line.find(" - ");
        if (fields.size() < 5 || dash == std::string_view::npos)
            continue;
        auto type = line.substr(dash + 3);
        auto path = unescaped(fields[4]);
        if ((type.starts_with("proc ") || type.starts_with("sysfs ")) && path != root && !path.starts_with(root + "/"))
            paths.push_back(std::move(path));
    }
    for (auto path = paths.rbegin(); path != paths.rend(); ++path) {
        if (::umount2(path->c_str(), MNT_DETACH) == 0 || errno == ENOENT)
            continue;
        // Locked to its parent: hidden instead.
        if (::mount("tmpfs", path->c_str(), "tmpfs", MS_RDONLY, "nr_inodes=1") < 0 && errno != ENOENT && errno != EINVAL)
            return Error::last("hide the host's \"" + *path + "\"");
    }
    return ok();
}

Result<Unit> pivot(RootPlan const& plan)
{
    File old_root;
    if (is_shared(plan))
        old_root = TRY(open_at(FileView::current_directory(), "/", O_PATH | O_DIRECTORY).or_error("open the old root"));
    // The new root goes on its own place with the old one on top of it, which is then taken away. pivot_root(2), NOTES.
    if (::syscall(SYS_pivot_root, ".", ".") < 0)
        return Error { .code = last_errno(),
            .message = "make it the root (pivot_root): " + errno_text(last_errno()),
            .hint = "a root on an initial ramdisk needs --no-pivot" };
    if (old_root.is_open()) {
        // What is unmounted now must not be unmounted on the host.
        if (::fchdir(old_root.fd()) < 0 || ::mount(nullptr, ".", nullptr, MS_SLAVE | MS_REC, nullptr) < 0)
            return Error::last("separate the old root from the host");
    }
    if (::umount2(".", MNT_DETACH) < 0)
        return Error::last("take the old root away");
    if (::chdir("/") < 0)
        return Error::last("enter the new root");
    return ok();
}

Result<Unit> move_and_chroot(FileView root)
{
    char path[PATH_MAX]; // as mountinfo names it: without the symlinks that root.path may have
    auto length = ::readlink(root.proc_path().c_str(), path, sizeof path);
    if (length < 0)
        return Error::last("find out its path");
    TRY(drop_host_kernel_mounts(std::string(path, static_cast<std::size_t>(length))));
    if (::mount(".", "/", nullptr, MS_MOVE, nullptr) < 0)
        return Error::last("move it to \"/\"");
    if (::fchdir(root.fd()) < 0 || ::chroot(".") < 0 || ::chdir("/") < 0)
        return Error::last("make it the root (chroot)");
    return ok();
}

} // namespace

bool is_shared(RootPlan const& plan)
{
    auto const& wanted = plan.config.linux_section.rootfs_propagation;
    return wanted == "shared" || wanted == "rshared";
}

Result<Unit> set_inherited_propagation(RootPlan const& plan)
{
    auto const& wanted = plan.config.linux_section.rootfs_propagation;
    unsigned long flags = MS_SLAVE | MS_REC;
    if (is_shared(plan))
        flags = propagation_flags(wanted);
    else if (wanted == "private" || wanted == "rprivate")
        flags = MS_PRIVATE | MS_REC;
    TRY(host::mount_classic(nullptr, "/", nullptr, flags, nullptr).or_error("set the propagation of the inherited mounts"));
    if (is_shared(plan))
        return make_holder_private(plan.root);
    return ok();
}

Result<Unit> set_final_propagation(RootPlan const& plan)
{
    auto const& wanted = plan.config.linux_section.rootfs_propagation;
    if (wanted.empty() || !plan.new_mount_namespace)
        return ok();
    return host::mount_classic(nullptr, "/", nullptr, propagation_flags(wanted), nullptr).or_error("linux.rootfsPropagation: set " + quoted(wanted));
}

Result<Unit> RootFileSystem::enter()
{
    auto& builder = m_state->builder;
    auto const& plan = builder.plan;
    builder.working_directory = {};
    if (::fchdir(builder.root.fd()) < 0)
        return Error::last("root.path: enter it");
    if (!plan.new_mount_namespace) {
        if (::chroot(".") < 0 || ::chdir("/") < 0)
            return Error::last("root.path: make it the root (chroot)");
        return ok();
    }
    auto entered = plan.no_pivot ? move_and_chroot(builder.root) : pivot(plan);
    TRY(std::move(entered).context("root.path"));
    return set_final_propagation(plan);
}

} // namespace bulkhead::root
