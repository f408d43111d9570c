// The device nodes of the container and the links of /dev.
#include "isolations/namespaces/root/builder.h"
#include "isolations/namespaces/root/open_umask.h"

#include "base/text.h"

#include <algorithm>

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace bulkhead::root {

namespace {

mode_t kind_of(oci::Device const& device)
{
    if (device.type == "b")
        return S_IFBLK;
    return device.type == "p" ? S_IFIFO : S_IFCHR;
}

dev_t number_of(oci::Device const& device)
{
    if (device.type == "p")
        return 0;
    return makedev(static_cast<unsigned>(device.major), static_cast<unsigned>(device.minor));
}

bool is_the_device(struct stat const& status, oci::Device const& device)
{
    return (status.st_mode & S_IFMT) == kind_of(device) && (device.type == "p" || status.st_rdev == number_of(device));
}

class DeviceMaker {
public:
    DeviceMaker(Builder& builder, FileView dev)
        : m_builder(builder)
        , m_dev(dev)
    {
    }

    Result<Unit> make(oci::Device const& device, std::size_t index)
    {
        auto path = host::clean_path(device.path);
        auto slash = path.rfind('/');
        auto name = path.substr(slash + 1);
        if (name.empty())
            return invalid("a device needs a path");
        File owned;
        FileView folder = m_dev;
        if (path.substr(0, slash) != "/dev") {
            auto made = host::make_in_root(m_builder.root, slash == 0 ? "/" : path.substr(0, slash), host::Make::directory);
            if (made.is_error())
                return Error::from_errno(made.error(), "make its folder");
            owned = made.release_value();
            folder = owned;
        }
        if (m_builder.plan.in_user_namespace && device.type != "p")
            return bind(folder, name, device, index);
        auto mode = kind_of(device) | (device.file_mode.value_or(0666) & 07777);
        if (::mknodat(folder.fd(), name.c_str(), mode, number_of(device)) < 0) {
            if (errno == EEXIST)
                return check_present(folder, name, device);
            if (errno == EPERM && device.type != "p") // we may be in a container ourselves
                return bind(folder, name, device, index);
            return Error::last("make the node");
        }
        auto uid = device.uid.value_or(0);
        auto gid = device.gid.value_or(0);
        if ((uid != 0 || gid != 0) && ::fchownat(folder.fd(), name.c_str(), uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
            return Error::last("set its owner");
        return ok();
    }

private:
    static Result<Unit> check_present(FileView folder, std::string const& name, oci::Device const& device)
    {
        struct stat status { };
        if (::fstatat(folder.fd(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0)
            return Error::last("look at what is there");
        if (!is_the_device(status, device))
            return Error {
                .code = Errno::exist, .message = "something else is there already", .hint = "remove it from the image, or mount a tmpfs at /dev"
            };
        return ok();
    }

    // A user namespace cannot make nodes that work; the host's own node is bound instead.
    Result<Unit> bind(FileView folder, std::string const& name, oci::Device const& device, std::size_t index)
    {
        struct stat status { };
        bool is_present = ::fstatat(folder.fd(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
        if (is_present && is_the_device(status, device))
            return ok(); // a mount of the config brought it
        if (is_present && !S_ISREG(status.st_mode) && !S_ISCHR(status.st_mode) && !S_ISBLK(status.st_mode))
            return Error {
                .code = Errno::exist, .message = "something else is there already", .hint = "remove it from the image, or mount a tmpfs at /dev"
            };
        auto tree = m_builder.take_prepared(PreparedTree::Kind::device, index);
        if (!tree.is_open())
            tree = TRY(open_host_device(device));
        if (!is_present && ::mknodat(folder.fd(), name.c_str(), S_IFREG | 0666, 0) < 0)
            return Error::last("make a place for it");
        return host::attach_tree(tree, folder, name.c_str()).or_error("bind the host's node");
    }

    Builder& m_builder;
    FileView m_dev;
};

SysResult<Unit> link_once(char const* target, FileView dev, char const* name)
{
    if (::symlinkat(target, dev.fd(), name) < 0 && errno != EEXIST)
        return last_errno();
    return ok();
}

// /dev/ptmx of the image, or of an engine, may be another devpts's: the container has its own.
SysResult<Unit> link_ptmx(FileView dev)
{
    if (::symlinkat("pts/ptmx", dev.fd(), "ptmx") == 0)
        return ok();
    if (errno != EEXIST)
        return last_errno();
    if (::unlinkat(dev.fd(), "ptmx", 0) < 0)
        return errno == EBUSY || errno == EISDIR ? SysResult<Unit>(ok()) : SysResult<Unit>(last_errno()); // the config mounts something there
    return link_once("pts/ptmx", dev, "ptmx");
}

SysResult<Unit> make_links(FileView dev)
{
    TRY(link_once("/proc/self/fd", dev, "fd"));
    TRY(link_once("/proc/self/fd/0", dev, "stdin"));
    TRY(link_once("/proc/self/fd/1", dev, "stdout"));
    TRY(link_once("/proc/self/fd/2", dev, "stderr"));
    if (::access("/proc/kcore", F_OK) == 0)
        TRY(link_once("/proc/kcore", dev, "core"));
    return link_ptmx(dev);
}

} // namespace

std::vector<oci::Device> device_nodes(oci::Config const& config)
{
    constexpr struct {
        char const* path;
        int major_number;
        int minor_number;
    } defaults[] = { { "/dev/null", 1, 3 }, { "/dev/zero", 1, 5 }, { "/dev/full", 1, 7 }, { "/dev/random", 1, 8 }, { "/dev/urandom", 1, 9 },
        { "/dev/tty", 5, 0 } };
    auto const& wanted = config.linux_section.devices;
    std::vector<oci::Device> devices;
    for (auto const& one : defaults) {
        if (std::none_of(wanted.begin(), wanted.end(), [&](oci::Device const& device) { return host::clean_path(device.path) == one.path; }))
            devices.push_back({ .path = one.path, .type = "c", .major = one.major_number, .minor = one.minor_number });
    }
    devices.insert(devices.end(), wanted.begin(), wanted.end());
    return devices;
}

Result<File> open_host_device(oci::Device const& device)
{
    auto number = std::to_string(device.major) + ":" + std::to_string(device.minor);
    for (auto const& path : { device.path, (device.type == "b" ? "/dev/block/" : "/dev/char/") + number }) {
        auto file = open_at(FileView::current_directory(), path, O_PATH);
        struct stat status { };
        if (file.is_error() || ::fstat(file.value().fd(), &status) < 0 || !is_the_device(status, device))
            continue;
        auto tree = host::clone_tree(file.value(), "", host::Depth::one_mount);
        if (tree.is_error())
            return Error::from_errno(tree.error(), "open the host's node \"" + path + "\"");
        return tree.release_value();
    }
    return Error { .code = Errno::noent,
        .message = "the host has no device " + number + " at that path to bind",
        .hint = "a container in a user namespace gets the host's nodes; name one that exists" };
}

Result<Unit> RootFileSystem::make_devices()
{
    auto& builder = m_state->builder;
    if (!builder.plan.new_mount_namespace || builder.dev_is_bound)
        return ok();
    OpenUmask open_umask;
    File owned;
    FileView dev;
    if (auto* base = builder.find_base("/dev"); base && builder.plain_paths_are_safe) {
        dev = base->directory;
    } else {
        owned = TRY(host::make_in_root(builder.root, "/dev", host::Make::directory).or_error("find or make /dev"));
        dev = owned;
    }
    DeviceMaker maker(builder, dev);
    auto devices = device_nodes(builder.plan.config);
    for (std::size_t index = 0; index < devices.size(); ++index)
        TRY(maker.make(devices[index], index).context([&] { return "device " + quoted(devices[index].path); }));
    return make_links(dev).or_error("make the links of /dev");
}

} // namespace bulkhead::root
