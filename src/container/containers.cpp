#include "container/containers.h"
#include "base/log.h"
#include "base/text.h"
#include "host/user_namespace.h"

#include <algorithm>
#include <cstdlib>
#include <memory>

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

namespace bulkhead::container {

namespace {

constexpr int lock_patience_ms = 10'000;

Result<Unit> make_folders(std::string const& path, mode_t last_mode)
{
    for (auto slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
        if (::mkdir(path.substr(0, slash).c_str(), 0711) < 0 && errno != EEXIST)
            return Error::last("make the folder " + quoted(path.substr(0, slash)));
    }
    if (::mkdir(path.c_str(), last_mode) < 0 && errno != EEXIST)
        return Error::last("make the state folder " + quoted(path));
    return ok();
}

std::string text_of_environment(char const* name)
{
    auto const* value = std::getenv(name);
    return value ? value : "";
}

} // namespace

std::string default_root()
{
    auto user = std::to_string(::geteuid());
    // Root in a user namespace that an engine made (rootless Podman) still has its user's own runtime folder.
    bool is_host_root = ::geteuid() == 0 && (text_of_environment("USER") == "root" || !host::is_in_user_namespace());
    auto runtime_folder = text_of_environment("XDG_RUNTIME_DIR");
    if (!is_host_root && !runtime_folder.empty())
        return runtime_folder + "/bulkhead";
    return ::geteuid() == 0 ? "/run/bulkhead" : "/tmp/bulkhead-" + user;
}

Containers::Containers(std::string root, FindIsolation find)
    : m_root_path(std::move(root))
    , m_find(find)
{
}

Result<Containers> Containers::open(std::string root, FindIsolation find)
{
    Containers containers(std::move(root), find);
    TRY(containers.open_root());
    return containers;
}

// The records in it are commands to us (pids to kill, paths to remove), so nobody else may be able to write them.
Result<Unit> Containers::open_root()
{
    auto doing = [&] { return "open the state folder " + quoted(m_root_path); };
    auto root = open_at(FileView::current_directory(), m_root_path, O_RDONLY | O_DIRECTORY);
    if (root.is_error()) {
        if (root.error() == Errno::noent)
            return ok();
        return Error::from_errno(root.error(), doing());
    }
    struct stat status { };
    if (::fstat(root.value().fd(), &status) < 0)
        return Error::last(doing());
    if ((status.st_uid != ::geteuid() && status.st_uid != 0) || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return Error { .code = Errno::perm,
            .message = "the state folder " + quoted(m_root_path) + " can be written by others",
            .hint = "name another with --root, or make it yours: chown " + std::to_string(::geteuid()) + " and chmod go-w" };
    m_root = root.release_value();
    return ok();
}

Result<Unit> Containers::make_root()
{
    if (m_root.is_open())
        return ok();
    // The sticky bit keeps cleaners of $XDG_RUNTIME_DIR away (XDG base directory specification).
    TRY(make_folders(m_root_path, ::geteuid() == 0 ? 0700 : 01700));
    TRY(open_root());
    if (!m_root.is_open())
        return Error { .code = Errno::noent, .message = "the state folder " + quoted(m_root_path) + " vanished while it was made" };
    return ok();
}

Result<StateFolder> Containers::folder(std::string const& id) const
{
    TRY(check_id(id));
    if (!m_root.is_open())
        return Error { .code = Errno::noent, .message = "container " + quoted(id) + " does not exist" };
    return StateFolder::open(m_root, m_root_path, id);
}

Result<Container> Containers::create(CreateRequest request)
{
    TRY(check_id(request.plan.id));
    TRY(make_root());
    auto state_folder = TRY(StateFolder::make(m_root, m_root_path, request.plan.id));
    request.plan.state_path = state_folder.path();
    request.plan.cache_path = m_root_path + "/.cache";
    Container container(std::move(state_folder), m_find);
    auto created = container.create_sandbox(request);
    if (created.is_error()) {
        container.undo_creation(request.plan.config.hooks.poststop);
        return created.release_error();
    }
    container.m_folder.unlock();
    return container;
}

Result<Container> Containers::load(std::string const& id) const
{
    auto found = TRY(folder(id));
    Container container(std::move(found), m_find);
    auto loaded = container.load();
    if (loaded.is_error()) {
        auto error = loaded.release_error();
        bool is_being_made = container.m_folder.is_locked_by_another();
        if (error.code == Errno::noent) // removed meanwhile, or a create that has only just begun
            return Error { .code = Errno::noent,
                .message = "container " + quoted(id) + " does not exist" + (is_being_made ? " yet" : ""),
                .hint = is_being_made ? "" : "bulkhead delete --force " + id + " removes a folder that a crash left" };
        error.add_context("read the state of container " + quoted(id));
        error.hint = "bulkhead delete --force " + id + " removes what can be found";
        return error;
    }
    return container;
}

Result<std::vector<ListedContainer>> Containers::list() const
{
    std::vector<ListedContainer> listed;
    if (!m_root.is_open())
        return listed;
    auto again = TRY(open_at(m_root, ".", O_RDONLY | O_DIRECTORY).or_error("read the state folder " + quoted(m_root_path)));
    std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(again.fd()), ::closedir);
    if (!stream)
        return Error::last("read the state folder " + quoted(m_root_path));
    again.release();
    while (auto const* entry = ::readdir(stream.get())) {
        std::string id = entry->d_name;
        if (check_id(id).is_error())
            continue;
        auto found = folder(id);
        if (found.is_error())
            continue; // removed meanwhile, or no folder
        ListedContainer one { .id = id };
        Container container(found.release_value(), m_find);
        auto loaded = container.load();
        if (loaded.is_ok()) {
            one.record = container.record();
            one.status = container.status();
            one.pid = one.status == oci::Status::stopped ? 0 : container.pid();
            if (container.trouble())
                one.trouble = container.trouble()->message;
        } else {
            if (loaded.error().code == Errno::noent && folder(id).is_error())
                continue;
            if (container.m_folder.is_locked_by_another())
                one.status = oci::Status::creating;
            else
                one.trouble = loaded.error().message;
        }
        listed.push_back(std::move(one));
    }
    std::sort(listed.begin(), listed.end(), [](auto const& a, auto const& b) { return a.id < b.id; });
    return listed;
}

Result<Unit> Containers::remove(std::string const& id, Force force) const
{
    auto found = folder(id);
    if (found.is_error()) {
        if (force == Force::yes && found.error().code == Errno::noent)
            return ok();
        return found.release_error();
    }
    Container container(found.release_value(), m_find);
    auto loaded = container.load();
    if (loaded.is_ok()) {
        auto removed = container.remove(force);
        // Another command was faster: that is what force asked for.
        if (removed.is_error() && force == Force::yes && removed.error().code == Errno::noent && folder(id).is_error())
            return ok();
        return removed;
    }
    if (force == Force::no) {
        auto error = loaded.release_error();
        if (error.code == Errno::noent)
            error.message = "container " + quoted(id) + " does not exist (its state folder has no state.json)";
        error.hint = "bulkhead delete --force " + id + " removes what can be found";
        return error;
    }
    auto locked = container.m_folder.lock(lock_patience_ms);
    if (locked.is_error())
        return locked.error().code == Errno::noent ? Result<Unit>(ok()) : locked;
    // A create that had only just made the folder may have written its record before we got the lock.
    if (container.load().is_ok()) {
        container.m_folder.unlock();
        return container.remove(force);
    }
    log::warning("removing a container whose state cannot be read: processes and control groups of it may be left",
        { { "id", id }, { "reason", loaded.error().message } });
    return container.m_folder.remove();
}

} // namespace bulkhead::container
