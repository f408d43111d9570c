#include "cgroup/membership.h"
#include "base/file.h"
#include "base/text.h"

#include <algorithm>

namespace bulkhead::cgroup {

std::vector<Membership> parse_memberships(std::string_view text)
{
    std::vector<Membership> memberships;
    for (auto line : split(text, '\n')) {
        auto first = line.find(':');
        auto second = first == std::string_view::npos ? first : line.find(':', first + 1);
        if (second == std::string_view::npos)
            continue;
        Membership membership;
        auto names = line.substr(first + 1, second - first - 1);
        if (!names.empty())
            for (auto name : split(names, ','))
                membership.controllers.emplace_back(name);
        membership.path = line.substr(second + 1);
        memberships.push_back(std::move(membership));
    }
    return memberships;
}

Result<std::vector<Membership>> memberships_of(pid_t pid)
{
    auto text = TRY(read_file("/proc/" + std::to_string(pid) + "/cgroup"));
    return parse_memberships(text);
}

std::string path_inside(std::vector<Membership> const& memberships, std::string_view controller, std::string const& path)
{
    for (auto const& membership : memberships) {
        bool is_meant = controller.empty()
            ? membership.controllers.empty()
            : std::find(membership.controllers.begin(), membership.controllers.end(), controller) != membership.controllers.end();
        if (!is_meant)
            continue;
        // The mount's root may hide the beginning of what the kernel says.
        auto begin = membership.path.find(path);
        if (begin == std::string::npos)
            return {};
        auto below = membership.path.substr(begin + path.size());
        return below.starts_with('/') ? below : std::string();
    }
    return {};
}

} // namespace bulkhead::cgroup
