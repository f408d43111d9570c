// Small operations on text that three or more modules need.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bulkhead {

// The parts between separators; empty parts are kept. split("a,,b", ',') is {"a", "", "b"}; split("") is {""}.
std::vector<std::string_view> split(std::string_view text, char separator);
// Without white space (blank, tab, line ends) at both ends.
std::string_view trim(std::string_view text);
std::string join(std::vector<std::string> const& parts, std::string_view separator);
inline std::string quoted(std::string_view text)
{
    return "\"" + std::string(text) + "\"";
}

// The whole text as a number of this type, else nothing (no sign tricks, no trailing characters).
template <typename T> std::optional<T> parse_number(std::string_view text, int base = 10)
{
    T value {};
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    return value;
}

} // namespace bulkhead
