// What this program is, in the words that engines parse.
#pragma once

#include <string>

namespace bulkhead::cli {

// The lines of `runc --version` with our name: dockerd and go-runc look for "version", "commit: " and "spec: ".
std::string version_text();
std::string version_number();

} // namespace bulkhead::cli
