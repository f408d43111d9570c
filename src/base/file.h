// File owns a file descriptor and closes it; FileView borrows one. No naked `int fd` in signatures.
#pragma once

#include "base/result.h"

#include <span>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sys/types.h>

namespace bulkhead {

class FileView {
public:
    constexpr FileView() = default;
    constexpr explicit FileView(int fd)
        : m_fd(fd)
    {
    }
    // AT_FDCWD: paths are taken from the current working directory.
    static constexpr FileView current_directory() { return FileView(AT_FDCWD); }
    constexpr int fd() const { return m_fd; }
    constexpr bool is_open() const { return m_fd >= 0 || m_fd == AT_FDCWD; }
    // "/proc/self/fd/N": names this open file for calls that only take paths.
    std::string proc_path() const;

private:
    int m_fd = -1;
};

class File {
public:
    File() = default;
    explicit File(int fd)
        : m_fd(fd)
    {
    }
    File(File&& other) noexcept
        : m_fd(other.release())
    {
    }
    File& operator=(File&& other) noexcept;
    File(File const&) = delete;
    File& operator=(File const&) = delete;
    ~File() { close(); }

    operator FileView() const { return FileView(m_fd); } // NOLINT(google-explicit-constructor): borrowing is always fine
    int fd() const { return m_fd; }
    bool is_open() const { return m_fd >= 0; }
    int release();
    void close();
    std::string proc_path() const { return FileView(m_fd).proc_path(); }

private:
    int m_fd = -1;
};

// openat(2) with O_CLOEXEC always added.
SysResult<File> open_at(FileView directory, char const* path, int flags, mode_t mode = 0);
inline SysResult<File> open_at(FileView directory, std::string const& path, int flags, mode_t mode = 0)
{
    return open_at(directory, path.c_str(), flags, mode);
}
// The same from the working directory, with an error that names the path.
Result<File> open_file(std::string const& path, int flags, mode_t mode = 0);

// Reads all of it, at most LIMIT bytes; a longer file is an error (Errno::overflow), never a truncated text.
constexpr std::size_t default_read_limit = 16 * 1024 * 1024;
SysResult<std::string> read_all(FileView file, std::size_t limit = default_read_limit);
Result<std::string> read_file(std::string const& path, std::size_t limit = default_read_limit);
SysResult<std::string> read_file_at(FileView directory, std::string const& path, std::size_t limit = default_read_limit);

SysResult<Unit> write_all(FileView file, std::string_view bytes);
// One open(O_WRONLY) and one write(2), as files of /proc, /sys and cgroups want it. Never creates.
SysResult<Unit> write_existing_at(FileView directory, char const* path, std::string_view bytes);
// Writes a temporary file in DIRECTORY, then renames it over NAME: readers see the old or the new text, never a part.
SysResult<Unit> replace_file_at(FileView directory, std::string const& name, std::string_view bytes, mode_t mode);

} // namespace bulkhead
