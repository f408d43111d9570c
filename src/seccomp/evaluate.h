// Runs a filter as the kernel would: for tests, fuzzing, and for telling a person what a profile does to a system call.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include <linux/filter.h>
#include <linux/seccomp.h>

namespace bulkhead::seccomp {

// SECCOMP_RET_... with its data; nothing when the filter does not return (which check_instructions() excludes).
std::optional<std::uint32_t> evaluate(std::span<sock_filter const>, seccomp_data const&);

} // namespace bulkhead::seccomp
