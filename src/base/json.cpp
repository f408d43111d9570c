#include "base/json.h"

#include <cmath>
#include <cstdio>
#include <limits>

#include <nlohmann/json.hpp>

namespace bulkhead {

using Json = nlohmann::json;

std::string JsonPlace::text() const
{
    if (!parent)
        return {};
    auto outer = parent->text();
    if (key.empty())
        return outer + "[" + std::to_string(index) + "]";
    return outer.empty() ? std::string(key) : outer + "." + std::string(key);
}

namespace {

std::string_view type_word(Json const& value)
{
    switch (value.type()) {
    case Json::value_t::null:
        return "null";
    case Json::value_t::object:
        return "an object";
    case Json::value_t::array:
        return "an array";
    case Json::value_t::string:
        return "a string";
    case Json::value_t::boolean:
        return "a boolean";
    default:
        return "a number";
    }
}

Error wrong_type(JsonValue const& value, Json const& json, std::string_view wanted)
{
    return value.complaint("must be " + std::string(wanted) + ", not " + std::string(type_word(json)));
}

template<typename T>
Result<Unit> read_integer(JsonValue const& value, Json const& json, T& into)
{
    if (json.is_number_unsigned()) {
        auto number = json.get<std::uint64_t>();
        if (number > static_cast<std::uint64_t>(std::numeric_limits<T>::max()))
            return value.complaint(std::to_string(number) + " is too large (at most " + std::to_string(std::numeric_limits<T>::max()) + ")");
        into = static_cast<T>(number);
        return ok();
    }
    if (json.is_number_integer()) {
        auto number = json.get<std::int64_t>();
        if (std::is_unsigned_v<T> || number < static_cast<std::int64_t>(std::numeric_limits<T>::min()))
            return value.complaint(std::to_string(number) + " is too small (at least " + std::to_string(std::numeric_limits<T>::min()) + ")");
        into = static_cast<T>(number);
        return ok();
    }
    // 1e3 is a number that Go's decoder refuses for an integer, too; 1.0 likewise.
    if (json.is_number())
        return value.complaint("must be a whole number");
    return wrong_type(value, json, "a number");
}

// Refuses deep nesting before the library's own recursion (its destructor recurses, too).
constexpr int max_depth = 64;
bool is_nested_too_deep(std::string_view text)
{
    int depth = 0;
    bool in_string = false;
    for (std::size_t index = 0; index < text.size(); ++index) {
        char c = text[index];
        if (in_string) {
            if (c == '\\')
                ++index;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > max_depth)
                return true;
        } else if (c == '}' || c == ']') {
            --depth;
        }
    }
    return false;
}

// "line 3, column 7" of a byte offset.
std::string line_and_column(std::string_view text, std::size_t offset)
{
    std::size_t line = 1;
    std::size_t column = 1;
    for (std::size_t index = 0; index < offset && index < text.size(); ++index) {
        ++column;
        if (text[index] == '\n') {
            ++line;
            column = 1;
        }
    }
    return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

// Builds the document and remembers where and why parsing stopped, since exceptions are off.
class ErrorKeeper : public nlohmann::detail::json_sax_dom_parser<Json> {
public:
    explicit ErrorKeeper(Json& into)
        : json_sax_dom_parser(into, false)
    {
    }
    template<typename Exception>
    bool parse_error(std::size_t position, std::string const& token, Exception const& reason)
    {
        m_position = position;
        (void)reason;
        m_token = token;
        return json_sax_dom_parser::parse_error(position, token, reason);
    }
    std::size_t m_position = 0;
    std::string m_token;
};

} // namespace

bool JsonValue::is_object() const { return m_value->is_object(); }
bool JsonValue::is_array() const { return m_value->is_array(); }
bool JsonValue::is_string() const { return m_value->is_string(); }
bool JsonValue::is_null() const { return m_value->is_null(); }

Result<JsonObject> JsonValue::as_object() const
{
    if (!m_value->is_object())
        return wrong_type(*this, *m_value, "an object");
    return JsonObject(*m_value, m_place);
}

std::size_t JsonValue::size() const
{
    return m_value->is_array() || m_value->is_object() ? m_value->size() : 0;
}

JsonValue JsonValue::at(std::size_t index) const
{
    return { (*m_value)[index], JsonPlace { .parent = &m_place, .index = index } };
}

Error JsonValue::complaint(std::string_view what) const
{
    auto place = m_place.text();
    return Error { .code = Errno::inval, .message = (place.empty() ? "the document" : place) + ": " + std::string(what) };
}

Result<Unit> JsonValue::read(std::string& into) const
{
    if (!m_value->is_string())
        return wrong_type(*this, *m_value, "a string");
    auto const& text = m_value->get_ref<std::string const&>();
    if (text.find('\0') != std::string::npos)
        return complaint("contains a NUL character");
    into = text;
    return ok();
}

Result<Unit> JsonValue::read(bool& into) const
{
    if (!m_value->is_boolean())
        return wrong_type(*this, *m_value, "a boolean");
    into = m_value->get<bool>();
    return ok();
}

Result<Unit> JsonValue::read(std::int32_t& into) const { return read_integer(*this, *m_value, into); }
Result<Unit> JsonValue::read(std::uint32_t& into) const { return read_integer(*this, *m_value, into); }
Result<Unit> JsonValue::read(std::int64_t& into) const { return read_integer(*this, *m_value, into); }
Result<Unit> JsonValue::read(std::uint64_t& into) const { return read_integer(*this, *m_value, into); }
Result<Unit> JsonValue::read(std::uint16_t& into) const { return read_integer(*this, *m_value, into); }

Result<Unit> JsonValue::read(double& into) const
{
    if (!m_value->is_number())
        return wrong_type(*this, *m_value, "a number");
    into = m_value->get<double>();
    return ok();
}

Result<Unit> JsonValue::read(std::map<std::string, std::string>& into) const
{
    if (!m_value->is_object())
        return wrong_type(*this, *m_value, "an object");
    into.clear();
    for (auto const& [key, value] : m_value->items()) {
        auto inner = JsonValue(value, JsonPlace { .parent = &m_place, .key = key });
        TRY(inner.read(into[key]));
    }
    return ok();
}

Result<Unit> JsonValue::expect_array() const
{
    if (!m_value->is_array())
        return wrong_type(*this, *m_value, "an array");
    return ok();
}

std::string JsonValue::dump() const
{
    return m_value->dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::optional<JsonValue> JsonObject::find(std::string_view key) const
{
    auto found = m_value->find(key);
    if (found == m_value->end() || found->is_null())
        return std::nullopt;
    return JsonValue(*found, JsonPlace { .parent = &m_place, .key = key });
}

Result<JsonValue> JsonObject::get(std::string_view key) const
{
    auto value = find(key);
    if (!value)
        return complaint(key, "is missing");
    return *value;
}

std::vector<std::string> JsonObject::keys() const
{
    std::vector<std::string> names;
    for (auto const& [key, value] : m_value->items())
        names.push_back(key);
    return names;
}

Error JsonObject::complaint(std::string_view key, std::string_view what) const
{
    auto place = JsonPlace { .parent = &m_place, .key = key };
    return Error { .code = Errno::inval, .message = place.text() + ": " + std::string(what) };
}

JsonDocument::JsonDocument(std::unique_ptr<nlohmann::json> json)
    : m_json(std::move(json))
{
}
JsonDocument::JsonDocument(JsonDocument&&) noexcept = default;
JsonDocument& JsonDocument::operator=(JsonDocument&&) noexcept = default;
JsonDocument::~JsonDocument() = default;

Result<JsonDocument> JsonDocument::parse(std::string_view text, std::string_view what)
{
    if (is_nested_too_deep(text))
        return invalid(std::string(what) + " is nested more than " + std::to_string(max_depth) + " deep");
    auto json = std::make_unique<Json>();
    ErrorKeeper keeper(*json);
    if (!Json::sax_parse(text, &keeper)) {
        auto near = keeper.m_token.substr(0, 40);
        return invalid(std::string(what) + " is not valid JSON: " + line_and_column(text, keeper.m_position > 0 ? keeper.m_position - 1 : 0)
            + (text.empty() ? " (it is empty)" : ", near \"" + near + "\""));
    }
    return JsonDocument(std::move(json));
}

JsonValue JsonDocument::root() const
{
    return { *m_json, JsonPlace {} };
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

namespace {

void append_quoted(std::string& out, std::string_view text)
{
    out += Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

} // namespace

JsonWriter& JsonWriter::key(std::string_view name)
{
    before_value();
    append_quoted(m_text, name);
    m_text += m_indent > 0 ? ": " : ":";
    m_after_key = true;
    return *this;
}

JsonWriter& JsonWriter::value(std::string_view text)
{
    before_value();
    append_quoted(m_text, text);
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
    m_text += std::to_string(number);
    return *this;
}

JsonWriter& JsonWriter::value(std::uint64_t number)
{
    before_value();
    m_text += std::to_string(number);
    return *this;
}

JsonWriter& JsonWriter::value(double number)
{
    before_value();
    m_text += std::isfinite(number) ? Json(number).dump() : "null";
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
