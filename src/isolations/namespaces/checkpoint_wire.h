// The messages that criu speaks on its socket (its rpc.proto), as far as they are needed: the fields of protocol buffers
// written one after the other and read one after the other.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bulkhead::namespaces {

class WireWriter {
public:
    WireWriter& number(std::uint32_t field, std::uint64_t value);
    WireWriter& flag(std::uint32_t field, bool value) { return value ? number(field, 1) : *this; } // absent is false
    WireWriter& text(std::uint32_t field, std::string_view value);
    WireWriter& message(std::uint32_t field, WireWriter const& value) { return text(field, value.bytes()); }
    std::string const& bytes() const { return m_bytes; }

private:
    void append(std::uint64_t number);
    std::string m_bytes;
};

struct WireField {
    std::uint32_t field = 0;
    std::uint64_t number = 0; // of a number
    std::string_view text; // of a text or a message inside
};

class WireReader {
public:
    explicit WireReader(std::string_view bytes)
        : m_rest(bytes)
    {
    }
    // Nothing at the end, and nothing from where the bytes make no sense.
    std::optional<WireField> next();

private:
    std::optional<std::uint64_t> take_number();
    std::optional<std::string_view> take_bytes(std::uint64_t count);
    std::string_view m_rest;
};

} // namespace bulkhead::namespaces
