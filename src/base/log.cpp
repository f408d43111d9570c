#include "base/log.h"
#include "base/json.h"

#include <array>
#include <ctime>

namespace bulkhead::log {

namespace {

Settings current_settings;

std::string_view level_word(Level level)
{
    switch (level) {
    case Level::debug:
        return "debug";
    case Level::info:
        return "info";
    case Level::warning:
        return "warning";
    case Level::error:
        return "error";
    }
    return "error";
}

// RFC 3339 in UTC, as containerd reads it.
std::string now_text()
{
    std::timespec now {};
    ::clock_gettime(CLOCK_REALTIME, &now);
    std::tm parts {};
    ::gmtime_r(&now.tv_sec, &parts);
    std::array<char, 40> text {};
    std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
    return text.data();
}

} // namespace

void configure(Settings const& wanted)
{
    current_settings = wanted;
}

Settings const& settings()
{
    return current_settings;
}

void write(Level level, std::string_view message, std::initializer_list<Field> fields)
{
    if (level < current_settings.lowest)
        return;
    std::string line;
    if (current_settings.format == Format::json) {
        JsonWriter json;
        json.begin_object().member("level", level_word(level)).member("msg", message).member("time", now_text());
        for (auto const& field : fields)
            json.member(field.name, field.value);
        json.end_object();
        line = json.text();
    } else {
        line = "time=\"" + now_text() + "\" level=" + std::string(level_word(level)) + " msg=";
        line += JsonWriter().value(message).text();
        for (auto const& field : fields)
            line += " " + std::string(field.name) + "=" + JsonWriter().value(field.value).text();
    }
    line += '\n';
    // A log that cannot be written must not stop the container: there is nowhere left to say so.
    (void)write_all(current_settings.sink, line);
}

} // namespace bulkhead::log
