// The administrator's file, /etc/bulkhead/config.toml:
//
//     [runtime]
//     isolation = "sentry"        # for containers that name none
//     allow_annotation = true     # dev.bulkhead.isolation may choose, but never a weaker isolation than this one
#pragma once

#include "base/result.h"

#include <optional>
#include <string>
#include <string_view>

namespace bulkhead::cli {

struct Settings {
    std::optional<std::string> isolation;
    bool allow_annotation = false;
};

inline constexpr std::string_view default_settings_path = "/etc/bulkhead/config.toml";

// A file that does not exist is no error: everything has a default.
Result<Settings> read_settings(std::string const& path);
Result<Settings> parse_settings(std::string_view text, std::string const& path);

} // namespace bulkhead::cli
