#include "seccomp/cache.h"

#include "base/file.h"
#include "base/log.h"
#include "seccomp/cache_file.h"
#include "seccomp/compile.h"

#include <algorithm>
#include <cstring>
#include <ctime>
#include <memory>
#include <string_view>
#include <vector>

#include <dirent.h>
#include <seccomp.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace bulkhead::seccomp {

namespace {

// Changes whenever the same profile is compiled into something else.
constexpr std::string_view compiler_version = "bulkhead seccomp 1";
constexpr std::string_view suffix = ".bpf";
constexpr time_t abandoned_after = 3600; // seconds: a temporary file of a writer that died

// The content hashed in a form in which no two profiles look the same: every text and list is preceded by its length.
class Canonical {
public:
    void add(std::uint64_t number) { m_hash.add({ static_cast<char const*>(static_cast<void const*>(&number)), sizeof(number) }); }
    void add(std::string_view text)
    {
        add(text.size());
        m_hash.add(text);
    }
    void add(std::vector<std::string> const& texts)
    {
        add(texts.size());
        for (auto const& text : texts)
            add(std::string_view(text));
    }
    void add(std::optional<std::uint32_t> number) { add(number ? std::uint64_t(*number) : ~std::uint64_t(0)); }
    Sha256::Digest finish() { return m_hash.finish(); }

private:
    Sha256 m_hash;
};

void add_syscall(Canonical& content, oci::SeccompSyscall const& entry)
{
    content.add(entry.names);
    content.add(std::string_view(entry.action));
    content.add(entry.errno_ret);
    content.add(entry.args.size());
    for (auto const& argument : entry.args) {
        content.add(std::uint64_t(argument.index));
        content.add(argument.value);
        content.add(argument.value_two);
        content.add(std::string_view(argument.op));
    }
}

void add_host(Canonical& content)
{
    content.add(compiler_version);
    auto const* library = seccomp_version();
    content.add((std::uint64_t(library->major) << 40) + (std::uint64_t(library->minor) << 20) + library->micro);
    utsname host {};
    ::uname(&host);
    content.add(std::string_view(host.release));
    content.add(std::uint64_t(seccomp_arch_native()));
}

bool is_own(struct stat const& status)
{
    return S_ISREG(status.st_mode) && status.st_uid == ::geteuid() && (status.st_mode & 077) == 0
        && status.st_size <= static_cast<off_t>(max_cache_file_size);
}

std::optional<Program> read_cached(std::string const& path, Sha256::Digest const& key)
{
    auto file = open_at(FileView::current_directory(), path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    struct stat status { };
    if (file.is_error() || ::fstat(file.value().fd(), &status) < 0 || !is_own(status))
        return std::nullopt;
    std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
    if (::read(file.value().fd(), bytes.data(), bytes.size()) != status.st_size)
        return std::nullopt;
    return decode_program(bytes, key);
}

struct Entry {
    std::string name;
    timespec changed {};
};

bool is_older(Entry const& left, Entry const& right)
{
    if (left.changed.tv_sec != right.changed.tv_sec)
        return left.changed.tv_sec < right.changed.tv_sec;
    return left.changed.tv_nsec < right.changed.tv_nsec;
}

struct Close {
    void operator()(DIR* directory) const { ::closedir(directory); }
};

// The cached programs; temporary files that nobody writes any more are removed on the way.
std::vector<Entry> list_programs(FileView folder)
{
    std::vector<Entry> entries;
    auto copy = open_at(folder, ".", O_RDONLY | O_DIRECTORY);
    if (copy.is_error())
        return entries;
    std::unique_ptr<DIR, Close> directory(::fdopendir(copy.value().fd()));
    if (!directory)
        return entries;
    copy.value().release();
    while (auto const* found = ::readdir(directory.get())) {
        std::string_view name = found->d_name;
        struct stat status { };
        if (::fstatat(folder.fd(), found->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0 || S_ISDIR(status.st_mode))
            continue;
        if (name.starts_with('.')) {
            if (status.st_mtim.tv_sec + abandoned_after < ::time(nullptr))
                ::unlinkat(folder.fd(), found->d_name, 0);
        } else if (name.ends_with(suffix)) {
            entries.push_back({ .name = std::string(name), .changed = status.st_mtim });
        }
    }
    return entries;
}

void remove_oldest(FileView folder)
{
    auto entries = list_programs(folder);
    if (entries.size() <= max_cached_programs)
        return;
    std::sort(entries.begin(), entries.end(), is_older);
    entries.resize(entries.size() - max_cached_programs);
    for (auto const& entry : entries)
        ::unlinkat(folder.fd(), entry.name.c_str(), 0);
}

// Both levels may be missing; what is there already must be ours and closed to others.
SysResult<File> open_folder(std::string const& folder)
{
    auto inner = folder + "/seccomp";
    if (::mkdir(folder.c_str(), 0700) < 0 && errno != EEXIST)
        return last_errno();
    if (::mkdir(inner.c_str(), 0700) < 0 && errno != EEXIST)
        return last_errno();
    auto directory = TRY(open_at(FileView::current_directory(), inner, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    struct stat status { };
    if (::fstat(directory.fd(), &status) < 0)
        return last_errno();
    if (status.st_uid != ::geteuid() || (status.st_mode & 022) != 0)
        return Errno::perm;
    return directory;
}

SysResult<Unit> store(std::string const& folder, std::string const& name, std::string_view bytes)
{
    auto directory = TRY(open_folder(folder));
    TRY(replace_file_at(directory, name, bytes, 0600));
    remove_oldest(directory);
    return ok();
}

} // namespace

Sha256::Digest cache_key(oci::Seccomp const& profile)
{
    Canonical content;
    add_host(content);
    content.add(std::string_view(profile.default_action));
    content.add(profile.default_errno_ret);
    content.add(profile.architectures);
    content.add(profile.flags);
    content.add(profile.syscalls.size());
    for (auto const& entry : profile.syscalls)
        add_syscall(content, entry);
    return content.finish();
}

Result<Program> compile_cached(oci::Seccomp const& profile, std::string const& folder)
{
    auto key = cache_key(profile);
    auto name = to_hex(key) + std::string(suffix);
    if (auto cached = read_cached(folder + "/seccomp/" + name, key))
        return with_listener(std::move(*cached), profile);
    auto program = TRY(compile(profile));
    if (auto stored = store(folder, name, encode_program(program, key)); stored.is_error())
        log::debug("cannot keep the compiled seccomp filter", { { "folder", folder }, { "error", errno_text(stored.error()) } });
    return program;
}

} // namespace bulkhead::seccomp
