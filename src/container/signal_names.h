// Signals as people and engines write them: "TERM", "SIGTERM", "sigterm", "15", "RTMIN+3".
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace bulkhead::container {

// Nothing when there is no such signal. 0 is accepted: kill(2) then only checks.
std::optional<int> parse_signal(std::string_view text);
// "SIGTERM"; "34" for what has no name.
std::string signal_name(int number);

} // namespace bulkhead::container
