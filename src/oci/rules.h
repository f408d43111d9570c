// What the validators share. A place is made into text only when there is something to complain about.
#pragma once

#include "base/text.h"
#include "oci/config.h"
#include "oci/words.h"

#include <concepts>

namespace bulkhead::oci {

inline std::string member_place(std::string_view place, std::string_view name)
{
    return place.empty() ? std::string(name) : std::string(place) + "." + std::string(name);
}

inline std::string element_place(std::string_view place, std::size_t index)
{
    return std::string(place) + "[" + std::to_string(index) + "]";
}

// PLACE: WHAT
inline Error complaint(std::string_view place, std::string_view what, std::string hint = {})
{
    return invalid(std::string(place) + ": " + std::string(what), std::move(hint));
}

// Text from outside as it may stand in a message: quoted, cut, without control characters.
std::string shown(std::string_view text);
bool has_control_character(std::string_view text);
// "user:role:type" and perhaps ":level".
bool is_selinux_label(std::string_view text);

Result<Unit> validate_linux_section(Config const&);
Result<Unit> validate_sysctls(Config const&);
Result<Unit> validate_seccomp(Seccomp const&);
Result<Unit> validate_id_mappings(std::vector<IdMapping> const&, std::string_view place);
Result<Unit> validate_absolute_paths(std::vector<std::string> const&, std::string_view place);

} // namespace bulkhead::oci
