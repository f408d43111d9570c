#include "cli/duration.h"
#include "base/text.h"

#include <array>
#include <cmath>
#include <string>
#include <utility>

namespace bulkhead::cli {

namespace {

constexpr double longest_ms = 1e15;
constexpr double largest_size = 9.2e18;

// The number at the front of TEXT, which is shortened by it.
std::optional<double> take_number(std::string_view& text)
{
    std::size_t length = 0;
    while (length < text.size() && ((text[length] >= '0' && text[length] <= '9') || text[length] == '.'))
        ++length;
    double value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + length, value);
    if (length == 0 || error != std::errc() || end != text.data() + length)
        return std::nullopt;
    text.remove_prefix(length);
    return value;
}

} // namespace

std::optional<std::int64_t> parse_duration(std::string_view text)
{
    static constexpr std::array<std::pair<std::string_view, double>, 6> units { { { "ns", 1e-6 }, { "us", 1e-3 }, { "ms", 1 }, { "h", 3'600'000 },
        { "m", 60'000 }, { "s", 1000 } } };
    if (text == "0")
        return 0;
    if (text.empty())
        return std::nullopt;
    double total = 0;
    while (!text.empty()) {
        auto number = take_number(text);
        if (!number)
            return std::nullopt;
        bool has_unit = false;
        for (auto const& [name, milliseconds] : units) {
            if (!text.starts_with(name))
                continue;
            text.remove_prefix(name.size());
            total += *number * milliseconds;
            has_unit = true;
            break;
        }
        if (!has_unit || total > longest_ms)
            return std::nullopt;
    }
    return static_cast<std::int64_t>(std::ceil(total));
}

std::optional<std::int64_t> parse_size(std::string_view text)
{
    if (text == "-1")
        return -1;
    auto number = take_number(text);
    if (!number)
        return std::nullopt;
    text = trim(text);
    std::string unit;
    for (char c : text)
        unit += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    constexpr std::string_view letters = "bkmgtp";
    std::size_t power = 0;
    if (!unit.empty()) {
        power = letters.find(unit.front());
        auto tail = std::string_view(unit).substr(1);
        bool is_known = power != std::string_view::npos && (tail.empty() || (power > 0 && (tail == "b" || tail == "ib")));
        if (!is_known)
            return std::nullopt;
    }
    auto bytes = *number * std::pow(1024.0, static_cast<double>(power));
    if (bytes > largest_size)
        return std::nullopt;
    return static_cast<std::int64_t>(bytes);
}

} // namespace bulkhead::cli
