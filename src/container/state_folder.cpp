#include "container/state_folder.h"
#include "base/text.h"

#include <algorithm>
#include <ctime>
#include <memory>

#include <dirent.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace bulkhead::container {

namespace {

constexpr std::size_t max_id_length = 255;
constexpr int max_removal_depth = 32;

bool is_id_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '+' || c == '-' || c == '.';
}

Error does_not_exist(std::string const& id)
{
    return Error { .code = Errno::noent, .message = "container " + quoted(id) + " does not exist" };
}

// Nothing of the host may be lost through what a container or another program put into a state folder: no symbolic
// link is followed, and a mount point stops the removal (EBUSY).
SysResult<Unit> remove_contents(FileView directory, std::string_view keep, int depth)
{
    if (depth > max_removal_depth)
        return Errno::loop;
    auto again = TRY(open_at(directory, ".", O_RDONLY | O_DIRECTORY));
    std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(again.fd()), ::closedir);
    if (!stream)
        return last_errno();
    again.release();
    SysResult<Unit> result = ok();
    while (auto const* entry = ::readdir(stream.get())) {
        std::string_view name = entry->d_name;
        if (name == "." || name == ".." || name == keep)
            continue;
        if (::unlinkat(directory.fd(), entry->d_name, 0) == 0 || errno == ENOENT)
            continue;
        if (errno != EISDIR && errno != EPERM && errno != EBUSY) {
            result = last_errno();
            continue;
        }
        auto inner = open_at(directory, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        if (inner.is_error()) {
            result = inner.error();
            continue;
        }
        auto removed = remove_contents(inner.value(), "", depth + 1);
        if (removed.is_error())
            result = removed.error();
        if (::unlinkat(directory.fd(), entry->d_name, AT_REMOVEDIR) < 0 && errno != ENOENT)
            result = last_errno();
    }
    return result;
}

void sleep_ms(long milliseconds)
{
    std::timespec pause { .tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000 };
    ::nanosleep(&pause, nullptr);
}

} // namespace

Result<Unit> check_id(std::string_view id)
{
    if (id.empty())
        return invalid("container id is empty");
    if (id.size() > max_id_length)
        return invalid("container id is longer than " + std::to_string(max_id_length) + " characters");
    // Names with a leading dot are for what is shared between containers: <root>/.cache.
    if (id.front() == '.' || !std::all_of(id.begin(), id.end(), is_id_character))
        return invalid("invalid container ID " + quoted(id), "use letters, digits and the characters _ + - . and no leading dot");
    return ok();
}

StateFolder::StateFolder(File root, File directory, std::string path, std::string id)
    : m_root(std::move(root))
    , m_directory(std::move(directory))
    , m_path(std::move(path))
    , m_id(std::move(id))
{
}

Result<StateFolder> StateFolder::make(FileView root, std::string const& root_path, std::string const& id)
{
    TRY(check_id(id));
    if (::mkdirat(root.fd(), id.c_str(), 0700) < 0) {
        if (errno == EEXIST)
            return Error { .code = Errno::exist,
                .message = "container with given ID already exists: " + quoted(id),
                .hint = "use another id, or remove the old container: bulkhead delete --force " + id };
        return Error::last("make the state folder \"" + root_path + "/" + id + "\"");
    }
    auto folder = TRY(open(root, root_path, id));
    TRY(folder.lock(5000)); // `list` looks with a short shared lock
    return folder;
}

Result<StateFolder> StateFolder::open(FileView root, std::string const& root_path, std::string const& id)
{
    TRY(check_id(id));
    auto path = root_path + "/" + id;
    auto directory = open_at(root, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (directory.is_error()) {
        if (directory.error() == Errno::noent)
            return does_not_exist(id);
        return Error::from_errno(directory.error(), "open the state folder \"" + path + "\"");
    }
    File own_root(::fcntl(root.fd(), F_DUPFD_CLOEXEC, 3));
    if (!own_root.is_open())
        return Error::last("keep the state folder \"" + path + "\" open");
    return StateFolder(std::move(own_root), directory.release_value(), path, id);
}

bool StateFolder::is_still_named() const
{
    struct stat by_path { };
    struct stat by_file { };
    return ::fstatat(m_root.fd(), m_id.c_str(), &by_path, AT_SYMLINK_NOFOLLOW) == 0 && ::fstat(m_directory.fd(), &by_file) == 0
        && by_path.st_dev == by_file.st_dev && by_path.st_ino == by_file.st_ino;
}

Result<Unit> StateFolder::lock(int milliseconds)
{
    int left = milliseconds;
    for (int pause = 1;; pause = std::min(pause * 2, 20)) {
        if (::flock(m_directory.fd(), LOCK_EX | LOCK_NB) == 0)
            break;
        if (errno != EWOULDBLOCK && errno != EINTR)
            return Error::last("lock the state folder \"" + m_path + "\"");
        if (left <= 0)
            return Error { .code = Errno::busy,
                .message = "container " + quoted(m_id) + " is in use by another command",
                .hint = "wait for that command, or kill the container: bulkhead delete --force " + m_id };
        sleep_ms(pause);
        left -= pause;
    }
    m_is_locked = true;
    if (is_still_named())
        return ok();
    unlock();
    return does_not_exist(m_id);
}

void StateFolder::unlock()
{
    // By name, not by closing: a child that we forked may still hold a copy of the descriptor.
    if (m_is_locked && m_directory.is_open())
        ::flock(m_directory.fd(), LOCK_UN);
    m_is_locked = false;
}

bool StateFolder::is_locked_by_another() const
{
    if (m_is_locked)
        return false;
    // An own open file description, so that this very object's lock is left alone.
    auto probe = open_at(m_directory, ".", O_RDONLY | O_DIRECTORY);
    if (probe.is_error())
        return false;
    return ::flock(probe.value().fd(), LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

SysResult<std::string> StateFolder::read(std::string const& name, std::size_t limit) const
{
    auto file = TRY(open_at(m_directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
    return read_all(file, limit);
}

SysResult<Unit> StateFolder::replace(std::string const& name, std::string_view text) const
{
    return replace_file_at(m_directory, name, text, 0600);
}

SysResult<Unit> StateFolder::write_new(std::string const& name, std::string_view text) const
{
    auto file = TRY(open_at(m_directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
    return write_all(file, text);
}

Result<Unit> StateFolder::remove()
{
    auto doing = [&] { return "remove the state folder \"" + m_path + "\""; };
    auto emptied = remove_contents(m_directory, "state.json", 0);
    if (emptied.is_error())
        return Error::from_errno(emptied.error(), doing());
    if (::unlinkat(m_directory.fd(), "state.json", 0) < 0 && errno != ENOENT)
        return Error::last(doing());
    if (is_still_named() && ::unlinkat(m_root.fd(), m_id.c_str(), AT_REMOVEDIR) < 0 && errno != ENOENT)
        return Error::last(doing());
    unlock();
    return ok();
}

} // namespace bulkhead::container
