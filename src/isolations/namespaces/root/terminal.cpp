// The container's terminal: a pair out of its own devpts, and /dev/console. CVE-2025-52565: neither is ever found
// through a name that the image could have prepared.
#include "isolations/namespaces/root/builder.h"
#include "isolations/namespaces/root/open_umask.h"

#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

namespace bulkhead::root {

Result<Terminal> RootFileSystem::open_terminal()
{
    auto& builder = m_state->builder;
    auto const& process = builder.plan.config.process;
    auto folder = TRY(host::find_in_root(builder.root, "/dev/pts", { .links = host::Links::refuse }).or_error("process.terminal: open /dev/pts"));
    auto type = host::file_system_type(folder);
    if (type.is_error() || type.value() != DEVPTS_SUPER_MAGIC)
        return Error { .code = Errno::nodev,
            .message = "process.terminal: there is no devpts at /dev/pts to take a terminal from",
            .hint = "add a mount of type devpts" };
    Terminal terminal;
    terminal.master = TRY(open_at(folder, "ptmx", O_RDWR | O_NOCTTY | O_NOFOLLOW).or_error("process.terminal: open a new terminal"));
    int locked = 0;
    if (::ioctl(terminal.master.fd(), TIOCSPTLCK, &locked) < 0)
        return Error::last("process.terminal: unlock the new terminal");
    int slave = ::ioctl(terminal.master.fd(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0)
        return Error::last("process.terminal: open the other end of the new terminal");
    terminal.slave = File(slave);
    auto uid = process ? process->user.uid : 0;
    if (::fchown(slave, uid, static_cast<gid_t>(-1)) < 0 || ::fchmod(slave, 0620) < 0)
        return Error::last("process.terminal: give the terminal to its user");
    return terminal;
}

Result<Unit> RootFileSystem::bind_console(FileView slave)
{
    auto& builder = m_state->builder;
    if (!builder.plan.new_mount_namespace)
        return ok();
    OpenUmask open_umask;
    auto dev = TRY(host::make_in_root(builder.root, "/dev", host::Make::directory).or_error("/dev/console: open /dev"));
    struct stat status { };
    bool is_present = ::fstatat(dev.fd(), "console", &status, AT_SYMLINK_NOFOLLOW) == 0;
    if (is_present && S_ISLNK(status.st_mode)) {
        if (::unlinkat(dev.fd(), "console", 0) < 0)
            return Error::last("/dev/console: remove the image's symlink");
        is_present = false;
    }
    if (!is_present && ::mknodat(dev.fd(), "console", S_IFREG | 0600, 0) < 0 && errno != EEXIST)
        return Error::last("/dev/console: make a place for it");
    auto tree = TRY(host::clone_tree(slave, "", host::Depth::one_mount).or_error("/dev/console: copy the terminal's mount"));
    // Somebody may have put a symlink there meanwhile: the last component is not followed.
    return host::attach_tree(tree, dev, "console").or_error("/dev/console: bind the terminal");
}

} // namespace bulkhead::root
