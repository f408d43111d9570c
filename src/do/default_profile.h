// The seccomp profile of `bulkhead do`: a list of what ordinary programs need. Everything else is refused with EPERM.
#pragma once

#include "base/json.h"

#include <span>
#include <string_view>

namespace bulkhead::do_command {

// Writes the value of linux.seccomp.
void write_default_profile(JsonWriter&);

// Calls that are allowed whatever their arguments, group by group.
struct AllowedGroup {
    std::string_view what_for;
    std::span<std::string_view const> names;
};
std::span<AllowedGroup const> allowed_groups();

} // namespace bulkhead::do_command
