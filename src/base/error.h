// Error: what could not be done, why, and what to try; Errno: the bare number for callers that decide by it.
#pragma once

#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>

namespace bulkhead {

// An errno value as a type of its own (errno(3)). Any value of the host's errno fits.
enum class Errno : std::uint16_t {
    none = 0,
    perm = EPERM,
    noent = ENOENT,
    srch = ESRCH,
    intr = EINTR,
    io = EIO,
    badf = EBADF,
    child = ECHILD,
    again = EAGAIN,
    nomem = ENOMEM,
    access = EACCES,
    busy = EBUSY,
    exist = EEXIST,
    nodev = ENODEV,
    notdir = ENOTDIR,
    isdir = EISDIR,
    inval = EINVAL,
    nospc = ENOSPC,
    rofs = EROFS,
    range = ERANGE,
    nametoolong = ENAMETOOLONG,
    nosys = ENOSYS,
    notempty = ENOTEMPTY,
    loop = ELOOP,
    overflow = EOVERFLOW,
    notsup = EOPNOTSUPP,
    timedout = ETIMEDOUT,
    connrefused = ECONNREFUSED,
    nxio = ENXIO,
    pipe = EPIPE,
    xdev = EXDEV,
};

inline Errno last_errno()
{
    return static_cast<Errno>(errno);
}

// "no such file or directory": lower case, never a bare number.
std::string errno_text(Errno code);
// "ENOENT"
std::string_view errno_name(Errno code);
// The number of a name such as "EPERM" (any errno of the host); Errno::none when unknown.
Errno errno_by_name(std::string_view name);

struct Error {
    Errno code = Errno::none;
    std::string message; // what could not be done and why; lower case, no final stop
    std::string hint = {}; // what to try; may be empty
    int exit_status = 1; // what the command line leaves with

    static Error from_errno(Errno code, std::string_view doing);
    // From the errno of the call that just failed: `return Error::last("open \"" + path + "\"")`.
    static Error last(std::string_view doing) { return from_errno(last_errno(), doing); }
    void add_context(std::string_view doing);
};

inline Error invalid(std::string message, std::string hint = {})
{
    return Error { .code = Errno::inval, .message = std::move(message), .hint = std::move(hint) };
}

} // namespace bulkhead
