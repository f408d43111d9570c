// Mounts of file systems: procfs, sysfs, tmpfs and every other type. By mount(2), which is one call, or by fsopen(2)
// where a descriptor of the new mount is needed afterwards.
#include "isolations/namespaces/root/builder.h"

#include "base/text.h"
#include "isolations/namespaces/root/copy_up.h"

#include <algorithm>

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

namespace bulkhead::root {

namespace {

constexpr std::uint64_t read_only = MOUNT_ATTR_RDONLY;

bool takes_label(std::string const& type)
{
    return type != "proc" && type != "sysfs" && type != "mqueue" && type != "cgroup" && type != "cgroup2";
}

// True when a later mount of the config, or the devices, go inside of PATH.
bool is_filled_later(RootPlan const& plan, std::size_t index, std::string const& path)
{
    if (path == "/dev")
        return true;
    auto const& mounts = plan.config.mounts;
    for (auto later = index + 1; later < mounts.size(); ++later) {
        if (host::clean_path(mounts[later].destination).starts_with(path + "/"))
            return true;
    }
    return false;
}

// The host's own mount of TYPE, which a user namespace without the matching namespace gets instead of a new one.
char const* host_mount_of(std::string const& type)
{
    if (type == "sysfs")
        return "/sys";
    if (type == "proc")
        return "/proc";
    return type == "mqueue" ? "/dev/mqueue" : nullptr;
}

class FileSystemMount {
public:
    FileSystemMount(Builder& builder, std::size_t index, oci::Mount const& mount, MountOptions const& options)
        : m_builder(builder)
        , m_mount(mount)
        , m_options(options)
        , m_path(host::clean_path(mount.destination))
    {
        auto const& label = builder.plan.config.linux_section.mount_label;
        if (!label.empty() && takes_label(mount.type) && !options.has_data("context"))
            m_options.data.push_back("context=\"" + label + "\"");
        m_is_filled_later = mount.type == "tmpfs" && is_filled_later(builder.plan, index, m_path);
        m_is_base
            = (mount.type == "proc" && m_path == "/proc") || (mount.type == "sysfs" && m_path == "/sys") || (m_is_filled_later && !options.copies_up);
        if (m_options.is_read_only() && (m_is_filled_later || m_options.copies_up)) {
            m_options.set &= ~read_only;
            m_options.tree_set &= ~read_only;
            m_becomes_read_only = true;
        }
    }

    Result<Unit> run()
    {
        bool is_of_kernel = m_mount.type == "proc" || m_mount.type == "sysfs";
        auto last = is_of_kernel ? host::Links::refuse : m_options.destination_not_followed ? host::Links::follow_but_last : host::Links::follow;
        auto spot = TRY(find_spot(m_builder, m_mount.destination, host::Make::directory, last));
        if (m_mount.type == "tmpfs" && !m_options.has_data("mode"))
            take_mode_of(spot);
        if (!needs_descriptor())
            return mount_by_name(spot);
        auto made = make_detached();
        if (made.is_error())
            return fall_back(spot, made.release_error());
        auto tree = made.release_value();
        if (m_options.copies_up)
            TRY(copy_up_from(spot, tree));
        TRY(host::attach_tree(tree, spot.directory, spot.name.c_str()).or_error("attach the mount"));
        MountOptions rest;
        rest.propagation = m_options.propagation;
        TRY(set_options(tree, rest, false));
        return book(std::move(tree));
    }

private:
    bool needs_descriptor() const { return m_is_base || m_becomes_read_only || m_options.copies_up || !m_options.propagation.empty(); }

    // A tmpfs over a folder of the image has that folder's mode, as engines expect of /tmp.
    void take_mode_of(Spot const& spot)
    {
        struct stat status { };
        int flags = spot.name.empty() ? AT_EMPTY_PATH : AT_SYMLINK_NOFOLLOW;
        if (::fstatat(spot.directory.fd(), spot.name.c_str(), &status, flags) < 0 || !S_ISDIR(status.st_mode))
            return;
        char text[16];
        ::snprintf(text, sizeof text, "mode=%04o", static_cast<unsigned>(status.st_mode) & 07777U);
        m_options.data.insert(m_options.data.begin(), text);
    }

    std::string source() const { return m_mount.source.empty() ? m_mount.type : m_mount.source; }

    Result<Unit> mount_by_name(Spot const& spot)
    {
        auto attributes = m_options.set | m_options.tree_set;
        auto flags = host::mount_flags_from_attributes(attributes) | m_options.superblock_flags;
        auto data = m_options.joined_data();
        auto mounted = mount_at(m_builder, spot, source().c_str(), m_mount.type.c_str(), flags, data);
        if (mounted.is_error() && mounted.error() == Errno::inval && m_mount.type == "devpts") {
            // gid=5 is "tty", which a user namespace may not have mapped.
            std::erase_if(m_options.data, [](std::string const& item) { return item.starts_with("gid="); });
            mounted = mount_at(m_builder, spot, source().c_str(), m_mount.type.c_str(), flags, m_options.joined_data());
        }
        if (mounted.is_error())
            return fall_back(spot, error_of(mounted.error(), ""));
        return book(File());
    }

