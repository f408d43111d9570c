#include "host/path_walk.h"

#include "base/text.h"
#include "host/mount_api.h"

#include <climits>
#include <optional>
#include <vector>

#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <unistd.h>

namespace bulkhead::host {

namespace {

constexpr int most_links = 40; // as the kernel's MAXSYMLINKS
constexpr int most_tries = 32; // against somebody who swaps things while we look

std::uint64_t resolve_bits(WalkOptions const& options)
{
    std::uint64_t bits = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
    if (options.links == Links::refuse)
        bits |= RESOLVE_NO_SYMLINKS;
    if (options.stay_on_mount)
        bits |= RESOLVE_NO_XDEV;
    return bits;
}

// One walk by hand. Each step opens one name with O_NOFOLLOW below a descriptor that was reached the same way, so a
// rename can change what is found, but never lead out of the root.
class Walk {
public:
    Walk(FileView root, WalkOptions options, std::optional<Make> make)
        : m_root(root)
        , m_options(options)
        , m_make(make)
    {
    }

    SysResult<File> run(std::string const& path)
    {
        push_components(path);
        while (!m_pending.empty()) {
            auto name = std::move(m_pending.back());
            m_pending.pop_back();
            if (name == "..") {
                if (!m_way.empty())
                    m_way.pop_back();
                continue;
            }
            TRY(step(name));
        }
        if (m_way.empty())
            return open_at(m_root, ".", O_PATH);
        return std::move(m_way.back());
    }

private:
    FileView here() const { return m_way.empty() ? m_root : FileView(m_way.back()); }

    void push_components(std::string_view path)
    {
        auto parts = split(path, '/');
        for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
            if (!part->empty() && *part != ".")
                m_pending.emplace_back(*part);
        }
    }

    SysResult<Unit> step(std::string const& name)
    {
        bool is_last = m_pending.empty();
        auto file = TRY(open_or_make(name, is_last));
        struct stat status { };
        if (::fstat(file.fd(), &status) < 0)
            return last_errno();
        if (S_ISLNK(status.st_mode) && !(is_last && m_options.links == Links::follow_but_last))
            return follow(file);
        if (!is_last && !S_ISDIR(status.st_mode))
            return Errno::notdir;
        if (m_options.stay_on_mount)
            TRY(check_same_mount(status.st_dev));
        m_way.push_back(std::move(file));
        return ok();
    }

    SysResult<File> open_or_make(std::string const& name, bool is_last)
    {
        for (int tries = 0; tries < most_tries; ++tries) {
            auto file = open_at(here(), name, O_PATH | O_NOFOLLOW);
            if (file.is_ok() || file.error() != Errno::noent || !m_make)
                return file;
            int made = is_last && *m_make == Make::file ? ::mknodat(here().fd(), name.c_str(), S_IFREG | 0644, 0)
                                                        : ::mkdirat(here().fd(), name.c_str(), 0755);
            if (made < 0 && errno != EEXIST)
                return last_errno();
        }
        return Errno::again;
    }

    SysResult<Unit> follow(FileView link)
    {
        if (m_options.links == Links::refuse || ++m_links > most_links)
            return Errno::loop;
        char text[PATH_MAX];
        auto length = ::readlinkat(link.fd(), "", text, sizeof text);
        if (length < 0)
            return last_errno();
        if (length == 0)
            return Errno::noent;
        std::string_view target(text, static_cast<std::size_t>(length));
        auto type = TRY(file_system_type(link));
        // The links of procfs that are text lead to relative names ("self", "self/net"); all others are magic.
        if (type == PROC_SUPER_MAGIC && (target[0] == '/' || target.find(":[") != std::string_view::npos))
            return Errno::loop;
        if (target[0] == '/')
            m_way.clear();
        push_components(target);
        return ok();
    }

    SysResult<Unit> check_same_mount(dev_t device) const
    {
        struct stat root { };
        if (::fstat(m_root.fd(), &root) < 0)
            return last_errno();
        if (root.st_dev != device)
            return Errno::xdev;
        return ok();
    }

    FileView m_root;
    WalkOptions m_options;
    std::optional<Make> m_make;
    std::vector<std::string> m_pending; // components still to go, the next one last
    std::vector<File> m_way; // the folders passed below the root; ".." goes back along it
    int m_links = 0;
};

SysResult<Unit> check_length(std::string const& path)
{
    if (path.empty())
        return Errno::noent;
    if (path.size() >= PATH_MAX)
        return Errno::nametoolong;
    return ok();
}

} // namespace

SysResult<File> find_in_root(FileView root, std::string const& path, WalkOptions options)
{
    TRY(check_length(path));
    // With RESOLVE_NO_SYMLINKS, O_PATH and O_NOFOLLOW together would open a symlink at the end instead of refusing it.
    int flags = O_PATH | (options.links == Links::follow_but_last ? O_NOFOLLOW : 0);
    for (int tries = 0; tries < most_tries; ++tries) {
        auto file = open_resolved(root, path.c_str(), flags, resolve_bits(options));
        if (file.is_ok())
            return file;
        if (file.error() == Errno::nosys)
            break;
        if (file.error() != Errno::again) // EAGAIN: something was renamed while `..` was resolved
            return file;
    }
    return Walk(root, options, std::nullopt).run(path);
}

SysResult<File> open_in_root(FileView root, std::string const& path, int flags, WalkOptions options)
{
    TRY(check_length(path));
    if (options.links == Links::follow_but_last)
        flags |= O_NOFOLLOW;
    for (int tries = 0; tries < most_tries; ++tries) {
        auto file = open_resolved(root, path.c_str(), flags, resolve_bits(options));
        if (file.is_ok())
            return file;
        if (file.error() == Errno::nosys)
            break;
        if (file.error() != Errno::again)
            return file;
    }
    auto found = TRY(Walk(root, options, std::nullopt).run(path));
    struct stat status { };
    if (::fstat(found.fd(), &status) < 0)
        return last_errno();
    if (S_ISLNK(status.st_mode))
        return Errno::loop;
    return open_at(FileView::current_directory(), found.proc_path(), flags & ~O_NOFOLLOW);
}

SysResult<File> make_in_root(FileView root, std::string const& path, Make make, WalkOptions options)
{
    auto file = find_in_root(root, path, options);
    if (file.is_ok() || file.error() != Errno::noent)
        return file;
    TRY(check_length(path));
    return Walk(root, options, make).run(path);
}

std::string clean_path(std::string_view path)
{
    std::vector<std::string_view> kept;
    for (auto part : split(path, '/')) {
        if (part.empty() || part == ".")
            continue;
        if (part != "..")
            kept.push_back(part);
        else if (!kept.empty())
            kept.pop_back();
    }
    std::string clean;
    for (auto part : kept) {
        clean += '/';
        clean += part;
    }
    return clean.empty() ? "/" : clean;
}

} // namespace bulkhead::host
