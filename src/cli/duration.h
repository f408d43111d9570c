// Durations and sizes as Go programs write them: "5s", "1m30s", "250ms"; "512m", "2gb".
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace bulkhead::cli {

// In milliseconds.
std::optional<std::int64_t> parse_duration(std::string_view);
// In bytes; units are powers of 1024. -1 (no limit) is a size, too.
std::optional<std::int64_t> parse_size(std::string_view);

} // namespace bulkhead::cli
