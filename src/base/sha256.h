// SHA-256 (FIPS 180-4), for names of cached things and for finding damage. With the processor's own instructions where
// it has them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace bulkhead {

class Sha256 {
public:
    using Digest = std::array<std::uint8_t, 32>;

    Sha256();
    void add(std::string_view bytes);
    // Ends the message; nothing may be added afterwards.
    Digest finish();

    static Digest of(std::string_view bytes);

    // Tests compare the two implementations.
    enum class Speed { fastest, portable };
    explicit Sha256(Speed);

private:
    using Blocks = void (*)(std::array<std::uint32_t, 8>& state, char const* bytes, std::size_t blocks);
    static Blocks choose(Speed);

    Blocks m_blocks;
    std::array<std::uint32_t, 8> m_state;
    std::array<char, 64> m_rest {};
    std::uint64_t m_length = 0;
};

// Lower case hexadecimal digits.
std::string to_hex(Sha256::Digest const&);

} // namespace bulkhead
