#include "do/private_root.h"

#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "host/mount_api.h"

#include <algorithm>

#include <dirent.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

namespace bulkhead::do_command {

using host::Depth;

namespace {

constexpr int max_depth = 8;
constexpr std::uint64_t quiet_attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;

Result<Unit> map_caller_to_root(uid_t uid, gid_t gid)
{
    auto here = FileView::current_directory();
    TRY(write_existing_at(here, "/proc/self/setgroups", "deny").or_error("deny setgroups in the user namespace"));
    TRY(write_existing_at(here, "/proc/self/uid_map", "0 " + std::to_string(uid) + " 1\n").or_error("map the user id"));
    return write_existing_at(here, "/proc/self/gid_map", "0 " + std::to_string(gid) + " 1\n").or_error("map the group id");
}

// Every folder on the way to PATH, below ROOT.
SysResult<Unit> make_folders(std::string const& root, std::string_view path)
{
    for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
        auto part = root + std::string(path.substr(0, end));
        if (::mkdir(part.c_str(), 0755) < 0 && errno != EEXIST)
            return last_errno();
        if (end == std::string_view::npos)
            return ok();
    }
}

// A merged folder looks like its upper layer: owner and mode have to be those of the lower one.
void copy_look(struct stat const& from, std::string const& to)
{
    (void)!::chown(to.c_str(), from.st_uid, from.st_gid); // an id that is not mapped cannot be had
    ::chmod(to.c_str(), from.st_mode & 07777);
}

} // namespace

Result<Unit> enter_private_namespaces(Privileges privileges)
{
    auto uid = ::geteuid();
    auto gid = ::getegid();
    int flags = CLONE_NEWNS | (privileges == Privileges::none ? CLONE_NEWUSER : 0);
    if (::unshare(flags) < 0)
        return Error {
            .code = last_errno(), .message = "make a private mount namespace: " + errno_text(last_errno()), .hint = "see `bulkhead check namespaces`"
        };
    if (privileges == Privileges::none)
        TRY(map_caller_to_root(uid, gid));
    return host::mount_classic(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr).or_error("make every mount private");
}

Result<PrivateRoot> PrivateRoot::build(std::string folder, Privileges privileges)
{
    PrivateRoot root(std::move(folder), privileges);
    auto mountinfo = TRY(read_file("/proc/self/mountinfo"));
    root.m_mounts = parse_mount_table(mountinfo);
    TRY(root.mount_layers());
    TRY(root.lay("/", 0));
    // Where one overlay over / was possible, other file systems of the host are still to come; else they are there.
    if (privileges == Privileges::host) {
        for (auto const& mount : mounts_to_show(root.m_mounts)) {
            auto laid = root.lay(mount.path, max_depth);
            if (laid.is_error())
                log::debug("a file system of the host is not shown", { { "path", mount.path }, { "reason", laid.error().message } });
        }
    }
    TRY(root.replace_by_tmpfs("/tmp", "1777"));
    TRY(root.replace_by_tmpfs("/run", "755"));
    return root;
}

Result<Unit> PrivateRoot::mount_layers()
{
    auto doing = [&] { return "mount a tmpfs on " + quoted(m_folder); };
    auto tmpfs = [&]() -> SysResult<File> {
        auto file_system = TRY(host::NewFileSystem::open("tmpfs"));
        TRY(file_system.set_text("mode", "755"));
        return file_system.mount(quiet_attributes);
    }();
    if (tmpfs.is_error())
        return Error::from_errno(tmpfs.error(), doing());
    for (auto const* name : { "upper", "work", "root" })
        if (::mkdirat(tmpfs.value().fd(), name, 0755) < 0)
            return Error::last(doing());
    return host::attach_tree(tmpfs.value(), FileView::current_directory(), m_folder.c_str()).or_error(doing());
}

SysResult<Unit> PrivateRoot::overlay(std::string const& path)
{
    // Commas and colons would end a path in the options of an overlay.
    if (path.find_first_of(",:\\") != std::string::npos)
        return Errno::inval;
    struct stat status { };
    if (::stat(path.c_str(), &status) < 0)
        return last_errno();
    auto number = std::to_string(m_layers++);
    auto upper = m_folder + "/upper/" + number;
    auto work = m_folder + "/work/" + number;
    if (::mkdir(upper.c_str(), 0755) < 0 || ::mkdir(work.c_str(), 0755) < 0)
        return last_errno();
    copy_look(status, upper);
    auto options = "lowerdir=" + path + ",upperdir=" + upper + ",workdir=" + work;
    if (m_privileges == Privileges::none)
        options += ",userxattr"; // trusted.* are for the host's root only
    return host::mount_classic("bulkhead", inside(path).c_str(), "overlay", MS_NOSUID | MS_NODEV, options.c_str());
}

