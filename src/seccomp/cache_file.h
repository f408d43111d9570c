// The form of a compiled filter in the cache: a header with a digest over everything, then the instructions.
#pragma once

#include "base/sha256.h"
#include "seccomp/program.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace bulkhead::seccomp {

constexpr std::size_t cache_header_size = 24 + sizeof(Sha256::Digest);
constexpr std::size_t cache_digest_offset = 24;
constexpr std::size_t max_cache_file_size = cache_header_size + max_instructions * sizeof(sock_filter);

// KEY names what the filter was compiled from; the digest covers it, so that a file under a wrong name is refused.
std::string encode_program(Program const&, Sha256::Digest const& key);

// Nothing when a single byte is not as encode_program() wrote it, or the kernel would refuse the filter. The listener's path
// and metadata are not part of the file.
std::optional<Program> decode_program(std::string_view bytes, Sha256::Digest const& key);

// What the file's digest must be; the fuzzer uses it to get past it.
Sha256::Digest cache_digest(std::string_view bytes, Sha256::Digest const& key);

} // namespace bulkhead::seccomp