    Error error_of(Errno code, std::string const& complaint) const
    {
        auto error = Error::from_errno(code, "mount file system \"" + m_mount.type + "\"");
        if (!complaint.empty())
            error.message += " (" + complaint + ")";
        if (code == Errno::nodev)
            error.hint = "this kernel does not have that type of file system; see /proc/filesystems";
        else if (code == Errno::inval && !m_options.data.empty())
            error.hint = "check the options \"" + m_options.joined_data() + "\"";
        else if (code == Errno::perm && m_builder.plan.in_user_namespace)
            error.hint = "a user namespace may mount it only together with the namespace that it belongs to";
        return error;
    }

    Result<File> make_detached()
    {
        auto opened = host::NewFileSystem::open(m_mount.type.c_str());
        if (opened.is_error())
            return error_of(opened.error(), "");
        auto context = opened.release_value();
        auto made = configure(context);
        if (made.is_error())
            return error_of(made.error(), context.complaint());
        return made.release_value();
    }

    SysResult<File> configure(host::NewFileSystem& context)
    {
        TRY(context.set_text("source", source().c_str()));
        for (auto const& flag : m_options.superblock)
            TRY(context.set_flag(flag.c_str()));
        for (auto const& item : m_options.data) {
            auto equals = item.find('=');
            if (equals == std::string::npos) {
                TRY(context.set_flag(item.c_str()));
                continue;
            }
            std::string_view value = std::string_view(item).substr(equals + 1);
            if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
                value = value.substr(1, value.size() - 2);
            TRY(context.set_text(item.substr(0, equals).c_str(), std::string(value).c_str()));
        }
        return context.mount(m_options.set | m_options.tree_set);
    }

    Result<Unit> copy_up_from(Spot const& spot, FileView tree)
    {
        auto path = spot.name.empty() ? std::string(".") : spot.name;
        auto source_directory = open_at(spot.directory, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        if (source_directory.is_error())
            return Error::from_errno(source_directory.error(), "tmpcopyup: open what the image has there");
        return copy_up(source_directory.value(), tree).or_error("tmpcopyup: copy what the image has there");
    }

    Result<Unit> fall_back(Spot const& spot, Error error)
    {
        auto const* path = host_mount_of(m_mount.type);
        if (!path || !m_builder.plan.in_user_namespace || (error.code != Errno::perm && error.code != Errno::busy))
            return error;
        auto cloned = host::clone_tree(FileView::current_directory(), path, host::Depth::whole_tree);
        if (cloned.is_error())
            return error;
        auto tree = cloned.release_value();
        // Every mount below takes the flags, too; what is locked by the host is at least as strict already.
        auto attributes = m_options.set | m_options.tree_set;
        auto set = host::set_mount_attributes(tree, "", { .set = attributes }, host::Depth::whole_tree);
        TRY(host::attach_tree(tree, spot.directory, spot.name.c_str()).or_error("attach the host's own"));
        if (set.is_error()) {
            MountOptions own { .set = attributes };
            TRY(set_options(tree, own, true));
        }
        m_is_base = m_is_base && m_mount.type != "mqueue";
        return book(std::move(tree));
    }

    Result<Unit> book(File tree)
    {
        if (m_becomes_read_only) {
            auto kept = open_at(tree, ".", O_PATH | O_DIRECTORY);
            if (kept.is_error())
                return Error::from_errno(kept.error(), "keep the mount open");
            m_builder.read_only_later.push_back(kept.release_value());
        }
        if (!m_is_base) {
            m_builder.book(m_path);
            return ok();
        }
        auto kind = m_mount.type == "proc" ? Base::Kind::procfs : m_mount.type == "sysfs" ? Base::Kind::sysfs : Base::Kind::tmpfs;
        m_builder.book_base(kind, m_path, std::move(tree));
        return ok();
    }

    Builder& m_builder;
    oci::Mount const& m_mount;
    MountOptions m_options;
    std::string m_path;
    bool m_is_filled_later = false;
    bool m_is_base = false;
    bool m_becomes_read_only = false;
};

} // namespace

Result<Unit> mount_file_system(Builder& builder, std::size_t index, oci::Mount const& mount, MountOptions const& options)
{
    if (mount.type.empty() || mount.type == "none")
        return invalid("type is missing", "name a type of file system, or give the option \"bind\"");
    return FileSystemMount(builder, index, mount, options).run();
}

} // namespace bulkhead::root
