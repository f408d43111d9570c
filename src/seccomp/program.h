// A seccomp filter ready for the kernel: what the last stage of a launch loads, and nothing it would have to understand.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <linux/filter.h>

namespace bulkhead::seccomp {

struct Program {
    std::vector<sock_filter> instructions;
    std::uint32_t flags = 0; // SECCOMP_FILTER_FLAG_..., NEW_LISTENER among them when a listener is needed
    bool needs_listener = false; // some rule asks a supervisor (SCMP_ACT_NOTIFY)
    std::string listener_path; // unix socket of the supervisor
    std::string listener_metadata; // opaque words for it
};

// The kernel takes no more (BPF_MAXINSNS).
constexpr std::size_t max_instructions = 4096;

// The rules by which the kernel accepts a seccomp filter: known instructions, every jump forward and inside, loads
// inside of struct seccomp_data, a return at the end. Says which instruction breaks which.
Result<Unit> check_instructions(std::span<sock_filter const>);

} // namespace bulkhead::seccomp
