#include "base/json.h"
#include "base/json_node.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace bulkhead {

namespace {

using Type = JsonNode::Type;

// A name as it stands in a place: plain words after a dot, anything else in brackets and quotes. Names come from
// outside, so they are cut and escaped before a terminal sees them.
void append_member_name(std::string& out, std::string_view name)
{
    constexpr std::size_t longest = 64;
    auto is_word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-'; };
    bool is_plain = !name.empty() && name.size() <= longest;
    for (char c : name.substr(0, longest))
        is_plain = is_plain && is_word(c);
    if (is_plain) {
        if (!out.empty())
            out += '.';
        out += name;
        return;
    }
    out += '[';
    append_json_quoted(out, name.substr(0, longest));
    out += name.size() > longest ? "...]" : "]";
}

void append_place(std::string& out, JsonNode const& node)
{
    if (!node.parent)
        return;
    append_place(out, *node.parent);
    if (node.key)
        append_member_name(out, node.key_view());
    else
        out += "[" + std::to_string(&node - node.parent->children) + "]";
}

std::string_view type_word(JsonNode const& node)
{
    switch (node.type) {
    case Type::null:
        return "null";
    case Type::object:
        return "an object";
    case Type::array:
        return "an array";
    case Type::string:
        return "a string";
    case Type::boolean:
        return "a boolean";
    default:
        return "a number";
    }
}

Error wrong_type(JsonValue const& value, JsonNode const& node, std::string_view wanted)
{
    return value.complaint("must be " + std::string(wanted) + ", not " + std::string(type_word(node)));
}

bool is_whole_text(std::string_view number)
{
    return number.find_first_of(".eE") == std::string_view::npos;
}

template <typename T> Error too_large(JsonValue const& value, std::string_view number)
{
    return value.complaint(std::string(number.substr(0, 40)) + " is too large (at most " + std::to_string(std::numeric_limits<T>::max()) + ")");
}

template <typename T> Error too_small(JsonValue const& value, std::string_view number)
{
    return value.complaint(std::string(number.substr(0, 40)) + " is too small (at least " + std::to_string(std::numeric_limits<T>::min()) + ")");
}

template <typename T> Result<Unit> read_integer(JsonValue const& value, JsonNode const& node, T& into)
{
    switch (node.type) {
    case Type::unsigned_whole:
        if (node.number > static_cast<std::uint64_t>(std::numeric_limits<T>::max()))
            return too_large<T>(value, std::to_string(node.number));
        into = static_cast<T>(node.number);
        return ok();
    case Type::negative_whole: {
        auto number = static_cast<std::int64_t>(node.number);
        if (std::is_unsigned_v<T> || number < static_cast<std::int64_t>(std::numeric_limits<T>::min()))
            return too_small<T>(value, std::to_string(number));
        into = static_cast<T>(number);
        return ok();
    }
    case Type::other_number: {
        auto number = node.text_view();
        if (!is_whole_text(number))
            return value.complaint("must be a whole number"); // Go's decoder refuses 1.0 and 1e3 for integers, too
        return number.front() == '-' ? too_small<T>(value, number) : too_large<T>(value, number);
    }
    default:
        return wrong_type(value, node, "a number");
    }
}

void dump_node(JsonWriter& out, JsonNode const& node)
{
    switch (node.type) {
    case Type::null:
        out.null();
        break;
    case Type::boolean:
        out.value(node.number != 0);
        break;
    case Type::unsigned_whole:
        out.value(node.number);
        break;
    case Type::negative_whole:
        out.value(static_cast<std::int64_t>(node.number));
        break;
    case Type::other_number:
        out.raw(node.text_view());
        break;
    case Type::string:
        out.value(node.text_view());
        break;
    case Type::array:
        out.begin_array();
        for (std::size_t index = 0; index < node.length; ++index)
            dump_node(out, node.children[index]);
        out.end_array();
        break;
    case Type::object:
        out.begin_object();
        for (std::size_t index = 0; index < node.length; ++index) {
            out.key(node.children[index].key_view());
            dump_node(out, node.children[index]);
        }
        out.end_object();
        break;
    }
}

void collect_unread(JsonNode const& node, std::size_t limit, std::vector<std::string>& places)
{
    if (!node.is_container())
        return;
    for (std::size_t index = 0; index < node.length && places.size() < limit; ++index) {
        auto const& child = node.children[index];
        if (node.was_opened && !child.was_read)
            places.push_back(JsonPlace { .node = &child }.text());
        else
            collect_unread(child, limit, places);
    }
}

// "line 3, column 7" of a byte offset.
std::string line_and_column(std::string_view text, std::size_t offset)
{
    std::size_t line = 1;
    std::size_t column = 1;
    for (char c : text.substr(0, offset)) {
        ++column;
        if (c == '\n') {
            ++line;
            column = 1;
        }
    }
    return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

Error parse_error(std::string_view text, std::string_view what, JsonParseFailure const& failure)
{
    auto message = std::string(what) + " is not usable JSON: " + line_and_column(text, failure.offset) + ": " + failure.reason;
    auto near = text.substr(std::min(failure.offset, text.size()), 30);
    near = near.substr(0, near.find('\n'));
    if (!near.empty()) {
        message += ", before ";
        append_json_quoted(message, near);
    }
    return invalid(std::move(message));
}

} // namespace

std::string JsonPlace::text() const
{
    std::string out;
    if (node)
        append_place(out, *node);
    if (!member.empty())
        append_member_name(out, member);
    return out;
}

bool JsonValue::is_object() const
{
    return m_node->type == Type::object;
}
bool JsonValue::is_array() const
{
    return m_node->type == Type::array;
}
bool JsonValue::is_string() const
{
    return m_node->type == Type::string;
}
bool JsonValue::is_null() const
{
    return m_node->type == Type::null;
}

Result<JsonObject> JsonValue::as_object() const
{
    if (!is_object())
        return wrong_type(*this, *m_node, "an object");
    m_node->was_opened = 1;
    return JsonObject(*m_node);
}

std::size_t JsonValue::size() const
{
    return m_node->is_container() ? m_node->length : 0;
}

JsonValue JsonValue::at(std::size_t index) const
{
    return JsonValue(m_node->children[index]);
}

Error JsonValue::complaint(std::string_view what) const
{
    auto text = place().text();
    return invalid((text.empty() ? "the document" : text) + ": " + std::string(what));
}

Result<Unit> JsonValue::read(std::string& into) const
{
    if (!is_string())
        return wrong_type(*this, *m_node, "a string");
    auto text = m_node->text_view();
    if (text.find('\0') != std::string_view::npos)
        return complaint("contains a NUL character");
    into = text;
    return ok();
}

Result<Unit> JsonValue::read(bool& into) const
{
    if (m_node->type != Type::boolean)
        return wrong_type(*this, *m_node, "a boolean");
    into = m_node->number != 0;
    return ok();
}

Result<Unit> JsonValue::read(std::int32_t& into) const
{
    return read_integer(*this, *m_node, into);
}
Result<Unit> JsonValue::read(std::uint32_t& into) const
{
    return read_integer(*this, *m_node, into);
}
Result<Unit> JsonValue::read(std::int64_t& into) const
{
    return read_integer(*this, *m_node, into);
}
Result<Unit> JsonValue::read(std::uint64_t& into) const
{
    return read_integer(*this, *m_node, into);
}
Result<Unit> JsonValue::read(std::uint16_t& into) const
{
    return read_integer(*this, *m_node, into);
}

Result<Unit> JsonValue::read(double& into) const
{
    switch (m_node->type) {
    case Type::unsigned_whole:
        into = static_cast<double>(m_node->number);
        return ok();
    case Type::negative_whole:
        into = static_cast<double>(static_cast<std::int64_t>(m_node->number));
        return ok();
    case Type::other_number: {
        auto text = m_node->text_view();
        auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
        if (error != std::errc())
            return complaint("is a number too large or too close to 0");
        return ok();
    }
    default:
        return wrong_type(*this, *m_node, "a number");
    }
}

Result<Unit> JsonValue::read(std::map<std::string, std::string>& into) const
{
    if (!is_object())
        return wrong_type(*this, *m_node, "an object");
    into.clear();
    for (std::size_t index = 0; index < m_node->length; ++index) {
        auto const& member = m_node->children[index];
        if (member.key_view().find('\0') != std::string_view::npos)
            return JsonValue(member).complaint("the name contains a NUL character");
        TRY(JsonValue(member).read(into[std::string(member.key_view())]));
    }
    return ok();
}

Result<Unit> JsonValue::expect_array() const
{
    if (!is_array())
        return wrong_type(*this, *m_node, "an array");
    return ok();
}

std::string JsonValue::dump() const
{
    JsonWriter out;
    dump_node(out, *m_node);
    return out.text();
}

std::optional<JsonValue> JsonObject::find(std::string_view key) const
{
    for (std::size_t index = m_node->length; index-- > 0;) {
        auto const& member = m_node->children[index];
        if (member.key_view() != key)
            continue;
        member.was_read = 1;
        if (member.type == Type::null)
            return std::nullopt;
        return JsonValue(member);
    }
    return std::nullopt;
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
    names.reserve(m_node->length);
    for (std::size_t index = 0; index < m_node->length; ++index)
        names.emplace_back(m_node->children[index].key_view());
    return names;
}

Error JsonObject::complaint(std::string_view key, std::string_view what) const
{
    return invalid(JsonPlace { .node = m_node, .member = key }.text() + ": " + std::string(what));
}

struct JsonDocument::Content {
    std::string text; // unescaped in place: nodes point into it
    JsonNodeBlocks blocks;
    JsonNode* root = nullptr;
};

JsonDocument::JsonDocument(std::unique_ptr<Content> content)
    : m_content(std::move(content))
{
}
JsonDocument::JsonDocument(JsonDocument&&) noexcept = default;
JsonDocument& JsonDocument::operator=(JsonDocument&&) noexcept = default;
JsonDocument::~JsonDocument() = default;

Result<JsonDocument> JsonDocument::parse(std::string_view text, std::string_view what)
{
    if (text.size() > max_text)
        return invalid(std::string(what) + " is larger than " + std::to_string(max_text >> 20) + " MiB");
    auto content = std::make_unique<Content>();
    content->text = text;
    auto failure = parse_json_in_place(content->text.data(), content->text.size(), content->blocks, content->root);
    if (failure.reason)
        return parse_error(text, what, failure);
    return JsonDocument(std::move(content));
}

JsonValue JsonDocument::root() const
{
    return JsonValue(*m_content->root);
}

std::vector<std::string> JsonDocument::unread_members(std::size_t limit) const
{
    std::vector<std::string> places;
    collect_unread(*m_content->root, limit, places);
    return places;
}

} // namespace bulkhead
