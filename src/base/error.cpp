#include "base/error.h"
#include "base/result.h"

#include <cctype>
#include <cstdio>
#include <cstring>

namespace bulkhead {

std::string errno_text(Errno code)
{
    auto const* text = ::strerrordesc_np(static_cast<int>(code));
    if (!text)
        return "error " + std::to_string(static_cast<int>(code));
    std::string result = text;
    result[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(result[0])));
    return result;
}

std::string_view errno_name(Errno code)
{
    auto const* name = ::strerrorname_np(static_cast<int>(code));
    return name ? std::string_view(name) : std::string_view("UNKNOWN");
}

Errno errno_by_name(std::string_view name)
{
    for (int number = 1; number < 134; ++number) {
        auto const* candidate = ::strerrorname_np(number);
        if (candidate && name == candidate)
            return static_cast<Errno>(number);
    }
    return Errno::none;
}

Error Error::from_errno(Errno code, std::string_view doing)
{
    return Error { .code = code, .message = std::string(doing) + ": " + errno_text(code) };
}

void Error::add_context(std::string_view doing)
{
    message.insert(0, ": ");
    message.insert(0, doing);
}

void crash(char const* expression, char const* file, int line)
{
    std::fprintf(stderr, "bulkhead: bug: %s:%d: %s\n", file, line, expression);
    std::abort();
}

} // namespace bulkhead
