#include "host/netlink.h"

#include <algorithm>
#include <array>
#include <cstring>

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>

namespace bulkhead::host {

namespace {

// One request: a header, a fixed body, attributes.
class Request {
public:
    template <typename Body> Request(std::uint16_t type, std::uint16_t flags, Body const& body)
    {
        nlmsghdr header {};
        header.nlmsg_type = type;
        header.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
        header.nlmsg_seq = 1;
        append(&header, sizeof header);
        append(&body, sizeof body);
    }

    Request& attribute(std::uint16_t type, void const* bytes, std::size_t length)
    {
        rtattr attribute {};
        attribute.rta_type = type;
        attribute.rta_len = static_cast<std::uint16_t>(RTA_LENGTH(length));
        append(&attribute, sizeof attribute);
        append(bytes, length);
        return *this;
    }

    std::string const& bytes()
    {
        auto length = static_cast<std::uint32_t>(m_bytes.size());
        std::memcpy(m_bytes.data(), &length, sizeof length); // nlmsg_len stands first
        return m_bytes;
    }

private:
    void append(void const* bytes, std::size_t length)
    {
        m_bytes.append(static_cast<char const*>(bytes), length);
        m_bytes.resize((m_bytes.size() + 3) / 4 * 4);
    }
    std::string m_bytes;
};

SysResult<Unit> send(FileView socket, std::string const& bytes)
{
    if (::send(socket.fd(), bytes.data(), bytes.size(), 0) < 0)
        return last_errno();
    return ok();
}

// Calls EACH for every message until the end of a dump or the acknowledgement.
template <typename Each> SysResult<Unit> receive(FileView socket, Each each)
{
    alignas(nlmsghdr) std::array<char, 32768> buffer {};
    for (;;) {
        auto count = ::recv(socket.fd(), buffer.data(), buffer.size(), 0);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return last_errno();
        auto left = static_cast<unsigned>(count);
        std::size_t offset = 0;
        while (left >= sizeof(nlmsghdr)) {
            auto* header = reinterpret_cast<nlmsghdr*>(static_cast<void*>(buffer.data() + offset));
            if (header->nlmsg_len < sizeof(nlmsghdr) || header->nlmsg_len > left)
                break;
            auto step = std::min(NLMSG_ALIGN(header->nlmsg_len), left);
            offset += step;
            left -= step;
            if (header->nlmsg_type == NLMSG_DONE)
                return ok();
            if (header->nlmsg_type == NLMSG_ERROR) {
                auto const* report = static_cast<nlmsgerr const*>(NLMSG_DATA(header));
                if (report->error != 0)
                    return static_cast<Errno>(-report->error);
                return ok();
            }
            each(*header);
        }
    }
}

SysResult<Unit> request(FileView socket, Request request)
{
    TRY(send(socket, request.bytes()));
    return receive(socket, [](nlmsghdr const&) {});
}

} // namespace

Result<RouteSocket> RouteSocket::open()
{
    File socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    if (!socket.is_open())
        return Error::last("open a route socket");
    return RouteSocket(std::move(socket));
}

Result<RouteSocket> RouteSocket::open_in(FileView network_namespace)
{
    auto own = TRY(open_file("/proc/self/ns/net", O_RDONLY));
    if (::setns(network_namespace.fd(), CLONE_NEWNET) < 0)
        return Error::last("enter the container's network namespace");
    auto socket = open();
    if (::setns(own.fd(), CLONE_NEWNET) < 0)
        return Error::last("return to the runtime's network namespace");
    return socket;
}

Result<unsigned> RouteSocket::interface_index(std::string const& name) const
{
    ifinfomsg body {};
    body.ifi_family = AF_UNSPEC;
    Request query(RTM_GETLINK, 0, body);
    query.attribute(IFLA_IFNAME, name.c_str(), name.size() + 1);
    TRY(send(m_socket, query.bytes()).or_error("ask for network interface \"" + name + "\""));
    unsigned index = 0;
    // Without NLM_F_ACK the answer is one message and no acknowledgement, so the first one ends it.
    alignas(nlmsghdr) std::array<char, 32768> buffer {};
    auto count = ::recv(m_socket.fd(), buffer.data(), buffer.size(), 0);
    auto const* header = reinterpret_cast<nlmsghdr const*>(buffer.data());
    if (count >= static_cast<ssize_t>(NLMSG_LENGTH(sizeof(ifinfomsg))) && header->nlmsg_type == RTM_NEWLINK)
        index = static_cast<unsigned>(static_cast<ifinfomsg const*>(NLMSG_DATA(header))->ifi_index);
    if (index == 0)
        return Error { .code = Errno::nodev, .message = "there is no network interface \"" + name + "\"", .hint = "see `ip link`" };
    return index;
}

Result<std::vector<InterfaceAddress>> RouteSocket::addresses(unsigned index) const
{
    ifaddrmsg body {};
    Request query(RTM_GETADDR, NLM_F_DUMP, body);
    TRY(send(m_socket, query.bytes()).or_error("ask for network addresses"));
    std::vector<InterfaceAddress> found;
    auto received = receive(m_socket, [&](nlmsghdr const& header) {
        if (header.nlmsg_type != RTM_NEWADDR || header.nlmsg_len < NLMSG_LENGTH(sizeof(ifaddrmsg)))
            return;
        auto const* message = static_cast<ifaddrmsg const*>(NLMSG_DATA(&header));
        if (message->ifa_index != index || message->ifa_scope != RT_SCOPE_UNIVERSE || !(message->ifa_flags & IFA_F_PERMANENT))
            return;
        InterfaceAddress address { .family = message->ifa_family, .prefix_length = message->ifa_prefixlen, .scope = message->ifa_scope, .local = {} };
        std::size_t left = header.nlmsg_len - NLMSG_LENGTH(sizeof(ifaddrmsg));
        auto const* bytes = static_cast<char const*>(NLMSG_DATA(&header)) + NLMSG_ALIGN(sizeof(ifaddrmsg));
        while (left >= sizeof(rtattr)) {
            rtattr attribute {};
            std::memcpy(&attribute, bytes, sizeof attribute);
            if (attribute.rta_len < sizeof attribute || attribute.rta_len > left)
                break;
            if (attribute.rta_type == IFA_LOCAL || (attribute.rta_type == IFA_ADDRESS && address.local.empty()))
                address.local.assign(bytes + RTA_LENGTH(0), attribute.rta_len - RTA_LENGTH(0));
            auto step = std::min<std::size_t>(RTA_ALIGN(attribute.rta_len), left);
            bytes += step;
            left -= step;
        }
        if (!address.local.empty())
            found.push_back(std::move(address));
    });
    TRY(std::move(received).or_error("read network addresses"));
    return found;
}

Result<Unit> RouteSocket::set_up(unsigned index, bool up) const
{
    ifinfomsg body {};
    body.ifi_index = static_cast<int>(index);
    body.ifi_change = IFF_UP;
    body.ifi_flags = up ? IFF_UP : 0;
    return request(m_socket, Request(RTM_NEWLINK, NLM_F_ACK, body)).or_error(up ? "set the interface up" : "set the interface down");
}

Result<Unit> RouteSocket::move(unsigned index, FileView network_namespace, std::string const& new_name) const
{
    ifinfomsg body {};
    body.ifi_index = static_cast<int>(index);
    Request change(RTM_NEWLINK, NLM_F_ACK, body);
    int fd = network_namespace.fd();
    change.attribute(IFLA_NET_NS_FD, &fd, sizeof fd);
    change.attribute(IFLA_IFNAME, new_name.c_str(), new_name.size() + 1);
    return request(m_socket, change).or_error("move the interface into the container as \"" + new_name + "\"");
}

Result<Unit> RouteSocket::add_address(unsigned index, InterfaceAddress const& address) const
{
    ifaddrmsg body {};
    body.ifa_family = address.family;
    body.ifa_prefixlen = address.prefix_length;
    body.ifa_scope = address.scope;
    body.ifa_index = index;
    Request change(RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, body);
    change.attribute(IFA_LOCAL, address.local.data(), address.local.size());
    change.attribute(IFA_ADDRESS, address.local.data(), address.local.size());
    return request(m_socket, change).or_error("give the interface its address back");
}

} // namespace bulkhead::host
