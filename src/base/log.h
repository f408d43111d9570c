// The log of one command: constant messages with fields beside them, as text or JSON lines (level, msg, time), to the
// file that --log names or to standard error. Log where the decision is taken; never log and return an error.
#pragma once

#include "base/file.h"

#include <initializer_list>
#include <string>
#include <string_view>

namespace bulkhead::log {

enum class Level { debug, info, warning, error };
enum class Format { text, json };

struct Field {
    std::string_view name;
    std::string value;
};

struct Settings {
    Format format = Format::text;
    Level lowest = Level::warning;
    FileView sink = FileView(2);
};

// For the whole process; the sink must stay open.
void configure(Settings const&);
Settings const& settings();

void write(Level, std::string_view message, std::initializer_list<Field> fields);
inline void debug(std::string_view message, std::initializer_list<Field> fields = {})
{
    write(Level::debug, message, fields);
}
inline void info(std::string_view message, std::initializer_list<Field> fields = {})
{
    write(Level::info, message, fields);
}
inline void warning(std::string_view message, std::initializer_list<Field> fields = {})
{
    write(Level::warning, message, fields);
}
inline void error(std::string_view message, std::initializer_list<Field> fields = {})
{
    write(Level::error, message, fields);
}

} // namespace bulkhead::log
