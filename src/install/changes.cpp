#include "install/changes.h"

#include "base/file.h"
#include "base/text.h"

#include <array>
#include <climits>

#include <sys/stat.h>
#include <unistd.h>

namespace bulkhead::install {

namespace {

constexpr std::size_t max_program_size = 256UL * 1024 * 1024;

std::string folder_of(std::string const& path)
{
    auto slash = path.rfind('/');
    return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

Result<Unit> make_folders(std::string const& path)
{
    for (auto slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
        auto part = path.substr(0, slash);
        if (::mkdir(part.c_str(), 0755) < 0 && errno != EEXIST)
            return Error::last("make the folder " + quoted(part));
        if (slash == std::string::npos)
            return ok();
    }
}

bool exists(std::string const& path)
{
    struct stat status { };
    return ::lstat(path.c_str(), &status) == 0;
}

// A configuration that is a symbolic link stays one: what it leads to is replaced.
std::string real_place(std::string const& path)
{
    std::array<char, PATH_MAX> resolved {};
    return ::realpath(path.c_str(), resolved.data()) ? std::string(resolved.data()) : path;
}

} // namespace

Result<std::string> Changes::read_or_empty(std::string const& path)
{
    auto text = read_file(path, max_program_size);
    if (text.is_error() && text.error().code == Errno::noent)
        return std::string();
    return text;
}

void Changes::did(std::string_view what, std::string const& path)
{
    say((m_only_say ? "would have " : "") + std::string(what) + " " + path);
}

Result<Unit> Changes::write_atomically(std::string const& path, std::string_view text, mode_t mode) const
{
    if (m_only_say)
        return ok();
    auto place = real_place(path);
    TRY(make_folders(folder_of(place)));
    auto folder = TRY(open_file(folder_of(place), O_PATH | O_DIRECTORY));
    return replace_file_at(folder, place.substr(place.rfind('/') + 1), text, mode).or_error("write " + quoted(path));
}

Result<Unit> Changes::write(std::string const& path, std::string_view text, mode_t mode)
{
    auto before = TRY(read_or_empty(path));
    if (exists(path) && before == text) {
        say(path + " is as it should be");
        return ok();
    }
    struct stat status { };
    if (::stat(path.c_str(), &status) == 0) {
        mode = status.st_mode & 07777;
        if (!exists(backup_of(path))) {
            TRY(write_atomically(backup_of(path), before, mode));
            did("kept the old text as", backup_of(path));
        }
    }
    TRY(write_atomically(path, text, mode));
    did("written", path);
    return ok();
}

Result<Unit> Changes::copy_program(std::string const& from, std::string const& to)
{
    auto program = TRY(read_file(from, max_program_size));
    auto there = read_file(to, max_program_size);
    if (there.is_ok() && there.value() == program) {
        say(to + " is this version already");
        return ok();
    }
    TRY(write_atomically(to, program, 0755));
    did("copied the program to", to);
    return ok();
}

Result<Unit> Changes::link(std::string const& path, std::string const& target)
{
    std::array<char, PATH_MAX> now {};
    auto length = ::readlink(path.c_str(), now.data(), now.size());
    if (length > 0 && std::string_view(now.data(), static_cast<std::size_t>(length)) == target)
        return ok();
    if (exists(path) && length < 0)
        return Error { .code = Errno::exist, .message = quoted(path) + " exists and is not our link", .hint = "move it away" };
    if (!m_only_say) {
        auto fresh = path + ".new";
        ::unlink(fresh.c_str());
        if (::symlink(target.c_str(), fresh.c_str()) < 0 || ::rename(fresh.c_str(), path.c_str()) < 0)
            return Error::last("make the link " + quoted(path));
    }
    did("linked", path);
    return ok();
}

Result<Unit> Changes::remove(std::string const& path)
{
    if (!exists(path))
        return ok();
    if (!m_only_say && ::remove(path.c_str()) < 0)
        return Error::last("remove " + quoted(path));
    did("removed", path);
    return ok();
}

} // namespace bulkhead::install
