// Which sysctls a container may set: only those that its own namespaces hold (as runc decides it).
#include "oci/rules.h"

#include <algorithm>
#include <array>

namespace bulkhead::oci {

namespace {

constexpr std::array<std::string_view, 8> ipc_sysctls { "kernel/msgmax", "kernel/msgmnb", "kernel/msgmni", "kernel/sem", "kernel/shmall",
    "kernel/shmmax", "kernel/shmmni", "kernel/shm_rmid_forced" };

bool is_ipc_sysctl(std::string_view path)
{
    return std::find(ipc_sysctls.begin(), ipc_sysctls.end(), path) != ipc_sysctls.end() || path.starts_with("fs/mqueue/");
}

bool has_own_network(Config const& config)
{
    auto const* network = config.find_namespace(NamespaceType::network);
    return network && network->path != "/proc/self/ns/net" && network->path != "/proc/thread-self/ns/net";
}

// Why the sysctl at PATH may not be set; empty when it may.
std::string_view objection(Config const& config, std::string_view path)
{
    if (is_ipc_sysctl(path))
        return config.find_namespace(NamespaceType::ipc) ? "" : "needs an ipc namespace: without one it would change the host";
    if (path.starts_with("net/"))
        return has_own_network(config) ? "" : "needs a network namespace: without one it would change the host";
    if (path == "kernel/domainname")
        return config.find_namespace(NamespaceType::uts) ? "" : "needs a uts namespace: without one it would change the host";
    if (path == "kernel/hostname")
        return "is what the member hostname sets";
    return "belongs to no namespace: it would change the host";
}

} // namespace

std::optional<std::string> sysctl_path(std::string_view name)
{
    auto first = name.find_first_of("./");
    bool const has_slashes = first != std::string_view::npos && name[first] == '/';
    std::string path(name);
    if (!has_slashes) {
        for (char& c : path) {
            if (c == '.')
                c = '/';
            else if (c == '/')
                c = '.';
        }
    }
    for (auto part : split(path, '/')) {
        if (part.empty() || part == "." || part == "..")
            return std::nullopt;
    }
    return path;
}

Result<Unit> validate_sysctls(Config const& config)
{
    for (auto const& [name, value] : config.linux_section.sysctl) {
        auto place = [&name = name] { return "linux.sysctl[" + shown(name) + "]"; };
        auto path = sysctl_path(name);
        if (!path || has_control_character(name))
            return complaint(place(), "is not the name of a sysctl");
        auto reason = objection(config, *path);
        if (!reason.empty())
            return complaint(place(), reason);
    }
    return ok();
}

} // namespace bulkhead::oci
