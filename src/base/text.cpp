#include "base/text.h"

namespace bulkhead {

std::vector<std::string_view> split(std::string_view text, char separator)
{
    std::vector<std::string_view> parts;
    for (;;) {
        auto end = text.find(separator);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos)
            return parts;
        text.remove_prefix(end + 1);
    }
}

std::string_view trim(std::string_view text)
{
    constexpr std::string_view blanks = " \t\r\n";
    auto begin = text.find_first_not_of(blanks);
    if (begin == std::string_view::npos)
        return {};
    return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

std::string join(std::vector<std::string> const& parts, std::string_view separator)
{
    std::string all;
    for (auto const& part : parts) {
        if (!all.empty())
            all += separator;
        all += part;
    }
    return all;
}

} // namespace bulkhead
