// uses: base oci seccomp
// linux.seccomp from JSON to a filter that the evaluator runs, and the reader of cached filters. The first byte chooses.
#include "oci/config.h"
#include "seccomp/cache.h"
#include "seccomp/cache_file.h"
#include "seccomp/compile.h"
#include "seccomp/evaluate.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace {

using namespace bulkhead;
using namespace bulkhead::seccomp;

void run(Program const& program)
{
    if (check_instructions(program.instructions).is_error())
        std::abort(); // neither the compiler nor the cache may hand out what the kernel would refuse
    seccomp_data call {};
    for (auto architecture : { 0xc000003eU, 0x40000003U, 0x12345678U }) {
        for (int number : { -1, 0, 1, 56, 101, 425, 1 << 30, 100000 }) {
            call.nr = number;
            call.arch = architecture;
            call.args[0] = static_cast<std::uint64_t>(number) * 0x100000001;
            (void)evaluate(program.instructions, call);
        }
    }
}

void profile_from(std::string_view json)
{
    std::string text = R"({"ociVersion":"1.2.0","root":{"path":"r"},"linux":{"seccomp":)";
    text += json;
    text += "}}";
    auto config = oci::parse_config(text);
    if (config.is_error() || !config.value().linux_section.seccomp)
        return;
    (void)oci::validate_config(config.value());
    auto const& profile = *config.value().linux_section.seccomp;
    auto program = compile(profile);
    if (program.is_error())
        return;
    run(program.value());
    auto key = cache_key(profile);
    auto again = decode_program(encode_program(program.value(), key), key);
    if (!again || again->instructions.size() != program.value().instructions.size())
        std::abort();
}

// With the digest put right, so that the rest of the reader is reached.
void cached_from(std::string bytes)
{
    Sha256::Digest key {};
    (void)decode_program(bytes, key);
    if (bytes.size() < cache_header_size)
        return;
    auto digest = cache_digest(bytes, key);
    std::memcpy(bytes.data() + cache_digest_offset, digest.data(), digest.size());
    if (auto program = decode_program(bytes, key))
        run(*program);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    if (size == 0)
        return 0;
    std::string_view input(static_cast<char const*>(static_cast<void const*>(data)), size);
    if (input[0] == 'B') // as the magic of a cached filter begins
        cached_from(std::string(input));
    else
        profile_from(input);
    return 0;
}
