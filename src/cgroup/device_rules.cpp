#include "cgroup/device_rules.h"
#include "base/text.h"
#include "cgroup/cgroup.h"

#include <algorithm>

namespace bulkhead::cgroup {

namespace {

Error bad_rule(std::size_t index, std::string_view member, std::string_view complaint, std::string hint)
{
    return invalid("linux.resources.devices[" + std::to_string(index) + "]." + std::string(member) + std::string(complaint), std::move(hint));
}

Result<unsigned> parse_access(std::string_view text, std::size_t index)
{
    if (text.empty())
        return static_cast<unsigned>(access_all);
    unsigned access = 0;
    for (char c : text) {
        switch (c) {
        case 'r':
            access |= access_read;
            break;
        case 'w':
            access |= access_write;
            break;
        case 'm':
            access |= access_mknod;
            break;
        default:
            return bad_rule(index, "access", " " + quoted(text) + " has a letter other than r, w and m", "\"rwm\" means everything");
        }
    }
    return access;
}

Result<std::optional<std::uint32_t>> parse_device_number(std::optional<std::int64_t> number, std::size_t index, std::string_view member)
{
    if (!number || *number < 0) // -1 is how runc's own tools write "all"
        return std::optional<std::uint32_t>();
    if (*number > std::int64_t { 0xffffffff })
        return bad_rule(index, member, " " + std::to_string(*number) + " is not a device number", "it has 32 bits at most");
    return std::optional<std::uint32_t>(static_cast<std::uint32_t>(*number));
}

std::string number_text(std::optional<std::uint32_t> number)
{
    return number ? std::to_string(*number) : "*";
}

} // namespace

std::string DeviceException::text() const
{
    std::string letters;
    if (access & access_read)
        letters += 'r';
    if (access & access_write)
        letters += 'w';
    if (access & access_mknod)
        letters += 'm';
    return std::string(1, type) + " " + number_text(major) + ":" + number_text(minor) + " " + letters;
}

void DevicePolicy::apply(bool allow, DeviceException const& change)
{
    auto same = std::find_if(exceptions.begin(), exceptions.end(), [&](auto const& other) { return other.same_devices(change); });
    if (allow == allow_by_default) {
        // Back to the default: only an exception for the very same devices is touched.
        if (same == exceptions.end())
            return;
        same->access &= ~change.access;
        if (same->access == 0)
            exceptions.erase(same);
        return;
    }
    if (same != exceptions.end())
        same->access |= change.access;
    else
        exceptions.push_back(change);
}

bool DevicePolicy::allows(char type, std::uint32_t major, std::uint32_t minor, unsigned access) const
{
    for (auto const& exception : exceptions) {
        if (exception.type != type || (exception.major && *exception.major != major) || (exception.minor && *exception.minor != minor))
            continue;
        if (allow_by_default ? (access & exception.access) != 0 : (access & ~exception.access) == 0)
            return !allow_by_default;
    }
    return allow_by_default;
}

Result<DevicePolicy> evaluate_device_rules(std::vector<oci::DeviceRule> const& rules)
{
    DevicePolicy policy;
    for (std::size_t index = 0; index < rules.size(); ++index) {
        auto const& rule = rules[index];
        DeviceException change { .rule = index };
        change.access = TRY(parse_access(rule.access, index));
        change.major = TRY(parse_device_number(rule.major, index, "major"));
        change.minor = TRY(parse_device_number(rule.minor, index, "minor"));
        if (rule.type == "c" || rule.type == "u" || rule.type == "b") {
            change.type = rule.type == "b" ? 'b' : 'c';
            policy.apply(rule.allow, change);
            continue;
        }
        if (!rule.type.empty() && rule.type != "a")
            return bad_rule(
                index, "type", " " + quoted(rule.type) + " is not a kind of device", "use \"a\" (all), \"c\" (character) or \"b\" (block)");
        if (!change.major && !change.minor && change.access == access_all) {
            policy = DevicePolicy { .allow_by_default = rule.allow };
            continue;
        }
        for (char type : { 'c', 'b' }) {
            change.type = type;
            policy.apply(rule.allow, change);
        }
    }
    return policy;
}

DevicePolicy parse_devices_list(std::string_view text)
{
    DevicePolicy policy;
    for (auto line : split(text, '\n')) {
        auto parts = split(trim(line), ' ');
        if (parts.size() != 3 || parts[0].size() != 1)
            continue;
        if (parts[0] == "a") {
            policy.allow_by_default = true; // its exceptions are not shown
            continue;
        }
        auto colon = parts[1].find(':');
        if (colon == std::string_view::npos)
            continue;
        DeviceException exception { .type = parts[0][0], .access = 0 };
        exception.major = parse_number<std::uint32_t>(parts[1].substr(0, colon)); // "*" is no number
        exception.minor = parse_number<std::uint32_t>(parts[1].substr(colon + 1));
        for (char c : parts[2])
            exception.access |= c == 'r' ? access_read : c == 'w' ? access_write : c == 'm' ? access_mknod : 0U;
        policy.exceptions.push_back(exception);
    }
    return policy;
}

std::vector<oci::DeviceRule> default_device_rules()
{
    auto allow = [](char const* type, std::optional<std::int64_t> major, std::optional<std::int64_t> minor, char const* access) {
        return oci::DeviceRule { .allow = true, .type = type, .major = major, .minor = minor, .access = access };
    };
    return {
        allow("c", std::nullopt, std::nullopt, "m"), // making a node gives no access to it
        allow("b", std::nullopt, std::nullopt, "m"), allow("c", 1, 3, "rwm"), // null
        allow("c", 1, 5, "rwm"), // zero
        allow("c", 1, 7, "rwm"), // full
        allow("c", 1, 8, "rwm"), // random
        allow("c", 1, 9, "rwm"), // urandom
        allow("c", 5, 0, "rwm"), // tty
        allow("c", 5, 2, "rwm"), // ptmx
        allow("c", 136, std::nullopt, "rwm"), // pts
    };
}

} // namespace bulkhead::cgroup
