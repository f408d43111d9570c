#include "seccomp/enosys.h"

#include <algorithm>
#include <cstddef>

#include <linux/seccomp.h>
#include <seccomp.h>

namespace bulkhead::seccomp {

namespace {

constexpr std::uint32_t x32_bit = 1U << 30; // set in the numbers of x32 calls, whose architecture is that of x86-64
constexpr std::uint32_t return_enosys = SECCOMP_RET_ERRNO | ENOSYS;
constexpr std::uint32_t no_bound = 0xffffffff;

sock_filter load(std::size_t offset)
{
    return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset));
}

sock_filter jump(int condition, std::uint32_t value, std::uint8_t if_true, std::uint8_t if_false)
{
    return BPF_JUMP(static_cast<std::uint16_t>(BPF_JMP | condition | BPF_K), value, if_true, if_false);
}

// The largest number that the profile names for an architecture; 0 when it names none.
std::uint32_t newest_call(oci::Seccomp const& profile, std::uint32_t architecture)
{
    int newest = 0;
    for (auto const& entry : profile.syscalls) {
        for (auto const& name : entry.names)
            newest = std::max(newest, seccomp_syscall_resolve_name_arch(architecture, name.c_str()));
    }
    return static_cast<std::uint32_t>(newest);
}

using Section = std::vector<sock_filter>; // may end by falling through; the last instruction returns ENOSYS

Section x86_64_section(std::uint32_t newest, std::uint32_t newest_x32)
{
    return {
        load(offsetof(seccomp_data, nr)),
        jump(BPF_JSET, x32_bit, 1, 0),
        jump(BPF_JGT, newest > 0 ? newest : no_bound, 2, 1),
        jump(BPF_JGT, newest_x32 > 0 ? newest_x32 : no_bound, 1, 0),
        BPF_STMT(BPF_JMP | BPF_JA, 1),
        BPF_STMT(BPF_RET | BPF_K, return_enosys),
    };
}

Section plain_section(std::uint32_t newest)
{
    return {
        load(offsetof(seccomp_data, nr)),
        jump(BPF_JGT, newest, 1, 0),
        BPF_STMT(BPF_JMP | BPF_JA, 1),
        BPF_STMT(BPF_RET | BPF_K, return_enosys),
    };
}

// Linux: on s390 a number that does not fit the instruction is passed in a register, and one that the kernel does not
// know stays 0, that of setup(2), which no program has used for decades.
Section s390_section(std::uint32_t newest)
{
    return {
        load(offsetof(seccomp_data, nr)),
        jump(BPF_JEQ, 0, 2, 0),
        jump(BPF_JGT, newest, 1, 0),
        BPF_STMT(BPF_JMP | BPF_JA, 1),
        BPF_STMT(BPF_RET | BPF_K, return_enosys),
    };
}

Section section_for(oci::Seccomp const& profile, std::span<std::uint32_t const> architectures, std::uint32_t architecture)
{
    auto newest = newest_call(profile, architecture);
    if (architecture == SCMP_ARCH_X86_64) {
        bool has_x32 = std::find(architectures.begin(), architectures.end(), SCMP_ARCH_X32) != architectures.end();
        auto newest_x32 = has_x32 ? newest_call(profile, SCMP_ARCH_X32) : 0;
        return newest > 0 || newest_x32 > 0 ? x86_64_section(newest, newest_x32) : Section {};
    }
    if (newest == 0)
        return {};
    if (architecture == SCMP_ARCH_S390 || architecture == SCMP_ARCH_S390X)
        return s390_section(newest);
    return plain_section(newest);
}

} // namespace

std::vector<sock_filter> enosys_prologue(oci::Seccomp const& profile, std::span<std::uint32_t const> architectures)
{
    std::vector<sock_filter> prologue;
    for (auto architecture : architectures) {
        if (architecture == SCMP_ARCH_X32)
            continue; // x86-64's section knows it, and a kernel with x32 is one of x86-64
        auto section = section_for(profile, architectures, architecture);
        if (section.empty())
            continue;
        // The number is in the accumulator after a section was passed, so each section loads the architecture anew.
        prologue.push_back(load(offsetof(seccomp_data, arch)));
        prologue.push_back(jump(BPF_JEQ, architecture, 0, static_cast<std::uint8_t>(section.size())));
        prologue.insert(prologue.end(), section.begin(), section.end());
    }
    return prologue;
}

} // namespace bulkhead::seccomp
