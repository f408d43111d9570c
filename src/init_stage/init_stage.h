// The runtime's side of the init stage: its program as an executable descriptor, and plans made into bytes.
#pragma once

#include "base/file.h"
#include "init_stage/plan.h"

#include <span>
#include <string>
#include <vector>

namespace bulkhead::init_stage {

// The parts of a plan that vary in length; see plan.h.
struct PlanParts {
    std::vector<std::uint32_t> groups;
    std::string program;
    std::string directory;
    std::string label_file;
    std::string label;
    std::string_view filter_bytes; // struct sock_filter each
};

// A sealed memfd that holds the stage's program: nobody can write to it, not even through /proc/PID/exe.
SysResult<File> open_program();
// "/memfd:bulkhead-init (deleted)": what /proc/PID/exe shows while a container waits for start.
std::string_view program_link_text();

// A memfd that holds the plan. Size and magic are filled in here.
Result<File> write_plan(Plan plan, PlanParts const& parts);

// Executes the stage in this process: ARGUMENTS and ENVIRONMENT are the user program's. Returns only on failure.
Error execute(FileView program, FileView plan, std::vector<std::string> const& arguments, std::vector<std::string> const& environment);

// "set capabilities", for messages.
std::string_view step_name(Step);

} // namespace bulkhead::init_stage
