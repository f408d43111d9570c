#include "cli/settings.h"
#include "base/file.h"
#include "base/text.h"

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

namespace bulkhead::cli {

namespace {

Error wrong(std::string const& path, std::string_view what)
{
    return invalid(path + ": " + std::string(what));
}

} // namespace

Result<Settings> parse_settings(std::string_view text, std::string const& path)
{
    auto parsed = toml::parse(text);
    if (!parsed)
        return wrong(path, "line " + std::to_string(parsed.error().source().begin.line) + ": " + std::string(parsed.error().description()));
    Settings settings;
    auto const* runtime = parsed.table()["runtime"].as_table();
    if (parsed.table().contains("runtime") && !runtime)
        return wrong(path, "runtime is not a table");
    if (!runtime)
        return settings;
    for (auto const& [key, value] : *runtime) {
        if (key.str() == "isolation" && value.is_string())
            settings.isolation = value.as_string()->get();
        else if (key.str() == "allow_annotation" && value.is_boolean())
            settings.allow_annotation = value.as_boolean()->get();
        else
            return wrong(path, "runtime." + std::string(key.str()) + " is not known, or of the wrong type");
    }
    return settings;
}

Result<Settings> read_settings(std::string const& path)
{
    auto text = read_file_at(FileView::current_directory(), path, 1UL << 20);
    if (text.is_error()) {
        if (text.error() == Errno::noent || text.error() == Errno::notdir)
            return Settings {};
        return Error::from_errno(text.error(), "read the settings " + quoted(path));
    }
    return parse_settings(text.value(), path);
}

} // namespace bulkhead::cli
