// The flags that checkpoint and restore share with CRIU's own options.
#pragma once

#include "cli/session.h"

#include <string>
#include <vector>

namespace bulkhead::cli {

struct CheckpointFlags {
    std::string const& image_path;
    std::string const& work_path;
    bool const& tcp_established;
    bool const& tcp_skip_in_flight;
    bool const& ext_unix_sk;
    bool const& shell_job;
    bool const& file_locks;
    bool const& link_remap;
    bool const& lazy_pages;
    bool const& auto_dedup;
    std::string const& manage_cgroups_mode;
    std::vector<std::string> const& empty_ns;
};
CheckpointFlags add_checkpoint_flags(Command&);

// Paths become absolute; values are checked.
Result<isolation::CheckpointOptions> checkpoint_options(CheckpointFlags const&);

} // namespace bulkhead::cli
