#include "base/sha256.h"

#include <algorithm>
#include <bit>
#include <cstring>

#if defined(__x86_64__) && __has_include(<sys/platform/x86.h>)
#define BULKHEAD_SHA_INSTRUCTIONS 1
#include <immintrin.h>
#ifdef __clang__ // the header says _Bool, which clang does not know in C++
#define _Bool bool
#endif
#include <sys/platform/x86.h>
#else
#define BULKHEAD_SHA_INSTRUCTIONS 0
#endif

namespace bulkhead {

namespace {

// Section 4.2.2: the first 32 bits of the fractional parts of the cube roots of the first 64 primes.
alignas(16) constexpr std::array<std::uint32_t, 64> round_constants = {
    0x428a2f98,
    0x71374491,
    0xb5c0fbcf,
    0xe9b5dba5,
    0x3956c25b,
    0x59f111f1,
    0x923f82a4,
    0xab1c5ed5, //
    0xd807aa98,
    0x12835b01,
    0x243185be,
    0x550c7dc3,
    0x72be5d74,
    0x80deb1fe,
    0x9bdc06a7,
    0xc19bf174, //
    0xe49b69c1,
    0xefbe4786,
    0x0fc19dc6,
    0x240ca1cc,
    0x2de92c6f,
    0x4a7484aa,
    0x5cb0a9dc,
    0x76f988da, //
    0x983e5152,
    0xa831c66d,
    0xb00327c8,
    0xbf597fc7,
    0xc6e00bf3,
    0xd5a79147,
    0x06ca6351,
    0x14292967, //
    0x27b70a85,
    0x2e1b2138,
    0x4d2c6dfc,
    0x53380d13,
    0x650a7354,
    0x766a0abb,
    0x81c2c92e,
    0x92722c85, //
    0xa2bfe8a1,
    0xa81a664b,
    0xc24b8b70,
    0xc76c51a3,
    0xd192e819,
    0xd6990624,
    0xf40e3585,
    0x106aa070, //
    0x19a4c116,
    0x1e376c08,
    0x2748774c,
    0x34b0bcb5,
    0x391c0cb3,
    0x4ed8aa4a,
    0x5b9cca4f,
    0x682e6ff3, //
    0x748f82ee,
    0x78a5636f,
    0x84c87814,
    0x8cc70208,
    0x90befffa,
    0xa4506ceb,
    0xbef9a3f7,
    0xc67178f2,
};

constexpr std::array<std::uint32_t, 8> first_state = {
    0x6a09e667,
    0xbb67ae85,
    0x3c6ef372,
    0xa54ff53a,
    0x510e527f,
    0x9b05688c,
    0x1f83d9ab,
    0x5be0cd19,
};

std::uint32_t load_big_endian(char const* bytes)
{
    std::uint32_t word = 0;
    for (int index = 0; index < 4; ++index)
        word = word << 8 | static_cast<std::uint8_t>(bytes[index]);
    return word;
}

void portable_block(std::array<std::uint32_t, 8>& state, char const* bytes)
{
    std::array<std::uint32_t, 64> w;
    for (std::size_t t = 0; t < 16; ++t)
        w[t] = load_big_endian(bytes + 4 * t);
    for (std::size_t t = 16; t < 64; ++t) {
        auto low = std::rotr(w[t - 15], 7) ^ std::rotr(w[t - 15], 18) ^ (w[t - 15] >> 3);
        auto high = std::rotr(w[t - 2], 17) ^ std::rotr(w[t - 2], 19) ^ (w[t - 2] >> 10);
        w[t] = high + w[t - 7] + low + w[t - 16];
    }
    auto [a, b, c, d, e, f, g, h] = state;
    for (std::size_t t = 0; t < 64; ++t) {
        auto sum_e = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
        auto first = h + sum_e + ((e & f) ^ (~e & g)) + round_constants[t] + w[t];
        auto sum_a = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
        auto second = sum_a + ((a & b) ^ (a & c) ^ (b & c));
        h = g;
        g = f;
        f = e;
        e = d + first;
        d = c;
        c = b;
        b = a;
        a = first + second;
    }
    std::array<std::uint32_t, 8> const added = { a, b, c, d, e, f, g, h };
    for (std::size_t index = 0; index < state.size(); ++index)
        state[index] += added[index];
}

void portable_blocks(std::array<std::uint32_t, 8>& state, char const* bytes, std::size_t blocks)
{
    for (; blocks > 0; --blocks, bytes += 64)
        portable_block(state, bytes);
}

#if BULKHEAD_SHA_INSTRUCTIONS

__attribute__((target("sha,sse4.1"))) __m128i load(void const* from)
{
    __m128i value;
    std::memcpy(&value, from, sizeof(value));
    return value;
}

// The instructions keep the state as (A B E F) and (C D G H) and do two rounds each.
__attribute__((target("sha,sse4.1"))) void instruction_blocks(std::array<std::uint32_t, 8>& state, char const* bytes, std::size_t blocks)
{
    auto const swap_bytes = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    auto cdab = _mm_shuffle_epi32(load(state.data()), 0xb1);
    auto efgh = _mm_shuffle_epi32(load(state.data() + 4), 0x1b);
    auto abef = _mm_alignr_epi8(cdab, efgh, 8);
    auto cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);
    for (; blocks > 0; --blocks, bytes += 64) {
        auto const abef_before = abef;
        auto const cdgh_before = cdgh;
        __m128i w[16];
        for (int t = 0; t < 16; ++t) {
            if (t < 4) {
                w[t] = _mm_shuffle_epi8(load(bytes + 16 * t), swap_bytes);
            } else {
                auto sum = _mm_add_epi32(_mm_sha256msg1_epu32(w[t - 4], w[t - 3]), _mm_alignr_epi8(w[t - 1], w[t - 2], 4));
                w[t] = _mm_sha256msg2_epu32(sum, w[t - 1]);
            }
            auto message = _mm_add_epi32(w[t], load(round_constants.data() + 4 * t));
            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, message);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(message, 0x0e));
        }
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }
    auto feba = _mm_shuffle_epi32(abef, 0x1b);
    auto dchg = _mm_shuffle_epi32(cdgh, 0xb1);
    auto const first = _mm_blend_epi16(feba, dchg, 0xf0);
    auto const second = _mm_alignr_epi8(dchg, feba, 8);
    std::memcpy(state.data(), &first, sizeof(first));
    std::memcpy(state.data() + 4, &second, sizeof(second));
}

