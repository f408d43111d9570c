// Properties as they stand in arguments, and as D-Bus values.
#include "base/text.h"
#include "systemd_unit/bus.h"

#include <limits>

namespace bulkhead::systemd_unit {

namespace {

Error bad_value(Property const& property)
{
    return invalid("property " + property.name + ": " + quoted(property.value) + " is not a value of type " + quoted(property.signature));
}

Result<Unit> check(int code)
{
    if (code < 0)
        return Error::from_errno(static_cast<Errno>(-code), "build a D-Bus message");
    return ok();
}

Result<std::vector<std::uint8_t>> parse_bytes(Property const& property)
{
    std::vector<std::uint8_t> bytes;
    std::string_view text = property.value;
    if (text.size() % 2 != 0)
        return bad_value(property);
    for (std::size_t index = 0; index < text.size(); index += 2) {
        auto byte = parse_number<std::uint8_t>(text.substr(index, 2), 16);
        if (!byte)
            return bad_value(property);
        bytes.push_back(*byte);
    }
    return bytes;
}

Result<Unit> append_list(sd_bus_message* message, Property const& property)
{
    auto element = property.signature.substr(1);
    TRY(check(sd_bus_message_open_container(message, 'a', element.c_str())));
    if (!property.value.empty()) {
        for (auto part : split(property.value, element == "(ss)" ? ';' : ',')) {
            auto text = std::string(part);
            if (element == "s") {
                TRY(check(sd_bus_message_append(message, "s", text.c_str())));
            } else if (element == "u") {
                auto number = parse_number<std::uint32_t>(part);
                if (!number)
                    return bad_value(property);
                TRY(check(sd_bus_message_append(message, "u", *number)));
            } else { // "PATH LETTERS"
                auto blank = text.rfind(' ');
                if (blank == std::string::npos)
                    return bad_value(property);
                TRY(check(sd_bus_message_append(message, "(ss)", text.substr(0, blank).c_str(), text.c_str() + blank + 1)));
            }
        }
    }
    return check(sd_bus_message_close_container(message));
}

Result<Unit> append_value(sd_bus_message* message, Property const& property)
{
    auto const& signature = property.signature;
    if (signature == "s")
        return check(sd_bus_message_append(message, "s", property.value.c_str()));
    if (signature == "b") {
        if (property.value != "true" && property.value != "false")
            return bad_value(property);
        return check(sd_bus_message_append(message, "b", property.value == "true" ? 1 : 0));
    }
    if (signature == "t") {
        auto number = property.value == "infinity" ? std::numeric_limits<std::uint64_t>::max() : parse_number<std::uint64_t>(property.value);
        if (!number)
            return bad_value(property);
        return check(sd_bus_message_append(message, "t", *number));
    }
    if (signature == "ay") {
        auto bytes = TRY(parse_bytes(property));
        return check(sd_bus_message_append_array(message, 'y', bytes.data(), bytes.size()));
    }
    return append_list(message, property);
}

} // namespace

Result<Property> parse_property(std::string_view argument)
{
    auto equals = argument.find('=');
    auto colon = argument.substr(0, equals).find(':');
    if (equals == std::string_view::npos || colon == std::string_view::npos)
        return invalid(
            "argument " + quoted(argument) + " is not a property", "write it as NAME[@VERSION]:SIGNATURE=VALUE, for example MemoryMax:t=1048576");
    Property property;
    auto name = argument.substr(0, colon);
    auto at = name.find('@');
    property.name = name.substr(0, at);
    if (at != std::string_view::npos) {
        auto since = parse_number<unsigned>(name.substr(at + 1));
        if (!since)
            return invalid("argument " + quoted(argument) + " has no number after @");
        property.since = *since;
    }
    property.signature = argument.substr(colon + 1, equals - colon - 1);
    property.value = argument.substr(equals + 1);
    bool is_known = false;
    for (auto const* signature : { "s", "b", "t", "ay", "as", "au", "a(ss)" })
        is_known = is_known || property.signature == signature;
    if (!is_known || property.name.empty())
        return invalid("argument " + quoted(argument) + " has an unknown type", "types are s, b, t, ay, as, au and a(ss)");
    return property;
}

Result<Unit> append_property(sd_bus_message* message, Property const& property)
{
    TRY(check(sd_bus_message_open_container(message, 'r', "sv")));
    TRY(check(sd_bus_message_append(message, "s", property.name.c_str())));
    TRY(check(sd_bus_message_open_container(message, 'v', property.signature.c_str())));
    TRY(append_value(message, property));
    TRY(check(sd_bus_message_close_container(message)));
    return check(sd_bus_message_close_container(message));
}

} // namespace bulkhead::systemd_unit
