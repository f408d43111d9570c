// The one place that names every isolation.
#pragma once

#include "isolation/isolation.h"

namespace bulkhead::isolations {

// In order of strength, weakest first.
std::vector<isolation::Isolation const*> const& all();
// Null when there is none of that name.
isolation::Isolation const* find(std::string_view name);
// The names of all that Bulkhead is to have, weakest first; those of all() are in this version.
std::vector<std::string_view> const& known_names();

} // namespace bulkhead::isolations
