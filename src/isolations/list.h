// The one place that names every isolation.
#pragma once

#include "isolation/isolation.h"

namespace bulkhead::isolations {

// In order of strength, weakest first.
std::vector<isolation::Isolation const*> const& all();
// Null when there is none of that name.
isolation::Isolation const* find(std::string_view name);

} // namespace bulkhead::isolations
