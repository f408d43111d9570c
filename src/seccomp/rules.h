// linux.seccomp checked and translated into libseccomp's terms: the step between the configuration and the compiler.
#pragma once

#include "base/result.h"
#include "oci/config.h"

#include <cstdint>
#include <string_view>
#include <vector>

#include <seccomp.h>

namespace bulkhead::seccomp {

struct Rule {
    std::uint32_t action = 0; // SCMP_ACT_...
    int number = 0; // of the native architecture; libseccomp's negative stand-in where it has none
    std::string_view name; // owned by the configuration
    std::vector<scmp_arg_cmp> conditions; // all must hold
};

struct RuleSet {
    std::uint32_t default_action = 0;
    std::vector<std::uint32_t> architectures; // tokens as listed, the native one first
    std::vector<Rule> rules; // without those that only repeat the default
    std::uint32_t flags = 0; // SECCOMP_FILTER_FLAG_...
    bool notifies = false;
    bool wants_enosys = false; // system calls newer than the profile shall be answered with ENOSYS
};

// A complaint names its place: "linux.seccomp.syscalls[3].args[0].op". The result refers to PROFILE's strings.
Result<RuleSet> make_rules(oci::Seccomp const& profile);

} // namespace bulkhead::seccomp
