#include "base/json.h"
#include "base/json_node.h"

#include <array>
#include <charconv>
#include <cmath>

namespace bulkhead {

namespace {

void append_escaped(std::string& out, unsigned char c)
{
    constexpr std::string_view digits = "0123456789abcdef";
    switch (c) {
    case '"':
        out += "\\\"";
        break;
    case '\\':
        out += "\\\\";
        break;
    case '\n':
        out += "\\n";
        break;
    case '\r':
        out += "\\r";
        break;
    case '\t':
        out += "\\t";
        break;
    default:
        out += "\\u00";
        out += digits[c >> 4];
        out += digits[c & 0xf];
    }
}

template <typename T> void append_number(std::string& out, T number)
{
    std::array<char, 40> text {};
    auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
    out.append(text.data(), end);
}

} // namespace

void append_json_quoted(std::string& out, std::string_view text)
{
    out += '"';
    auto const* at = text.data();
    auto const* end = at + text.size();
    while (at != end) {
        auto c = static_cast<unsigned char>(*at);
        if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f) {
            append_escaped(out, c);
            ++at;
            continue;
        }
        if (auto length = utf8_sequence_length(at, end)) {
            out.append(at, length);
            at += length;
            continue;
        }
        out += "\xef\xbf\xbd"; // U+FFFD
        ++at;
    }
    out += '"';
}

void JsonWriter::new_line()
{
    if (m_indent <= 0)
        return;
    m_text += '\n';
    m_text.append(static_cast<std::size_t>(m_indent) * static_cast<std::size_t>(m_depth), ' ');
}

void JsonWriter::before_value()
{
    if (m_after_key) {
        m_after_key = false;
        return;
    }
    if (m_depth == 0)
        return;
    if (!m_first)
        m_text += ',';
    new_line();
    m_first = false;
}

JsonWriter& JsonWriter::begin_object()
{
    before_value();
    m_text += '{';
    ++m_depth;
    m_first = true;
    return *this;
}

JsonWriter& JsonWriter::end_object()
{
    --m_depth;
    if (!m_first)
        new_line();
    m_text += '}';
    m_first = false;
    return *this;
}

JsonWriter& JsonWriter::begin_array()
{
    before_value();
    m_text += '[';
    ++m_depth;
    m_first = true;
    return *this;
}

JsonWriter& JsonWriter::end_array()
{
    --m_depth;
    if (!m_first)
        new_line();
    m_text += ']';
    m_first = false;
    return *this;
}

JsonWriter& JsonWriter::key(std::string_view name)
{
    before_value();
    append_json_quoted(m_text, name);
    m_text += m_indent > 0 ? ": " : ":";
    m_after_key = true;
    return *this;
}

JsonWriter& JsonWriter::value(std::string_view text)
{
    before_value();
    append_json_quoted(m_text, text);
    return *this;
}

JsonWriter& JsonWriter::value(bool truth)
{
    before_value();
    m_text += truth ? "true" : "false";
    return *this;
}

JsonWriter& JsonWriter::value(std::int64_t number)
{
    before_value();
    append_number(m_text, number);
    return *this;
}

JsonWriter& JsonWriter::value(std::uint64_t number)
{
    before_value();
    append_number(m_text, number);
    return *this;
}

JsonWriter& JsonWriter::value(double number)
{
    if (!std::isfinite(number))
        return null();
    before_value();
    append_number(m_text, number);
    return *this;
}

JsonWriter& JsonWriter::null()
{
    before_value();
    m_text += "null";
    return *this;
}

JsonWriter& JsonWriter::raw(std::string_view json)
{
    before_value();
    m_text += json;
    return *this;
}

JsonWriter& JsonWriter::value(std::vector<std::string> const& texts)
{
    begin_array();
    for (auto const& text : texts)
        value(text);
    return end_array();
}

JsonWriter& JsonWriter::value(std::map<std::string, std::string> const& texts)
{
    begin_object();
    for (auto const& [name, text] : texts)
        member(name, text);
    return end_object();
}

} // namespace bulkhead
