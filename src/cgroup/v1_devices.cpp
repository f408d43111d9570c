// Device rules on cgroup v1: devices.allow and devices.deny, written as little as possible.
#include "base/text.h"
#include "cgroup/device_rules.h"
#include "cgroup/v1.h"

#include <algorithm>

#include <unistd.h>

namespace bulkhead::cgroup {

namespace {

// devices.allow or devices.deny, opened at its first line and kept: the kernel takes one line for each write.
class RuleFile {
public:
    RuleFile(GroupFolder const& devices, char const* name)
        : m_devices(devices)
        , m_name(name)
    {
    }

    Result<Unit> write_all_devices() { return write("a", "devices"); }
    Result<Unit> write_exception(DeviceException const& exception)
    {
        return write(exception.text(), "devices[" + std::to_string(exception.rule) + "]");
    }

private:
    Result<Unit> write(std::string const& line, std::string_view member)
    {
        if (!m_file.is_open()) {
            auto opened = open_at(m_devices.folder(), m_name, O_WRONLY);
            if (opened.is_error())
                return refusal(opened.error(), member, line, m_name);
            m_file = opened.release_value();
        }
        if (::write(m_file.fd(), line.data(), line.size()) == static_cast<ssize_t>(line.size()))
            return ok();
        auto error = refusal(last_errno(), member, line, m_name);
        if (error.code == Errno::perm)
            error.hint = "the parent group does not permit this device: an outer container or service was not given it";
        if (error.code == Errno::inval)
            error.hint = "the default cannot change while the group has groups below it";
        return error;
    }

    GroupFolder const& m_devices;
    char const* m_name;
    File m_file;
};

bool is_covered(DeviceException const& exception, std::vector<DeviceException> const& by)
{
    return std::any_of(
        by.begin(), by.end(), [&](auto const& other) { return other.same_devices(exception) && (exception.access & ~other.access) == 0; });
}

// From one list of exceptions to "deny" to another, without a moment in which a device of both lists is denied.
Result<Unit> change_allowed(std::vector<DeviceException> const& now, std::vector<DeviceException> const& wanted, RuleFile& allow, RuleFile& deny)
{
    for (auto const& exception : wanted)
        if (!is_covered(exception, now))
            TRY(allow.write_exception(exception));
    for (auto exception : now) {
        auto same = std::find_if(wanted.begin(), wanted.end(), [&](auto const& other) { return other.same_devices(exception); });
        if (same != wanted.end())
            exception.access &= ~same->access;
        if (exception.access != 0)
            TRY(deny.write_exception(exception));
    }
    return ok();
}

} // namespace

Result<Unit> set_v1_devices(GroupFolder const& devices, std::vector<oci::DeviceRule> const& rules, Values values)
{
    auto wanted = TRY(evaluate_device_rules(rules));
    RuleFile allow(devices, "devices.allow");
    RuleFile deny(devices, "devices.deny");
    if (values == Values::unknown) {
        auto text = devices.read("devices.list");
        if (text.is_error())
            return Error::from_errno(text.error(), "read devices.list");
        auto now = parse_devices_list(text.value());
        if (!now.allow_by_default && !wanted.allow_by_default)
            return change_allowed(now.exceptions, wanted.exceptions, allow, deny);
        if (wanted.allow_by_default)
            TRY(allow.write_all_devices()); // also forgets exceptions that devices.list does not show
    }
    if (wanted.allow_by_default) {
        for (auto const& exception : wanted.exceptions)
            TRY(deny.write_exception(exception));
        return ok();
    }
    TRY(deny.write_all_devices());
    for (auto const& exception : wanted.exceptions)
        TRY(allow.write_exception(exception));
    return ok();
}

} // namespace bulkhead::cgroup
