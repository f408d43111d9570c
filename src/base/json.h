// JSON read with complaints that name their place ("linux.namespaces[2].type"), and JSON written as a stream.
// The reader keeps a compact tree of its own: a start of the runtime reads little else, so it has to be quick and small.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bulkhead {

struct JsonNode; // one value in the tree; json.cpp alone knows what is inside

// Where a value stands, or where a member of it would. Turned into text only when there is something to complain about.
struct JsonPlace {
    JsonNode const* node = nullptr;
    std::string_view member = {}; // empty: the value itself

    std::string text() const; // "" for the document itself
};

class JsonObject;

// One value inside a document; the document outlives it.
class JsonValue {
public:
    explicit JsonValue(JsonNode const& node)
        : m_node(&node)
    {
    }

    bool is_object() const;
    bool is_array() const;
    bool is_string() const;
    bool is_null() const;
    JsonPlace place() const { return { .node = m_node }; }
    Result<JsonObject> as_object() const;
    std::size_t size() const; // of an array or object, else 0
    JsonValue at(std::size_t index) const; // of an array
    Error complaint(std::string_view what) const; // "process.args[1]: WHAT"

    // Readers by type. A wrong type or a number out of range is an error that names the place.
    Result<Unit> read(std::string& into) const;
    Result<Unit> read(bool& into) const;
    Result<Unit> read(std::int32_t& into) const;
    Result<Unit> read(std::uint32_t& into) const;
    Result<Unit> read(std::int64_t& into) const;
    Result<Unit> read(std::uint64_t& into) const;
    Result<Unit> read(std::uint16_t& into) const;
    Result<Unit> read(double& into) const;
    Result<Unit> read(std::map<std::string, std::string>& into) const;
    template <typename T> Result<Unit> read(std::optional<T>& into) const
    {
        T value {};
        TRY(read(value));
        into = std::move(value);
        return ok();
    }
    template <typename T> Result<Unit> read(std::vector<T>& into) const
    {
        TRY(expect_array());
        into.clear();
        into.reserve(size());
        for (std::size_t index = 0; index < size(); ++index) {
            T element {};
            TRY(at(index).read(element));
            into.push_back(std::move(element));
        }
        return ok();
    }
    Result<Unit> expect_array() const;
    // The value again as JSON text (for passing through what we do not interpret).
    std::string dump() const;

private:
    JsonNode const* m_node;
};

// An object whose members are read by name. JSON null counts as absent, as Go programs write it. Of members with the
// same name the last one counts, as in Go.
class JsonObject {
public:
    explicit JsonObject(JsonNode const& node)
        : m_node(&node)
    {
    }

    std::optional<JsonValue> find(std::string_view key) const;
    Result<JsonValue> get(std::string_view key) const; // absent is an error
    bool has(std::string_view key) const { return find(key).has_value(); }
    std::vector<std::string> keys() const;
    std::string place() const { return JsonPlace { .node = m_node }.text(); }
    Error complaint(std::string_view key, std::string_view what) const;

    template <typename T> Result<Unit> required(std::string_view key, T& into) const
    {
        auto value = TRY(get(key));
        return value.read(into);
    }
    template <typename T> Result<Unit> optional(std::string_view key, T& into) const
    {
        if (auto value = find(key))
            TRY(value->read(into));
        return ok();
    }
    // A nested object: PARSE is Result<T>(JsonObject const&).
    template <typename T, typename Parse> Result<Unit> optional_object(std::string_view key, T& into, Parse parse) const
    {
        if (auto value = find(key)) {
            auto object = TRY(value->as_object());
            into = TRY(parse(object));
        }
        return ok();
    }
    // A list of objects, PARSE as above.
    template <typename T, typename Parse> Result<Unit> optional_list(std::string_view key, std::vector<T>& into, Parse parse) const
    {
        auto value = find(key);
        if (!value)
            return ok();
        TRY(value->expect_array());
        into.clear();
        into.reserve(value->size());
        for (std::size_t index = 0; index < value->size(); ++index) {
            auto object = TRY(value->at(index).as_object());
            auto element = TRY(parse(object));
            into.push_back(std::move(element));
        }
        return ok();
    }

private:
    JsonNode const* m_node;
};

// A parsed text. Nesting, size and the number of values are bounded: hostile input is refused, not recursed into.
class JsonDocument {
public:
    static constexpr std::size_t max_depth = 64;
    static constexpr std::size_t max_text = 16 * 1024 * 1024;
    static constexpr std::size_t max_values = 1'000'000;

    // WHAT names the input in errors: "config.json". The document keeps a copy of TEXT.
    static Result<JsonDocument> parse(std::string_view text, std::string_view what);
    JsonDocument(JsonDocument&&) noexcept;
    JsonDocument& operator=(JsonDocument&&) noexcept;
    ~JsonDocument();
    JsonValue root() const;
    Result<JsonObject> object() const { return root().as_object(); }
    // Places of members that nobody asked for, in objects of which some member was asked for; at most LIMIT of them.
    std::vector<std::string> unread_members(std::size_t limit) const;

private:
    struct Content;
    explicit JsonDocument(std::unique_ptr<Content>);
    std::unique_ptr<Content> m_content;
};

// Writes JSON text in order. Calls must nest properly; bytes that are not UTF-8 become U+FFFD.
class JsonWriter {
public:
    // With indent > 0 each member stands on a line of its own.
    explicit JsonWriter(int indent = 0)
        : m_indent(indent)
    {
    }
    JsonWriter& begin_object();
    JsonWriter& end_object();
    JsonWriter& begin_array();
    JsonWriter& end_array();
    JsonWriter& key(std::string_view name);
    JsonWriter& value(std::string_view text);
    JsonWriter& value(char const* text) { return value(std::string_view(text)); }
    JsonWriter& value(std::string const& text) { return value(std::string_view(text)); }
    JsonWriter& value(bool truth);
    JsonWriter& value(std::int64_t number);
    JsonWriter& value(std::uint64_t number);
    JsonWriter& value(int number) { return value(static_cast<std::int64_t>(number)); }
    JsonWriter& value(unsigned number) { return value(static_cast<std::uint64_t>(number)); }
    JsonWriter& value(double number);
    JsonWriter& null();
    // JSON text that is already well formed.
    JsonWriter& raw(std::string_view json);
    template <typename T> JsonWriter& member(std::string_view name, T const& v)
    {
        key(name);
        return value(v);
    }
    JsonWriter& value(std::vector<std::string> const& texts);
    JsonWriter& value(std::map<std::string, std::string> const& texts);
    std::string const& text() const { return m_text; }

private:
    void before_value();
    void new_line();
    std::string m_text;
    int m_indent;
    int m_depth = 0;
    bool m_first = true;
    bool m_after_key = false;
};

} // namespace bulkhead
