#include "base/file.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include <sys/stat.h>
#include <unistd.h>

namespace bulkhead {

std::string FileView::proc_path() const
{
    return "/proc/self/fd/" + std::to_string(m_fd);
}

File& File::operator=(File&& other) noexcept
{
    if (this != &other) {
        close();
        m_fd = other.release();
    }
    return *this;
}

int File::release()
{
    return std::exchange(m_fd, -1);
}

void File::close()
{
    if (m_fd >= 0)
        ::close(std::exchange(m_fd, -1)); // after EINTR the descriptor is gone all the same (close(2))
}

SysResult<File> open_at(FileView directory, char const* path, int flags, mode_t mode)
{
    for (;;) {
        int fd = ::openat(directory.fd(), path, flags | O_CLOEXEC, mode);
        if (fd >= 0)
            return File(fd);
        if (errno != EINTR)
            return last_errno();
    }
}

Result<File> open_file(std::string const& path, int flags, mode_t mode)
{
    auto file = open_at(FileView::current_directory(), path, flags, mode);
    if (file.is_error())
        return Error::from_errno(file.error(), "open \"" + path + "\"");
    return file.release_value();
}

SysResult<std::string> read_all(FileView file, std::size_t limit)
{
    std::string text;
    std::size_t length = 0;
    std::size_t chunk = 4096;
    struct stat status { };
    if (::fstat(file.fd(), &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0)
        chunk = std::min<std::size_t>(static_cast<std::size_t>(status.st_size) + 1, limit + 1);
    for (;;) {
        text.resize(length + chunk);
        auto count = ::read(file.fd(), text.data() + length, chunk);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return last_errno();
        length += static_cast<std::size_t>(count);
        if (length > limit)
            return Errno::overflow;
        if (count == 0)
            break;
        chunk = std::max<std::size_t>(4096, std::min<std::size_t>(length, limit + 1 - length));
    }
    text.resize(length);
    return text;
}

Result<std::string> read_file(std::string const& path, std::size_t limit)
{
    auto file = TRY(open_file(path, O_RDONLY));
    return read_all(file, limit).or_error("read \"" + path + "\"");
}

SysResult<std::string> read_file_at(FileView directory, std::string const& path, std::size_t limit)
{
    auto file = TRY(open_at(directory, path, O_RDONLY));
    return read_all(file, limit);
}

SysResult<Unit> write_all(FileView file, std::string_view bytes)
{
    while (!bytes.empty()) {
        auto count = ::write(file.fd(), bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return last_errno();
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return ok();
}

SysResult<Unit> write_existing_at(FileView directory, char const* path, std::string_view bytes)
{
    auto file = TRY(open_at(directory, path, O_WRONLY));
    for (;;) {
        auto count = ::write(file.fd(), bytes.data(), bytes.size());
        if (count >= 0)
            return static_cast<std::size_t>(count) == bytes.size() ? SysResult<Unit>(ok()) : SysResult<Unit>(Errno::io);
        if (errno != EINTR)
            return last_errno();
    }
}

SysResult<Unit> replace_file_at(FileView directory, std::string const& name, std::string_view bytes, mode_t mode)
{
    auto temporary = "." + name + "." + std::to_string(::getpid());
    auto file = TRY(open_at(directory, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode));
    auto written = write_all(file, bytes);
    if (written.is_ok() && ::renameat(directory.fd(), temporary.c_str(), directory.fd(), name.c_str()) < 0)
        written = last_errno();
    if (written.is_error())
        ::unlinkat(directory.fd(), temporary.c_str(), 0);
    return written;
}

} // namespace bulkhead