SysResult<Unit> PrivateRoot::bind_read_only(std::string const& path)
{
    auto tree = TRY(host::clone_tree(FileView::current_directory(), path.c_str(), Depth::whole_tree));
    TRY(host::set_mount_attributes(tree, "", { .set = quiet_attributes | MOUNT_ATTR_RDONLY, .propagation = MS_PRIVATE }, Depth::whole_tree));
    return host::attach_tree(tree, FileView::current_directory(), inside(path).c_str());
}

// PATH as it is on the host, at its place in the root, where a folder stands already.
Result<Unit> PrivateRoot::lay(std::string const& path, int depth)
{
    struct stat status { };
    if (::stat(path.c_str(), &status) < 0)
        return Error::last("look at " + quoted(path));
    auto laid = S_ISDIR(status.st_mode) ? overlay(path) : SysResult<Unit>(Errno::notdir);
    if (laid.is_ok())
        return ok();
    // In a user namespace a folder cannot be a lower layer while other mounts are below it: its entries are laid one by one.
    bool has_mounts = std::any_of(m_mounts.begin(), m_mounts.end(), [&](MountEntry const& mount) { return is_below(mount.path, path); });
    if (S_ISDIR(status.st_mode) && has_mounts && depth < max_depth)
        return lay_by_hand(path, depth);
    if (S_ISDIR(status.st_mode))
        log::debug("no overlay over a folder of the host; it is shown read-only", { { "path", path }, { "reason", errno_text(laid.error()) } });
    return bind_read_only(path).or_error("show " + quoted(path) + " read-only");
}

Result<Unit> PrivateRoot::lay_by_hand(std::string const& path, int depth)
{
    auto* folder = ::opendir(path.c_str());
    if (!folder)
        return Error::last("list " + quoted(path));
    struct stat status { };
    if (::stat(path.c_str(), &status) == 0)
        copy_look(status, inside(path));
    while (auto const* entry = ::readdir(folder)) {
        std::string_view name = entry->d_name;
        if (name == "." || name == "..")
            continue;
        auto child = (path == "/" ? "" : path) + "/" + std::string(name);
        auto laid = lay_entry(child, entry->d_type, depth + 1);
        if (laid.is_error())
            log::debug("a part of the host is not shown", { { "path", child }, { "reason", laid.error().message } });
    }
    ::closedir(folder);
    return ok();
}

Result<Unit> PrivateRoot::lay_entry(std::string const& path, unsigned char kind, int depth)
{
    auto place = inside(path);
    auto doing = [&] { return "make " + quoted(place); };
    if (kind == DT_LNK) {
        std::string target(4096, '\0');
        auto length = ::readlink(path.c_str(), target.data(), target.size());
        if (length < 0)
            return Error::last("read the link " + quoted(path));
        target.resize(static_cast<std::size_t>(length));
        if (::symlink(target.c_str(), place.c_str()) < 0)
            return Error::last(doing());
        return ok();
    }
    if (kind == DT_REG) {
        File file(::open(place.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
        if (!file.is_open())
            return Error::last(doing());
        return bind_read_only(path).or_error("show " + quoted(path));
    }
    if (kind != DT_DIR)
        return ok(); // sockets, pipes and devices of the host are not for the inside
    if (::mkdir(place.c_str(), 0755) < 0)
        return Error::last(doing());
    auto mount = std::find_if(m_mounts.rbegin(), m_mounts.rend(), [&](MountEntry const& one) { return one.path == path; });
    if (is_replaced(path) || (mount != m_mounts.rend() && is_pseudo_file_system(mount->type)))
        return ok();
    return lay(path, depth);
}

Result<Unit> PrivateRoot::replace_by_tmpfs(std::string const& path, char const* mode)
{
    auto place = inside(path);
    if (::mkdir(place.c_str(), 0755) < 0 && errno != EEXIST)
        return Error::last("make " + quoted(place));
    auto options = std::string("mode=") + mode;
    return host::mount_classic("tmpfs", place.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, options.c_str())
        .or_error("mount a tmpfs on " + quoted(path) + " of the private root");
}

Result<Unit> PrivateRoot::show(std::string const& path)
{
    TRY(make_folders(m_folder + "/root", path).or_error("make " + quoted(path) + " in the private root"));
    return lay(path, max_depth);
}

bool PrivateRoot::has(std::string const& path) const
{
    struct stat status { };
    return ::stat(inside(path).c_str(), &status) == 0;
}

} // namespace bulkhead::do_command
