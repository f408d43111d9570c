// The tree behind JsonDocument: 32 bytes a value, children side by side, texts inside the document's copy of its input.
// Shared by json_parse.cpp, which builds it, and json.cpp, which reads it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace bulkhead {

struct JsonNode {
    enum class Type : std::uint8_t {
        null,
        boolean, // number
        unsigned_whole, // number
        negative_whole, // number, as a two's complement
        other_number, // text: with a fraction or an exponent, or too large for 64 bits
        string, // text, without its quotes and escapes
        array, // children
        object, // children with keys
    };

    JsonNode const* parent = nullptr;
    char const* key = nullptr; // not null exactly for members of an object
    union {
        std::uint64_t number = 0;
        char const* text;
        JsonNode* children;
    };
    std::uint32_t key_length = 0;
    std::uint32_t length : 26 = 0; // bytes of text or number of children
    Type type : 4 = Type::null;
    // Noted while reading, for unread_members(): an object was asked for a member; this member was asked for.
    mutable std::uint32_t was_opened : 1 = 0;
    mutable std::uint32_t was_read : 1 = 0;

    bool is_container() const { return type == Type::array || type == Type::object; }
    std::string_view text_view() const { return { text, length }; }
    std::string_view key_view() const { return { key, key_length }; }
};
static_assert(sizeof(JsonNode) == 32);

// Node storage that never moves: lists of children are cut from blocks.
class JsonNodeBlocks {
public:
    JsonNode* take(std::size_t count);

private:
    static constexpr std::size_t block_size = 128;
    std::vector<std::unique_ptr<JsonNode[]>> m_blocks;
    JsonNode* m_free = nullptr;
    std::size_t m_left = 0;
};

struct JsonParseFailure {
    std::size_t offset = 0;
    char const* reason = nullptr; // null: no failure
};

// Parses the bytes [TEXT, TEXT + LENGTH), which are followed by a NUL that is not part of them; texts are unescaped in
// place. RFC 8259 to the letter: no comments, no byte order mark, no lone surrogates, valid UTF-8 only.
JsonParseFailure parse_json_in_place(char* text, std::size_t length, JsonNodeBlocks& blocks, JsonNode*& root);

// The number of bytes of the UTF-8 sequence at the start of TEXT, 0 when it is not one.
std::size_t utf8_sequence_length(char const* text, char const* end);

void append_json_quoted(std::string& out, std::string_view text);

} // namespace bulkhead
