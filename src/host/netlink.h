// Network interfaces through rtnetlink(7): as much as moving an interface into a container's network namespace takes.
#pragma once

#include "base/file.h"

#include <cstdint>
#include <string>
#include <vector>

namespace bulkhead::host {

struct InterfaceAddress {
    std::uint8_t family = 0; // AF_INET or AF_INET6
    std::uint8_t prefix_length = 0;
    std::uint8_t scope = 0;
    std::string local; // 4 or 16 bytes
};

class RouteSocket {
public:
    // In the network namespace that this process is in now; it stays there whatever the process joins later.
    static Result<RouteSocket> open();
    // The same in the namespace that NETWORK_NAMESPACE names; the caller's own namespace is unchanged afterwards.
    static Result<RouteSocket> open_in(FileView network_namespace);

    Result<unsigned> interface_index(std::string const& name) const;
    // Permanent addresses of global scope.
    Result<std::vector<InterfaceAddress>> addresses(unsigned index) const;
    Result<Unit> set_up(unsigned index, bool up) const;
    Result<Unit> move(unsigned index, FileView network_namespace, std::string const& new_name) const;
    Result<Unit> add_address(unsigned index, InterfaceAddress const&) const;

private:
    explicit RouteSocket(File socket)
        : m_socket(std::move(socket))
    {
    }
    File m_socket;
};

} // namespace bulkhead::host
