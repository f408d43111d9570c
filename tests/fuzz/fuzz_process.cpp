// uses: oci base
// The documents that exec --process and update --resources are given.
#include "oci/config.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

using namespace bulkhead;

void require(bool holds, char const* what)
{
    if (holds)
        return;
    std::fprintf(stderr, "%s\n", what);
    std::abort();
}

void check_complaint(Error const& error)
{
    require(!error.message.empty() && error.message.size() < 4096, "a complaint without words or without end");
    for (unsigned char c : error.message)
        require(c >= 0x20, "a complaint with a control character");
}

void check_process(std::string_view text)
{
    auto process = oci::parse_process(text);
    if (process.is_error())
        return check_complaint(process.error());
    auto valid = oci::validate_process(process.value(), "");
    if (valid.is_error())
        return check_complaint(valid.error());
    require(!process.value().args.empty(), "nothing to run");
    for (auto const& entry : process.value().env)
        require(entry.find('=') != std::string::npos && entry.find('\0') == std::string::npos, "an entry that no environment takes");
}

void check_resources(std::string_view text)
{
    auto resources = oci::parse_resources(text);
    if (resources.is_error())
        return check_complaint(resources.error());
    auto valid = oci::validate_resources(resources.value(), "");
    if (valid.is_error())
        return check_complaint(valid.error());
    for (auto const& [name, value] : resources.value().unified)
        require(name.find('/') == std::string::npos, "a file outside the control group");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* bytes, std::size_t size)
{
    std::string_view text(reinterpret_cast<char const*>(bytes), size);
    check_process(text);
    check_resources(text);
    return 0;
}
