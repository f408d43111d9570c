// Device nodes, the links of /dev, and the container's terminal.

#include "isolations/namespaces/root/state.h"

#include <array>

#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

namespace bulkhead::root {

namespace {

struct Node {
    std::string path;
    mode_t mode; // with its kind
    dev_t device;
    uid_t uid;
    gid_t gid;
    std::string place; // for messages
};

// config-linux.md, "Default Devices"; /dev/console and /dev/ptmx come with the terminal and devpts.
std::vector<Node> default_nodes()
{
    std::vector<Node> nodes;
    struct Default {
        char const* path;
        unsigned major_number;
        unsigned minor_number;
    };
    constexpr std::array<Default, 6> defaults { { { "/dev/null", 1, 3 }, { "/dev/zero", 1, 5 }, { "/dev/full", 1, 7 }, { "/dev/random", 1, 8 },
        { "/dev/urandom", 1, 9 }, { "/dev/tty", 5, 0 } } };
    for (auto const& one : defaults)
        nodes.push_back({ .path = one.path, .mode = S_IFCHR | 0666, .device = makedev(one.major_number, one.minor_number), .uid = 0, .gid = 0, .place = one.path });
    return nodes;
}

std::vector<Node> all_nodes(oci::Config const& config)
{
    auto nodes = default_nodes();
    auto const& wanted = config.linux_section.devices;
    for (std::size_t index = 0; index < wanted.size(); ++index) {
        auto const& device = wanted[index];
        mode_t kind = device.type == "b" ? S_IFBLK : device.type == "p" ? S_IFIFO : S_IFCHR;
        Node node { .path = host::clean_path(device.path), .mode = kind | (device.file_mode.value_or(0666) & 07777),
            .device = kind == S_IFIFO ? 0 : makedev(static_cast<unsigned>(device.major), static_cast<unsigned>(device.minor)),
            .uid = device.uid.value_or(0), .gid = device.gid.value_or(0),
            .place = "linux.devices[" + std::to_string(index) + "] (\"" + device.path + "\")" };
        std::erase_if(nodes, [&](Node const& other) { return other.path == node.path; });
        nodes.push_back(std::move(node));
    }
    return nodes;
}

Result<Unit> check_existing(FileView parent, std::string const& name, Node const& node)
{
    struct stat status { };
    if (::fstatat(parent.fd(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0)
        return Error::last(node.place + ": examine what the image has there");
    if ((status.st_mode & S_IFMT) != (node.mode & S_IFMT) || status.st_rdev != node.device)
        return Error { .code = Errno::exist, .message = node.place + ": the image has something else there", .hint = "remove it from the image" };
    return ok();
}

// A user namespace may not make device nodes: the host's own is bound.
Result<Unit> bind_node(FileView parent, std::string const& name, Node const& node)
{
    struct stat status { };
    if (::stat(node.path.c_str(), &status) < 0 || (status.st_mode & S_IFMT) != (node.mode & S_IFMT) || status.st_rdev != node.device)
        return Error { .code = Errno::nodev, .message = node.place + ": the host has no such device at the same path to bind",
            .hint = "a user namespace cannot make device nodes" };
    auto tree = TRY(host::clone_tree(FileView::current_directory(), node.path.c_str(), host::Depth::one_mount).or_error(node.place + ": open the host's device"));
    int made = ::mknodat(parent.fd(), name.c_str(), S_IFREG | 0666, 0);
    if (made < 0 && errno != EEXIST)
        return Error::last(node.place + ": make a place for the device");
    return host::attach_tree(tree, parent, name.c_str()).or_error(node.place + ": bind the host's device");
}

Result<Unit> make_node(FileView parent, std::string const& name, Node const& node)
{
    if (::mknodat(parent.fd(), name.c_str(), node.mode, node.device) < 0) {
        if (errno == EEXIST)
            return check_existing(parent, name, node);
        return Error::last(node.place + ": make the device");
    }
    bool has_other_owner = node.uid != 0 || node.gid != 0;
    if (has_other_owner && ::fchownat(parent.fd(), name.c_str(), node.uid, node.gid, AT_SYMLINK_NOFOLLOW) < 0)
        return Error::last(node.place + ": set the owner");
    return ok();
}

constexpr std::array<std::pair<char const*, char const*>, 4> dev_links { { { "/proc/self/fd", "fd" }, { "/proc/self/fd/0", "stdin" },
    { "/proc/self/fd/1", "stdout" }, { "/proc/self/fd/2", "stderr" } } };

Result<Unit> make_links(FileView dev)
{
    for (auto const& [target, name] : dev_links) {
        if (::symlinkat(target, dev.fd(), name) < 0 && errno != EEXIST)
            return Error::last("link /dev/" + std::string(name));
    }
    if (::access("/proc/kcore", F_OK) == 0 && ::symlinkat("/proc/kcore", dev.fd(), "core") < 0 && errno != EEXIST)
        return Error::last("link /dev/core");
    struct stat status { };
    bool is_right = ::fstatat(dev.fd(), "ptmx", &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(status.st_mode);
    if (!is_right) {
        ::unlinkat(dev.fd(), "ptmx", 0);
        if (::symlinkat("pts/ptmx", dev.fd(), "ptmx") < 0 && errno != EEXIST)
            return Error::last("link /dev/ptmx");
    }
    return ok();
}

// The engine brought the host's /dev, devices and all: then nothing is to be made there.
bool is_dev_bound(oci::Config const& config)
{
    for (auto const& mount : config.mounts) {
        if (host::clean_path(mount.destination) != "/dev")
            continue;
        if (mount.type == "bind")
            return true;
        for (auto const& option : mount.options) {
            if (option == "bind" || option == "rbind")
                return true;
        }
    }
    return false;
}

} // namespace

Result<Unit> RootFileSystem::make_devices()
{
    auto const& plan = m_state->plan;
    if (!plan.new_mount_namespace || is_dev_bound(plan.config))
        return ok();
    auto dev = TRY(host::make_in_root(m_state->root, "/dev", host::Make::directory).or_error("make /dev"));
    auto old_umask = ::umask(0);
    auto make = [&]() -> Result<Unit> {
        for (auto const& node : all_nodes(plan.config)) {
            auto slash = node.path.rfind('/');
            auto name = node.path.substr(slash + 1);
            auto folder = node.path.substr(0, slash);
            File parent;
            if (folder != "/dev")
                parent = TRY(host::make_in_root(m_state->root, folder.empty() ? "/" : folder, host::Make::directory).or_error(node.place + ": make its folder"));
            FileView where = folder == "/dev" ? FileView(dev) : FileView(parent);
            if (plan.in_user_namespace && (node.mode & S_IFMT) != S_IFIFO)
                TRY(bind_node(where, name, node));
            else
                TRY(make_node(where, name, node));
        }
        return make_links(dev);
    };
    auto made = make();
    ::umask(old_umask);
    return made;
}

Result<Terminal> RootFileSystem::open_terminal()
{
    auto const& process = *m_state->plan.config.process;
    auto folder = TRY(host::find_in_root(m_state->root, "/dev/pts", { .links = host::Links::refuse }).or_error("open /dev/pts"));
    auto kind = TRY(host::file_system_type(folder).or_error("examine /dev/pts"));
    if (kind != DEVPTS_SUPER_MAGIC)
        return Error { .code = Errno::nodev, .message = "process.terminal: there is no devpts at /dev/pts to make a terminal from",
            .hint = "add a mount of type devpts" };
    Terminal terminal;
    terminal.master = TRY(open_at(folder, "ptmx", O_RDWR | O_NOCTTY | O_NOFOLLOW).or_error("open a new terminal"));
    int unlock = 0;
    if (::ioctl(terminal.master.fd(), TIOCSPTLCK, &unlock) < 0)
        return Error::last("unlock the new terminal");
    int slave = ::ioctl(terminal.master.fd(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0)
        return Error::last("open the new terminal's other end");
    terminal.slave = File(slave);
    if (::fchown(slave, process.user.uid, static_cast<gid_t>(-1)) < 0 || ::fchmod(slave, 0620) < 0)
        return Error::last("give the terminal to its user");
    return terminal;
}

Result<Unit> RootFileSystem::bind_console(FileView slave)
{
    auto place = TRY(host::make_in_root(m_state->root, "/dev/console", host::Make::file, { .links = host::Links::refuse }).or_error("make /dev/console"));
    auto tree = TRY(host::clone_tree(slave, "", host::Depth::one_mount).or_error("bind the terminal at /dev/console"));
    return host::attach_tree(tree, place, "").or_error("bind the terminal at /dev/console");
}

} // namespace bulkhead::root
