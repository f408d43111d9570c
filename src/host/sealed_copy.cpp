#include "host/sealed_copy.h"

#include "base/file.h"
#include "base/text.h"

#include <array>
#include <climits>
#include <vector>

#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

extern char** environ;

namespace bulkhead::host {

namespace {

constexpr char const* copy_name = "bulkhead";

bool is_sealed_copy()
{
    std::array<char, PATH_MAX> target {};
    auto length = ::readlink("/proc/self/exe", target.data(), target.size());
    return length > 0 && std::string_view(target.data(), static_cast<std::size_t>(length)).starts_with("/memfd:" + std::string(copy_name));
}

SysResult<File> make_sealed_copy()
{
    auto original = TRY(open_at(FileView::current_directory(), "/proc/self/exe", O_RDONLY));
    struct stat status { };
    if (::fstat(original.fd(), &status) < 0)
        return last_errno();
    File copy(::memfd_create(copy_name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!copy.is_open())
        return last_errno();
    for (off_t offset = 0; offset < status.st_size;) {
        auto count = ::sendfile(copy.fd(), original.fd(), &offset, static_cast<std::size_t>(status.st_size - offset));
        if (count <= 0)
            return count < 0 ? last_errno() : Errno::io;
    }
    if (::fcntl(copy.fd(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
        return last_errno();
    return copy;
}

} // namespace

Result<Unit> run_from_sealed_copy()
{
    if (is_sealed_copy())
        return ok();
    auto copy = TRY(make_sealed_copy().or_error("copy the runtime into memory"));
    auto words = TRY(read_file("/proc/self/cmdline"));
    std::vector<char*> arguments;
    for (std::size_t begin = 0; begin < words.size(); begin = words.find('\0', begin) + 1)
        arguments.push_back(words.data() + begin);
    arguments.push_back(nullptr);
    ::syscall(SYS_execveat, copy.fd(), "", arguments.data(), environ, AT_EMPTY_PATH);
    return Error::last("run the runtime from its copy in memory");
}

} // namespace bulkhead::host
