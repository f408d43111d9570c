// The words of linux.seccomp and what they are in libseccomp and in the kernel. The lists serve `features`, too.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <seccomp.h>

namespace bulkhead::seccomp {

// An action without the number that ERRNO and TRACE carry.
enum class Action { kill_thread, kill_process, trap, error, trace, allow, log, notify };

std::optional<Action> action_by_word(std::string_view);
std::optional<scmp_compare> operator_by_word(std::string_view);
// libseccomp's token: "SCMP_ARCH_X86_64".
std::optional<std::uint32_t> architecture_by_word(std::string_view);
// The bit for seccomp(2): "SECCOMP_FILTER_FLAG_LOG".
std::optional<std::uint32_t> flag_by_word(std::string_view);

// True when this kernel knows the filter flags; asks it, and loads nothing.
bool kernel_knows_flags(std::uint32_t flags);

std::vector<std::string> known_actions();
std::vector<std::string> known_operators();
std::vector<std::string> known_architectures();
std::vector<std::string> known_flags();
std::vector<std::string> supported_flags(); // those of them that this kernel knows

} // namespace bulkhead::seccomp
