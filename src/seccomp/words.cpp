#include "seccomp/words.h"

#include <array>
#include <cerrno>
#include <span>

#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace bulkhead::seccomp {

namespace {

template <typename T> struct Word {
    std::string_view text;
    T value;
};

constexpr std::array actions = {
    Word<Action> { "SCMP_ACT_KILL", Action::kill_thread },
    Word<Action> { "SCMP_ACT_KILL_PROCESS", Action::kill_process },
    Word<Action> { "SCMP_ACT_KILL_THREAD", Action::kill_thread },
    Word<Action> { "SCMP_ACT_TRAP", Action::trap },
    Word<Action> { "SCMP_ACT_ERRNO", Action::error },
    Word<Action> { "SCMP_ACT_TRACE", Action::trace },
    Word<Action> { "SCMP_ACT_ALLOW", Action::allow },
    Word<Action> { "SCMP_ACT_LOG", Action::log },
    Word<Action> { "SCMP_ACT_NOTIFY", Action::notify },
};

constexpr std::array operators = {
    Word<scmp_compare> { "SCMP_CMP_NE", SCMP_CMP_NE },
    Word<scmp_compare> { "SCMP_CMP_LT", SCMP_CMP_LT },
    Word<scmp_compare> { "SCMP_CMP_LE", SCMP_CMP_LE },
    Word<scmp_compare> { "SCMP_CMP_EQ", SCMP_CMP_EQ },
    Word<scmp_compare> { "SCMP_CMP_GE", SCMP_CMP_GE },
    Word<scmp_compare> { "SCMP_CMP_GT", SCMP_CMP_GT },
    Word<scmp_compare> { "SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ },
};

// Each is a token of libseccomp; one that this libseccomp is too old for is refused when it is added.
constexpr std::array architectures = {
    Word<std::uint32_t> { "SCMP_ARCH_X86", SCMP_ARCH_X86 },
    Word<std::uint32_t> { "SCMP_ARCH_X86_64", SCMP_ARCH_X86_64 },
    Word<std::uint32_t> { "SCMP_ARCH_X32", SCMP_ARCH_X32 },
    Word<std::uint32_t> { "SCMP_ARCH_ARM", SCMP_ARCH_ARM },
    Word<std::uint32_t> { "SCMP_ARCH_AARCH64", SCMP_ARCH_AARCH64 },
    Word<std::uint32_t> { "SCMP_ARCH_MIPS", SCMP_ARCH_MIPS },
    Word<std::uint32_t> { "SCMP_ARCH_MIPS64", SCMP_ARCH_MIPS64 },
    Word<std::uint32_t> { "SCMP_ARCH_MIPS64N32", SCMP_ARCH_MIPS64N32 },
    Word<std::uint32_t> { "SCMP_ARCH_MIPSEL", SCMP_ARCH_MIPSEL },
    Word<std::uint32_t> { "SCMP_ARCH_MIPSEL64", SCMP_ARCH_MIPSEL64 },
    Word<std::uint32_t> { "SCMP_ARCH_MIPSEL64N32", SCMP_ARCH_MIPSEL64N32 },
    Word<std::uint32_t> { "SCMP_ARCH_PPC", SCMP_ARCH_PPC },
    Word<std::uint32_t> { "SCMP_ARCH_PPC64", SCMP_ARCH_PPC64 },
    Word<std::uint32_t> { "SCMP_ARCH_PPC64LE", SCMP_ARCH_PPC64LE },
    Word<std::uint32_t> { "SCMP_ARCH_S390", SCMP_ARCH_S390 },
    Word<std::uint32_t> { "SCMP_ARCH_S390X", SCMP_ARCH_S390X },
    Word<std::uint32_t> { "SCMP_ARCH_PARISC", SCMP_ARCH_PARISC },
    Word<std::uint32_t> { "SCMP_ARCH_PARISC64", SCMP_ARCH_PARISC64 },
    Word<std::uint32_t> { "SCMP_ARCH_RISCV64", SCMP_ARCH_RISCV64 },
#ifdef SCMP_ARCH_LOONGARCH64
    Word<std::uint32_t> { "SCMP_ARCH_LOONGARCH64", SCMP_ARCH_LOONGARCH64 },
#endif
#ifdef SCMP_ARCH_M68K
    Word<std::uint32_t> { "SCMP_ARCH_M68K", SCMP_ARCH_M68K },
#endif
#ifdef SCMP_ARCH_SH
    Word<std::uint32_t> { "SCMP_ARCH_SH", SCMP_ARCH_SH },
    Word<std::uint32_t> { "SCMP_ARCH_SHEB", SCMP_ARCH_SHEB },
#endif
};

constexpr std::array flags = {
    Word<std::uint32_t> { "SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC },
    Word<std::uint32_t> { "SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG },
    Word<std::uint32_t> { "SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW },
    Word<std::uint32_t> { "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV },
};

template <typename T, std::size_t N> std::optional<T> find(std::array<Word<T>, N> const& words, std::string_view text)
{
    for (auto const& word : words) {
        if (word.text == text)
            return word.value;
    }
    return std::nullopt;
}

template <typename T, std::size_t N> std::vector<std::string> list(std::array<Word<T>, N> const& words)
{
    std::vector<std::string> texts;
    for (auto const& word : words)
        texts.emplace_back(word.text);
    return texts;
}

} // namespace

std::optional<Action> action_by_word(std::string_view text)
{
    return find(actions, text);
}
std::optional<scmp_compare> operator_by_word(std::string_view text)
{
    return find(operators, text);
}
std::optional<std::uint32_t> architecture_by_word(std::string_view text)
{
    return find(architectures, text);
}
std::optional<std::uint32_t> flag_by_word(std::string_view text)
{
    return find(flags, text);
}

std::vector<std::string> known_actions()
{
    return list(actions);
}
std::vector<std::string> known_operators()
{
    return list(operators);
}
std::vector<std::string> known_architectures()
{
    return list(architectures);
}
std::vector<std::string> known_flags()
{
    return list(flags);
}

// The kernel looks at the flags before it looks at the (absent) filter: EINVAL for one it does not know, else EFAULT.
bool kernel_knows_flags(std::uint32_t wanted)
{
    return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, wanted, nullptr) < 0 && errno == EFAULT;
}

std::vector<std::string> supported_flags()
{
    std::vector<std::string> texts;
    for (auto const& flag : flags) {
        auto bits = flag.value;
        if (bits == SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV) // only ever together with a listener
            bits |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
        if (kernel_knows_flags(bits))
            texts.emplace_back(flag.text);
    }
    return texts;
}

} // namespace bulkhead::seccomp
