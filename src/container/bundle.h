// A bundle on disk: the folder with config.json and, usually, the root file system.
#pragma once

#include "base/result.h"
#include "oci/config.h"

#include <string>

namespace bulkhead::container {

struct Bundle {
    std::string path; // absolute
    std::string root; // absolute; exists
    std::string config_text;
    oci::Config config; // parsed and validated
};

// PATH is relative to the working directory; empty means it.
Result<Bundle> read_bundle(std::string const& path);
Result<std::string> absolute_path(std::string const& path);

} // namespace bulkhead::container