// The C library has asked the processor already; CPUID again would be a trap in a virtual machine.
bool has_instructions()
{
    return CPU_FEATURE_ACTIVE(SHA) && CPU_FEATURE_ACTIVE(SSE4_1) && CPU_FEATURE_ACTIVE(SSSE3);
}

#endif

} // namespace

Sha256::Blocks Sha256::choose([[maybe_unused]] Speed speed)
{
#if BULKHEAD_SHA_INSTRUCTIONS
    if (speed == Speed::fastest && has_instructions())
        return instruction_blocks;
#endif
    return portable_blocks;
}

Sha256::Sha256()
    : Sha256(Speed::fastest)
{
}

Sha256::Sha256(Speed speed)
    : m_blocks(choose(speed))
    , m_state(first_state)
{
}

void Sha256::add(std::string_view bytes)
{
    auto used = static_cast<std::size_t>(m_length % m_rest.size());
    m_length += bytes.size();
    if (used > 0) {
        auto count = std::min(bytes.size(), m_rest.size() - used);
        std::copy_n(bytes.data(), count, m_rest.data() + used);
        bytes.remove_prefix(count);
        if (used + count < m_rest.size())
            return;
        m_blocks(m_state, m_rest.data(), 1);
    }
    if (auto blocks = bytes.size() / m_rest.size(); blocks > 0) {
        m_blocks(m_state, bytes.data(), blocks);
        bytes.remove_prefix(blocks * m_rest.size());
    }
    std::copy_n(bytes.data(), bytes.size(), m_rest.data());
}

Sha256::Digest Sha256::finish()
{
    auto const bits = m_length * 8;
    std::array<char, 72> padding {};
    padding[0] = '\x80';
    auto zeros = (119 - m_length % 64) % 64 + 1; // the 0x80 included, up to 8 bytes before the end of a block
    for (std::size_t index = 0; index < 8; ++index)
        padding[zeros + index] = static_cast<char>(bits >> (56 - 8 * index));
    add({ padding.data(), zeros + 8 });
    Digest digest;
    for (std::size_t index = 0; index < digest.size(); ++index)
        digest[index] = static_cast<std::uint8_t>(m_state[index / 4] >> (24 - 8 * (index % 4)));
    return digest;
}

Sha256::Digest Sha256::of(std::string_view bytes)
{
    Sha256 hash;
    hash.add(bytes);
    return hash.finish();
}

std::string to_hex(Sha256::Digest const& digest)
{
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    text.reserve(2 * digest.size());
    for (auto byte : digest) {
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}

} // namespace bulkhead
