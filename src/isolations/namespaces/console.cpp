#include "isolations/namespaces/console.h"

#include "host/channel.h"

#include <array>

#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <termios.h>
#include <unistd.h>

namespace bulkhead::namespaces {

Result<File> connect_console(std::string const& path)
{
    return host::connect_unix(path).context("console socket");
}

Result<Unit> send_terminal(FileView console, FileView master)
{
    return host::send_files(console, "/dev/ptmx", { master }).or_error("send the terminal to the console socket");
}

Result<Unit> set_terminal_size(FileView terminal, oci::ConsoleSize const& size)
{
    winsize wanted {};
    wanted.ws_row = static_cast<unsigned short>(size.height);
    wanted.ws_col = static_cast<unsigned short>(size.width);
    if (::ioctl(terminal.fd(), TIOCSWINSZ, &wanted) < 0)
        return Error::last("process.consoleSize: set the size of the terminal");
    return ok();
}

Result<Unit> become_controlling_terminal(FileView slave)
{
    for (int fd : { 0, 1, 2 }) {
        if (::dup2(slave.fd(), fd) < 0)
            return Error::last("connect the terminal");
    }
    if (::ioctl(0, TIOCSCTTY, 0) < 0)
        return Error::last("take the controlling terminal");
    return ok();
}

namespace {

bool is_null_device(FileView file)
{
    struct stat status { };
    return ::fstat(file.fd(), &status) == 0 && S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3);
}

} // namespace

void take_null_of_this_root()
{
    File null;
    for (int fd : { 0, 1, 2 }) {
        if (!is_null_device(FileView(fd)))
            continue;
        if (!null.is_open()) {
            // Looked at before it is opened: opening a pipe or another device might wait, or do something.
            auto place = open_at(FileView::current_directory(), "/dev/null", O_PATH | O_NOFOLLOW);
            if (place.is_error() || !is_null_device(place.value()))
                return;
            auto opened = open_at(FileView::current_directory(), "/dev/null", O_RDWR | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK);
            if (opened.is_error() || !is_null_device(opened.value()))
                return;
            null = opened.release_value();
            ::fcntl(null.fd(), F_SETFL, 0);
        }
        ::dup2(null.fd(), fd);
    }
}

Result<TerminalPair> open_terminal_inside(std::uint32_t uid)
{
    auto folder
        = TRY(open_at(FileView::current_directory(), "/dev/pts", O_PATH | O_DIRECTORY | O_NOFOLLOW).or_error("open /dev/pts in the container"));
    struct statfs kind { };
    if (::fstatfs(folder.fd(), &kind) < 0 || kind.f_type != DEVPTS_SUPER_MAGIC)
        return Error {
            .code = Errno::nodev, .message = "/dev/pts in the container is not a devpts", .hint = "mount a devpts there, or ask for no terminal"
        };
    TerminalPair pair;
    pair.master = TRY(open_at(folder, "ptmx", O_RDWR | O_NOCTTY | O_NOFOLLOW).or_error("open a terminal in the container"));
    int unlock = 0;
    if (::ioctl(pair.master.fd(), TIOCSPTLCK, &unlock) < 0)
        return Error::last("unlock the terminal");
    int slave = ::ioctl(pair.master.fd(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0)
        return Error::last("open the terminal's other end");
    pair.slave = File(slave);
    if (::fchown(slave, uid, static_cast<gid_t>(-1)) < 0 && errno != EPERM && errno != EINVAL && errno != EROFS)
        return Error::last("give the terminal to its user");
    return pair;
}

} // namespace bulkhead::namespaces
