#include "seccomp/cache_file.h"

#include <array>
#include <cstring>

#include <linux/seccomp.h>

namespace bulkhead::seccomp {

namespace {

constexpr std::array<char, 8> magic = { 'B', 'H', 's', 'e', 'c', 'c', 'm', 'p' };
constexpr std::uint32_t version = 1;

struct Header {
    std::array<char, 8> magic;
    std::uint32_t version;
    std::uint32_t instructions;
    std::uint32_t flags;
    std::uint32_t needs_listener;
    Sha256::Digest digest;
};
static_assert(sizeof(Header) == cache_header_size && offsetof(Header, digest) == cache_digest_offset);

template <typename T> std::string_view bytes_of(T const& value)
{
    return { static_cast<char const*>(static_cast<void const*>(&value)), sizeof(value) };
}

bool is_sensible(Header const& header, std::size_t file_size)
{
    if (header.magic != magic || header.version != version)
        return false;
    if (header.instructions == 0 || header.instructions > max_instructions)
        return false;
    if (file_size != sizeof(header) + header.instructions * sizeof(sock_filter))
        return false;
    bool listener = (header.flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) != 0;
    return header.needs_listener == (listener ? 1U : 0U);
}

} // namespace

Sha256::Digest cache_digest(std::string_view bytes, Sha256::Digest const& key)
{
    Sha256 hash;
    hash.add(bytes_of(key));
    hash.add(bytes.substr(0, cache_digest_offset));
    hash.add(bytes.substr(cache_header_size));
    return hash.finish();
}

std::string encode_program(Program const& program, Sha256::Digest const& key)
{
    Header header {
        .magic = magic,
        .version = version,
        .instructions = static_cast<std::uint32_t>(program.instructions.size()),
        .flags = program.flags,
        .needs_listener = program.needs_listener ? 1U : 0U,
        .digest = {},
    };
    std::string bytes(bytes_of(header));
    bytes.resize(sizeof(header) + program.instructions.size() * sizeof(sock_filter));
    std::memcpy(bytes.data() + sizeof(header), program.instructions.data(), program.instructions.size() * sizeof(sock_filter));
    header.digest = cache_digest(bytes, key);
    std::memcpy(bytes.data(), &header, sizeof(header));
    return bytes;
}

std::optional<Program> decode_program(std::string_view bytes, Sha256::Digest const& key)
{
    Header header;
    if (bytes.size() < sizeof(header))
        return std::nullopt;
    std::memcpy(&header, bytes.data(), sizeof(header));
    if (!is_sensible(header, bytes.size()) || header.digest != cache_digest(bytes, key))
        return std::nullopt;
    Program program;
    program.flags = header.flags;
    program.needs_listener = header.needs_listener != 0;
    program.instructions.resize(header.instructions);
    std::memcpy(program.instructions.data(), bytes.data() + sizeof(header), header.instructions * sizeof(sock_filter));
    if (check_instructions(program.instructions).is_error())
        return std::nullopt;
    return program;
}

} // namespace bulkhead::seccomp
