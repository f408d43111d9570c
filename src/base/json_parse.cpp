#include "base/json.h"
#include "base/json_node.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace bulkhead {

namespace {

constexpr bool is_plain_text_byte(unsigned char byte)
{
    return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

constexpr auto plain_text_bytes = [] {
    std::array<bool, 256> table {};
    for (unsigned byte = 0; byte < 256; ++byte)
        table[byte] = is_plain_text_byte(static_cast<unsigned char>(byte));
    return table;
}();

constexpr bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

// One pass over the text. Finished values wait on a stack until the list that holds them is complete; then they move
// into their block, side by side, and learn the addresses of their parents.
class Parser {
public:
    Parser(char* text, std::size_t length, JsonNodeBlocks& blocks)
        : m_begin(text)
        , m_at(text)
        , m_end(text + length)
        , m_blocks(blocks)
    {
        m_waiting.reserve(64);
    }

    JsonParseFailure run(JsonNode*& root)
    {
        JsonNode node;
        skip_blanks();
        if (m_at == m_end)
            return { .offset = 0, .reason = "it is empty" };
        if (!parse_value(node, 0))
            return m_failure;
        skip_blanks();
        if (m_at != m_end)
            return { .offset = offset(), .reason = "there is more text after the end of the document" };
        m_waiting.push_back(node);
        root = settle(0);
        return {};
    }

private:
    std::size_t offset() const { return static_cast<std::size_t>(m_at - m_begin); }

    bool fail(char const* reason)
    {
        m_failure = { .offset = offset(), .reason = reason };
        return false;
    }

    void skip_blanks()
    {
        while (m_at != m_end && (*m_at == ' ' || *m_at == '\n' || *m_at == '\r' || *m_at == '\t'))
            ++m_at;
    }

    // Moves the values that wait above FIRST into a block of their own.
    JsonNode* settle(std::size_t first)
    {
        auto count = m_waiting.size() - first;
        auto* nodes = m_blocks.take(count);
        std::copy(m_waiting.begin() + static_cast<std::ptrdiff_t>(first), m_waiting.end(), nodes);
        m_waiting.resize(first);
        for (std::size_t index = 0; index < count; ++index) {
            if (!nodes[index].is_container())
                continue;
            for (std::size_t child = 0; child < nodes[index].length; ++child)
                nodes[index].children[child].parent = &nodes[index];
        }
        return nodes;
    }

    bool parse_value(JsonNode& node, std::size_t depth)
    {
        if (++m_values > JsonDocument::max_values)
            return fail("it has more than 1000000 values");
        if (m_at == m_end)
            return fail("it ends too early");
        switch (*m_at) {
        case '{':
            return parse_object(node, depth);
        case '[':
            return parse_array(node, depth);
        case '"':
            return parse_string_value(node);
        case 't':
            return parse_word(node, "true", JsonNode::Type::boolean, 1);
        case 'f':
            return parse_word(node, "false", JsonNode::Type::boolean, 0);
        case 'n':
            return parse_word(node, "null", JsonNode::Type::null, 0);
        default:
            return parse_number(node);
        }
    }

    bool parse_word(JsonNode& node, std::string_view word, JsonNode::Type type, std::uint64_t number)
    {
        if (static_cast<std::size_t>(m_end - m_at) < word.size() || std::memcmp(m_at, word.data(), word.size()) != 0)
            return fail("a value is expected here");
        m_at += word.size();
        node.type = type;
        node.number = number;
        return true;
    }

    bool enter(std::size_t depth)
    {
        if (depth >= JsonDocument::max_depth)
            return fail("it is nested more than 64 deep");
        ++m_at;
        skip_blanks();
        return true;
    }

    // After an element: true when another one follows; a failure is left in m_failure.
    bool next_element(char closing)
    {
        skip_blanks();
        if (m_at == m_end)
            return fail("it ends too early");
        if (*m_at == closing) {
            ++m_at;
            return false;
        }
        if (*m_at != ',')
            return fail(closing == '}' ? "a comma or } is expected here" : "a comma or ] is expected here");
        ++m_at;
        skip_blanks();
        return true;
    }

    bool finish_container(JsonNode& node, JsonNode::Type type, std::size_t first)
    {
        if (m_failure.reason)
            return false;
        node.type = type;
        node.length = static_cast<std::uint32_t>(m_waiting.size() - first) & 0x3ffffff; // bounded by max_values
        node.children = node.length == 0 ? nullptr : settle(first);
        return true;
    }

    bool parse_array(JsonNode& node, std::size_t depth)
    {
        if (!enter(depth))
            return false;
        auto first = m_waiting.size();
        if (m_at != m_end && *m_at == ']') {
            ++m_at;
            return finish_container(node, JsonNode::Type::array, first);
        }
        do {
            JsonNode element;
            if (!parse_value(element, depth + 1))
                return false;
            m_waiting.push_back(element);
        } while (next_element(']'));
        return finish_container(node, JsonNode::Type::array, first);
    }

    bool parse_object(JsonNode& node, std::size_t depth)
    {
        if (!enter(depth))
            return false;
        auto first = m_waiting.size();
        if (m_at != m_end && *m_at == '}') {
            ++m_at;
            return finish_container(node, JsonNode::Type::object, first);
        }
        do {
            JsonNode member;
            if (!parse_member(member, depth + 1))
                return false;
            m_waiting.push_back(member);
        } while (next_element('}'));
        return finish_container(node, JsonNode::Type::object, first);
    }

    bool parse_member(JsonNode& member, std::size_t depth)
    {
        if (m_at == m_end || *m_at != '"')
            return fail(m_at == m_end ? "it ends too early" : "a member name in quotes is expected here");
        std::string_view name;
        if (!parse_string(name))
            return false;
        skip_blanks();
        if (m_at == m_end || *m_at != ':')
            return fail("a colon is expected here");
        ++m_at;
        skip_blanks();
        member.key = name.data();
        member.key_length = static_cast<std::uint32_t>(name.size());
        return parse_value(member, depth);
    }

    bool parse_string_value(JsonNode& node)
    {
        std::string_view text;
        if (!parse_string(text))
            return false;
        node.type = JsonNode::Type::string;
        node.text = text.data();
        node.length = static_cast<std::uint32_t>(text.size()) & 0x3ffffff; // bounded by max_text
        return true;
    }

    // At an opening quote. Writes what escapes stand for over the text itself: it is never longer than the escapes.
    bool parse_string(std::string_view& into)
    {
        char* begin = ++m_at;
        while (plain_text_bytes[static_cast<unsigned char>(*m_at)]) // the NUL after the text ends this, too
            ++m_at;
        char* out = m_at;
        for (;;) {
            if (m_at == m_end)
                return fail("a text has no closing quote");
            if (*m_at == '"')
                break;
            if (*m_at == '\\') {
                if (!parse_escape(out))
                    return false;
                continue;
            }
            if (static_cast<unsigned char>(*m_at) < 0x20)
                return fail("a control character stands in a text without being escaped");
            auto length = utf8_sequence_length(m_at, m_end);
            if (length == 0)
                return fail("this is not UTF-8");
            std::memmove(out, m_at, length);
            out += length;
            m_at += length;
        }
        into = { begin, static_cast<std::size_t>(out - begin) };
        ++m_at;
        return true;
    }

    bool parse_escape(char*& out)
    {
        constexpr std::string_view letters = "\"\\/bfnrt";
        constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
        if (m_end - m_at < 2)
            return fail("a text has no closing quote");
        if (m_at[1] == 'u')
            return parse_unicode_escape(out);
        auto index = letters.find(m_at[1]);
        if (index == std::string_view::npos)
            return fail("an unknown escape");
        *out++ = meanings[index];
        m_at += 2;
        return true;
    }

    // The four digits after "\u", or a number no code unit has.
    std::uint32_t code_unit(char const* at) const
    {
        std::uint32_t unit = 0;
        if (m_end - at < 6 || at[0] != '\\' || at[1] != 'u' || at[2] == '-')
            return 0x10000;
        auto [end, error] = std::from_chars(at + 2, at + 6, unit, 16);
        return error == std::errc() && end == at + 6 ? unit : 0x10000;
    }

    bool parse_unicode_escape(char*& out)
    {
        auto point = code_unit(m_at);
        std::size_t used = 6;
        if (point > 0xffff)
            return fail("\\u needs four hexadecimal digits");
        if (point >= 0xd800 && point < 0xe000) {
            auto low = code_unit(m_at + 6);
            if (point >= 0xdc00 || low < 0xdc00 || low > 0xdfff)
                return fail("half of a surrogate pair");
            point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
            used = 12;
        }
        append_utf8(out, point);
        m_at += used;
        return true;
    }

    static void append_utf8(char*& out, std::uint32_t point)
    {
        auto put = [&out](std::uint32_t byte) { *out++ = static_cast<char>(byte); };
        if (point < 0x80) {
            put(point);
        } else if (point < 0x800) {
            put(0xc0 | point >> 6);
            put(0x80 | (point & 0x3f));
        } else if (point < 0x10000) {
            put(0xe0 | point >> 12);
            put(0x80 | (point >> 6 & 0x3f));
            put(0x80 | (point & 0x3f));
        } else {
            put(0xf0 | point >> 18);
            put(0x80 | (point >> 12 & 0x3f));
            put(0x80 | (point >> 6 & 0x3f));
            put(0x80 | (point & 0x3f));
        }
    }

    bool skip_digits()
    {
        if (m_at == m_end || !is_digit(*m_at))
            return false;
        while (m_at != m_end && is_digit(*m_at))
            ++m_at;
        return true;
    }

    bool parse_number(JsonNode& node)
    {
        char const* begin = m_at;
        bool const is_negative = *m_at == '-';
        if (is_negative)
            ++m_at;
        char const* digits = m_at;
        if (!skip_digits())
            return fail(is_negative ? "a digit is expected here" : "a value is expected here");
        if (*digits == '0' && m_at - digits > 1)
            return fail("a number must not start with 0");
        bool is_whole = true;
        if (m_at != m_end && *m_at == '.') {
            is_whole = false;
            ++m_at;
            if (!skip_digits())
                return fail("a digit is expected here");
        }
        if (m_at != m_end && (*m_at == 'e' || *m_at == 'E')) {
            is_whole = false;
            ++m_at;
            if (m_at != m_end && (*m_at == '+' || *m_at == '-'))
                ++m_at;
            if (!skip_digits())
                return fail("a digit is expected here");
        }
        if (is_whole && read_whole(node, digits, is_negative))
            return true;
        node.type = JsonNode::Type::other_number;
        node.text = begin;
        node.length = static_cast<std::uint32_t>(m_at - begin) & 0x3ffffff;
        return true;
    }

    bool read_whole(JsonNode& node, char const* digits, bool is_negative) const
    {
        std::uint64_t magnitude = 0;
        auto [end, error] = std::from_chars(digits, static_cast<char const*>(m_at), magnitude);
        if (error != std::errc() || (is_negative && magnitude > std::uint64_t { 1 } << 63))
            return false;
        node.type = is_negative && magnitude != 0 ? JsonNode::Type::negative_whole : JsonNode::Type::unsigned_whole;
        node.number = is_negative ? 0 - magnitude : magnitude;
        return true;
    }

    char* m_begin;
    char* m_at;
    char* m_end;
    JsonNodeBlocks& m_blocks;
    std::vector<JsonNode> m_waiting;
    std::size_t m_values = 0;
    JsonParseFailure m_failure;
};

} // namespace

JsonNode* JsonNodeBlocks::take(std::size_t count)
{
    if (count > m_left) {
        auto size = std::max(count, block_size);
        m_blocks.push_back(std::make_unique<JsonNode[]>(size));
        if (count == size)
            return m_blocks.back().get(); // the current block may still have room for shorter lists
        m_free = m_blocks.back().get();
        m_left = size;
    }
    auto* nodes = m_free;
    m_free += count;
    m_left -= count;
    return nodes;
}

JsonParseFailure parse_json_in_place(char* text, std::size_t length, JsonNodeBlocks& blocks, JsonNode*& root)
{
    return Parser(text, length, blocks).run(root);
}

// The Unicode Standard, table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF.
std::size_t utf8_sequence_length(char const* text, char const* end)
{
    auto byte = [text](std::size_t index) { return static_cast<unsigned char>(text[index]); };
    auto continues = [&](std::size_t index) { return (byte(index) & 0xc0) == 0x80; };
    auto available = static_cast<std::size_t>(end - text);
    if (available == 0)
        return 0;
    unsigned char const first = byte(0);
    if (first < 0x80)
        return 1;
    if (first >= 0xc2 && first <= 0xdf)
        return available >= 2 && continues(1) ? 2 : 0;
    if (first >= 0xe0 && first <= 0xef) {
        if (available < 3 || !continues(1) || !continues(2))
            return 0;
        bool const is_overlong = first == 0xe0 && byte(1) < 0xa0;
        bool const is_surrogate = first == 0xed && byte(1) >= 0xa0;
        return is_overlong || is_surrogate ? 0 : 3;
    }
    if (first >= 0xf0 && first <= 0xf4) {
        if (available < 4 || !continues(1) || !continues(2) || !continues(3))
            return 0;
        bool const is_overlong = first == 0xf0 && byte(1) < 0x90;
        bool const is_too_large = first == 0xf4 && byte(1) >= 0x90;
        return is_overlong || is_too_large ? 0 : 4;
    }
    return 0;
}

} // namespace bulkhead
