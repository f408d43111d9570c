#include "isolations/namespaces/namespace_set.h"

#include "base/text.h"

#include <algorithm>

#include <linux/nsfs.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/ioctl.h>

namespace bulkhead::namespaces {

using oci::NamespaceType;

std::uint64_t namespace_flag(NamespaceType type)
{
    switch (type) {
    case NamespaceType::pid:
        return CLONE_NEWPID;
    case NamespaceType::network:
        return CLONE_NEWNET;
    case NamespaceType::mount:
        return CLONE_NEWNS;
    case NamespaceType::ipc:
        return CLONE_NEWIPC;
    case NamespaceType::uts:
        return CLONE_NEWUTS;
    case NamespaceType::user:
        return CLONE_NEWUSER;
    case NamespaceType::cgroup:
        return CLONE_NEWCGROUP;
    case NamespaceType::time:
        return CLONE_NEWTIME;
    }
    return 0;
}

bool NamespaceSet::is_new(NamespaceType type) const
{
    return new_flags & namespace_flag(type);
}

NamespaceSet::Joined const* NamespaceSet::find_joined(NamespaceType type) const
{
    auto found = std::ranges::find(joined, type, &Joined::type);
    return found == joined.end() ? nullptr : &*found;
}

bool NamespaceSet::needs_two_stages() const
{
    return find_joined(NamespaceType::pid) || find_joined(NamespaceType::user) || is_own(NamespaceType::time);
}

Result<NamespaceSet> open_namespaces(oci::Config const& config)
{
    NamespaceSet set;
    auto const& list = config.linux_section.namespaces;
    for (std::size_t index = 0; index < list.size(); ++index) {
        auto const& wanted = list[index];
        if (wanted.path.empty()) {
            set.new_flags |= namespace_flag(wanted.type);
            continue;
        }
        auto place = "linux.namespaces[" + std::to_string(index) + "].path";
        // O_NONBLOCK: a FIFO put there must not hang the runtime.
        auto file = open_at(FileView::current_directory(), wanted.path, O_RDONLY | O_NONBLOCK);
        if (file.is_error())
            return Error::from_errno(file.error(), place + ": open namespace \"" + wanted.path + "\"");
        auto kind = ::ioctl(file.value().fd(), NS_GET_NSTYPE);
        if (kind < 0 || static_cast<std::uint64_t>(static_cast<unsigned>(kind)) != namespace_flag(wanted.type))
            return invalid(place + ": \"" + wanted.path + "\" is not a " + std::string(oci::namespace_name(wanted.type)) + " namespace",
                "give a path such as /proc/PID/ns/...");
        set.joined.push_back({ .type = wanted.type, .file = file.release_value() });
    }
    return set;
}

Result<Unit> join(NamespaceSet const& set, std::uint64_t flags)
{
    for (auto const& one : set.joined) {
        auto flag = namespace_flag(one.type);
        if (!(flags & flag))
            continue;
        if (::setns(one.file.fd(), static_cast<int>(flag)) < 0)
            return Error::last("join the " + std::string(oci::namespace_name(one.type)) + " namespace");
    }
    return ok();
}

Result<Unit> write_time_offsets(std::map<std::string, oci::TimeOffset> const& offsets)
{
    if (offsets.empty())
        return ok();
    std::string text;
    for (auto const& [clock, offset] : offsets)
        text += clock + " " + std::to_string(offset.seconds) + " " + std::to_string(offset.nanoseconds) + "\n";
    auto written = write_existing_at(FileView::current_directory(), "/proc/self/timens_offsets", text);
    if (written.is_error())
        return Error::from_errno(written.error(), "linux.timeOffsets: write the offsets of the time namespace");
    return ok();
}

} // namespace bulkhead::namespaces
