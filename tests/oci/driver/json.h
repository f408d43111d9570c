// Reading JSON that a foreign runtime wrote: a missing or wrongly typed value is a default, never a crash.
#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace conformance {

using Json = nlohmann::json;

inline Json const& at(Json const& value, std::string_view key)
{
    static Json const nothing;
    if (!value.is_object())
        return nothing;
    auto found = value.find(std::string(key));
    return found == value.end() ? nothing : *found;
}

inline Json const& at(Json const& value, std::size_t index)
{
    static Json const nothing;
    return value.is_array() && index < value.size() ? value[index] : nothing;
}

inline std::string text_at(Json const& value, std::string_view key)
{
    auto const& found = at(value, key);
    return found.is_string() ? found.get<std::string>() : "";
}

inline std::int64_t number_at(Json const& value, std::string_view key, std::int64_t fallback = -1)
{
    auto const& found = at(value, key);
    return found.is_number() ? found.get<std::int64_t>() : fallback;
}

inline bool flag_at(Json const& value, std::string_view key)
{
    auto const& found = at(value, key);
    return found.is_boolean() && found.get<bool>();
}

inline Json parse_json(std::string_view text)
{
    auto value = Json::parse(text, nullptr, false);
    return value.is_discarded() ? Json() : value;
}

inline std::string show(Json const& value)
{
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

} // namespace conformance
