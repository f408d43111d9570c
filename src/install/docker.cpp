#include "install/engine_config.h"

#include "base/json.h"

#include <algorithm>
#include <set>

namespace bulkhead::install {

namespace {

void write_value(JsonWriter& json, JsonValue const& value);

void write_members(JsonWriter& json, JsonObject const& object, std::set<std::string> const& left_out)
{
    std::set<std::string> written;
    for (auto const& key : object.keys()) {
        auto value = object.find(key);
        if (left_out.contains(key) || !written.insert(key).second)
            continue;
        json.key(key);
        if (value)
            write_value(json, *value);
        else
            json.null(); // find() takes null for absent
    }
}

void write_value(JsonWriter& json, JsonValue const& value)
{
    if (value.is_object()) {
        json.begin_object();
        write_members(json, MUST(value.as_object()), {});
        json.end_object();
    } else if (value.is_array()) {
        json.begin_array();
        for (std::size_t index = 0; index < value.size(); ++index)
            write_value(json, value.at(index));
        json.end_array();
    } else {
        json.raw(value.dump());
    }
}

// The document again, with RUNTIMES where "runtimes" stood; WRITE_RUNTIMES writes the members of that object.
template <typename WriteRuntimes> std::string rewritten(JsonObject const& root, bool has_runtimes, WriteRuntimes write_runtimes)
{
    JsonWriter json(4);
    json.begin_object();
    write_members(json, root, { "runtimes" });
    if (has_runtimes) {
        json.key("runtimes").begin_object();
        write_runtimes(json);
        json.end_object();
    }
    json.end_object();
    return json.text() + "\n";
}

Result<std::string> read_path(JsonObject const& runtimes, std::string const& name)
{
    std::string path;
    if (auto entry = runtimes.find(name)) {
        auto object = TRY(entry->as_object());
        TRY(object.optional("path", path));
    }
    return path;
}

} // namespace

Result<std::string> docker_with(std::string_view text, std::vector<RuntimeEntry> const& entries)
{
    bool is_empty = text.find_first_not_of(" \t\r\n") == std::string_view::npos;
    auto document = TRY(JsonDocument::parse(is_empty ? "{}" : text, "daemon.json"));
    auto root = TRY(document.object());
    auto runtimes = root.find("runtimes");
    std::set<std::string> ours;
    for (auto const& entry : entries)
        ours.insert(entry.name);
    bool is_there = runtimes.has_value();
    if (runtimes) {
        auto object = TRY(runtimes->as_object());
        for (auto const& entry : entries) {
            auto path = TRY(read_path(object, entry.name));
            is_there = is_there && path == entry.path;
        }
    }
    if (is_there)
        return std::string(text);
    return rewritten(root, true, [&](JsonWriter& json) {
        if (runtimes)
            write_members(json, MUST(runtimes->as_object()), ours);
        for (auto const& entry : entries)
            json.key(entry.name).begin_object().member("path", entry.path).end_object();
    });
}

Result<std::string> docker_without(std::string_view text, std::vector<std::string> const& names)
{
    auto document = TRY(JsonDocument::parse(text, "daemon.json"));
    auto root = TRY(document.object());
    std::string used;
    TRY(root.optional("default-runtime", used));
    if (std::find(names.begin(), names.end(), used) != names.end())
        return Error {
            .code = Errno::busy, .message = "daemon.json: \"" + used + "\" is the default runtime", .hint = "change \"default-runtime\" first"
        };
    auto runtimes = root.find("runtimes");
    if (!runtimes)
        return std::string(text);
    auto object = TRY(runtimes->as_object());
    auto keys = object.keys();
    std::set<std::string> ours(names.begin(), names.end());
    auto others = static_cast<std::size_t>(std::count_if(keys.begin(), keys.end(), [&](std::string const& key) { return !ours.contains(key); }));
    if (others == keys.size())
        return std::string(text);
    return rewritten(root, others > 0, [&](JsonWriter& json) { write_members(json, object, ours); });
}

} // namespace bulkhead::install
