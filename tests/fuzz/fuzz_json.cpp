// uses: base
// Any text: the reader must agree with nlohmann/json about what is JSON and what it means, and the writer must write
// what the reader reads.
#include "base/json.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include <nlohmann/json.hpp>

namespace {

using Reference = nlohmann::json;

// Learns why the reference parser refuses a text: a number that no double holds is no syntax error.
class Verdict : public nlohmann::detail::json_sax_acceptor<Reference> {
public:
    template <typename Exception> bool parse_error(std::size_t, std::string const&, Exception const& reason)
    {
        is_about_range = reason.id == 406;
        return false;
    }
    bool is_about_range = false;
};

void require(bool holds, char const* what)
{
    if (holds)
        return;
    std::fprintf(stderr, "%s\n", what);
    std::abort();
}

bool is_bounded_by_us(bulkhead::Error const& error)
{
    return error.message.find("nested more than") != std::string::npos || error.message.find("values") != std::string::npos;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* bytes, std::size_t size)
{
    std::string_view text(reinterpret_cast<char const*>(bytes), size);
    if (text.starts_with("\xef\xbb\xbf") || text.find('\0') != std::string_view::npos)
        return 0; // the reference skips a byte order mark, and takes a NUL for the end
    auto ours = bulkhead::JsonDocument::parse(text, "text");
    Verdict verdict;
    bool const is_json = Reference::sax_parse(text, &verdict);
    if (ours.is_error()) {
        require(!is_json || is_bounded_by_us(ours.error()), "refused a text that is JSON");
        return 0;
    }
    auto dumped = ours.value().root().dump();
    auto again = bulkhead::JsonDocument::parse(dumped, "dumped text");
    require(again.is_ok() && again.value().root().dump() == dumped, "what was written is not what is read");
    if (verdict.is_about_range)
        return 0;
    require(is_json, "took a text that is not JSON");
    require(Reference::parse(dumped, nullptr, false) == Reference::parse(text, nullptr, false), "the meaning changed");
    return 0;
}
