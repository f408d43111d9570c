// Every command by its name: the one place to enter a new one.
#pragma once

#include "cli/command_line.h"

#include <span>
#include <string_view>

namespace bulkhead::cli {

struct CommandRow {
    std::string_view name;
    void (*add)(CommandLine&);
};

std::span<CommandRow const> command_table();

} // namespace bulkhead::cli
