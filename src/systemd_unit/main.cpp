// systemd-unit: starts, changes and stops a container's transient unit for the runtime, which has no D-Bus of its own.
//   systemd-unit [--user] start|set|stop UNIT [NAME[@VERSION]:SIGNATURE=VALUE]...
// Prints one line of JSON: {"ok":true,"controlGroup":"/..."} or {"ok":false,"error":"...","hint":"..."}.
#include "base/json.h"
#include "base/text.h"
#include "systemd_unit/bus.h"

#include <cstdio>

namespace bulkhead::systemd_unit {

namespace {

Result<std::string> carry_out(std::vector<std::string> arguments)
{
    auto whose = Manager::Whose::system;
    if (!arguments.empty() && arguments.front() == "--user") {
        whose = Manager::Whose::user;
        arguments.erase(arguments.begin());
    }
    if (arguments.size() < 2)
        return invalid("a command and a unit are needed", "systemd-unit [--user] start|set|stop UNIT [PROPERTY]...");
    auto command = arguments[0];
    auto unit = arguments[1];
    std::vector<Property> properties;
    for (std::size_t index = 2; index < arguments.size(); ++index) {
        auto property = TRY(parse_property(arguments[index]));
        properties.push_back(std::move(property));
    }
    if (command != "start" && command != "set" && command != "stop")
        return invalid("unknown command " + quoted(command), "start, set or stop");
    auto manager = TRY(Manager::connect(whose));
    if (command == "start")
        return manager.start(unit, properties);
    if (command == "set")
        TRY(manager.set(unit, properties));
    else
        TRY(manager.stop(unit));
    return std::string();
}

} // namespace

} // namespace bulkhead::systemd_unit

int main(int count, char** values)
{
    using namespace bulkhead;
    auto done = systemd_unit::carry_out(std::vector<std::string>(values + 1, values + count));
    JsonWriter json;
    json.begin_object().member("ok", done.is_ok());
    if (done.is_error())
        json.member("error", done.error().message).member("hint", done.error().hint);
    else if (!done.value().empty())
        json.member("controlGroup", done.value());
    json.end_object();
    std::puts(json.text().c_str());
    return done.is_ok() ? 0 : 1;
}
