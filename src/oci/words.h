// The closed sets of words that the specification knows, for parsing, for validation and for `features`.
#pragma once

#include "oci/config.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bulkhead::oci {

using Words = std::span<std::string_view const>;

Words namespace_words();
Words capability_words(); // in the kernel's order: the index is the number
Words rlimit_words();
Words hook_words(); // in the order in which hooks run
Words rootfs_propagation_words();
Words seccomp_action_words();
Words seccomp_operator_words();
Words seccomp_architecture_words();
Words seccomp_flag_words();
Words scheduler_policy_words();
Words scheduler_flag_words();
Words io_priority_words();
Words personality_words();
Words memory_policy_mode_words();
Words memory_policy_flag_words();

bool is_one_of(Words, std::string_view);
// "must be one of A, B or C"
std::string one_of_text(Words);

// Capabilities this version does not know, each once: the specification wants a warning, not a failure.
std::vector<std::string> unknown_capabilities(Capabilities const&);

} // namespace bulkhead::oci
