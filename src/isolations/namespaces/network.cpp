#include "isolations/namespaces/network.h"

#include "base/file.h"
#include "base/text.h"
#include "host/netlink.h"

#include <array>
#include <cstring>

#include <linux/keyctl.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace bulkhead::namespaces {

Result<Unit> bring_loopback_up()
{
    File socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)); // any socket takes interface requests (netdevice(7))
    ifreq request {};
    std::strcpy(request.ifr_name, "lo");
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    if (!socket.is_open() || ::ioctl(socket.fd(), SIOCSIFFLAGS, &request) < 0)
        return Error::last("bring the loopback interface up");
    return ok();
}

Result<Unit> move_net_devices(std::vector<oci::NetDevice> const& devices, pid_t pid)
{
    if (devices.empty())
        return ok();
    auto target = TRY(open_file("/proc/" + std::to_string(pid) + "/ns/net", O_RDONLY));
    auto outside = TRY(host::RouteSocket::open());
    auto inside = TRY(host::RouteSocket::open_in(target));
    for (auto const& device : devices) {
        auto move = [&]() -> Result<Unit> {
            auto const& name = device.name.empty() ? device.host_name : device.name;
            auto index = TRY(outside.interface_index(device.host_name));
            auto addresses = TRY(outside.addresses(index));
            TRY(outside.set_up(index, false)); // a running interface cannot be renamed
            TRY(outside.move(index, target, name));
            auto new_index = TRY(inside.interface_index(name)); // the old number may have been taken there
            for (auto const& address : addresses)
                TRY(inside.add_address(new_index, address));
            return inside.set_up(new_index, true);
        };
        TRY(move().context([&] { return "linux.netDevices[\"" + device.host_name + "\"]"; }));
    }
    return ok();
}

Result<Unit> join_session_keyring(std::string const& id)
{
    auto name = "_ses." + id;
    auto ring = ::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name.c_str());
    if (ring < 0) {
        if (errno == ENOSYS)
            return ok(); // a kernel without keyrings has nothing to share
        auto code = last_errno();
        return Error { .code = code,
            .message = "join the session keyring: " + errno_text(code),
            .hint = "pass --no-new-keyring to share the runtime's keyring (its quota is in /proc/sys/kernel/keys)" };
    }
    // "type;uid;gid;perm;description": add search for the user, so that exec finds the ring by name (keyctl(2)).
    std::array<char, 256> description {};
    auto length = ::syscall(SYS_keyctl, KEYCTL_DESCRIBE, ring, description.data(), description.size());
    if (length <= 0)
        return ok();
    auto fields = split(std::string_view(description.data(), std::min<std::size_t>(static_cast<std::size_t>(length), description.size()) - 1), ';');
    constexpr unsigned user_may_search = 0x080000;
    if (auto permissions = fields.size() > 3 ? parse_number<unsigned>(fields[3], 16) : std::nullopt)
        ::syscall(SYS_keyctl, KEYCTL_SETPERM, ring, *permissions | user_may_search);
    return ok();
}

} // namespace bulkhead::namespaces
