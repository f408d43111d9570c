// The assembled program against the policy it comes from, by a small interpreter of the instructions it uses.
#include "cgroup/devices_bpf.h"
#include "cgroup/cgroup.h"

#include <array>
#include <cstring>
#include <random>

#include <gtest/gtest.h>

namespace bulkhead::cgroup {
namespace {

// 1 or 0; -1 when the program does what the kernel's verifier would refuse.
int run(std::vector<bpf_insn> const& program, bpf_cgroup_dev_ctx const& context)
{
    std::array<std::uint64_t, 11> registers {};
    for (std::size_t at = 0, steps = 0; at < program.size() && steps < 100000; ++at, ++steps) {
        auto const& next = program[at];
        auto& to = registers[next.dst_reg];
        auto number = static_cast<std::uint64_t>(static_cast<std::int64_t>(next.imm));
        switch (next.code) {
        case BPF_LDX | BPF_MEM | BPF_W: {
            std::uint32_t word = 0;
            if (next.off < 0 || next.off + sizeof(word) > sizeof(context))
                return -1;
            std::memcpy(&word, reinterpret_cast<char const*>(&context) + next.off, sizeof(word));
            to = word;
            break;
        }
        case BPF_ALU64 | BPF_MOV | BPF_K:
            to = number;
            break;
        case BPF_ALU64 | BPF_MOV | BPF_X:
            to = registers[next.src_reg];
            break;
        case BPF_ALU64 | BPF_AND | BPF_K:
            to &= number;
            break;
        case BPF_ALU64 | BPF_RSH | BPF_K:
            to >>= number;
            break;
        case BPF_JMP | BPF_JNE | BPF_K:
        case BPF_JMP | BPF_JEQ | BPF_K:
            if (next.off < 0)
                return -1;
            if ((to == number) == (next.code == (BPF_JMP | BPF_JEQ | BPF_K)))
                at += static_cast<std::size_t>(next.off);
            break;
        case BPF_JMP | BPF_EXIT:
            return static_cast<int>(registers[0]);
        default:
            return -1;
        }
    }
    return -1;
}

void expect_agreement(DevicePolicy const& policy)
{
    auto program = assemble_device_program(policy);
    for (char type : { 'b', 'c' })
        for (std::uint32_t major : { 0U, 1U, 2U, 5U, 136U })
            for (std::uint32_t minor : { 0U, 1U, 3U, 5U, 1048575U })
                for (unsigned access = 1; access <= access_all; ++access) {
                    bpf_cgroup_dev_ctx context {
                        .access_type = access << 16 | (type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR), .major = major, .minor = minor
                    };
                    EXPECT_EQ(run(program, context), policy.allows(type, major, minor, access) ? 1 : 0)
                        << type << major << ":" << minor << " " << access;
                }
}

TEST(DeviceProgram, agrees_with_the_policy_of_a_usual_container)
{
    std::vector<oci::DeviceRule> rules { { .allow = false, .access = "rwm" } };
    auto defaults = default_device_rules();
    rules.insert(rules.end(), defaults.begin(), defaults.end());
    expect_agreement(MUST(evaluate_device_rules(rules)));
}

TEST(DeviceProgram, agrees_when_everything_or_nothing_is_allowed)
{
    expect_agreement(DevicePolicy {});
    expect_agreement(DevicePolicy { .allow_by_default = true });
}

TEST(DeviceProgram, agrees_with_random_rules)
{
    std::mt19937 random(1);
    auto pick = [&](std::initializer_list<std::int64_t> from) { return *(from.begin() + random() % from.size()); };
    for (int round = 0; round < 200; ++round) {
        std::vector<oci::DeviceRule> rules;
        for (auto count = random() % 12; count > 0; --count) {
            oci::DeviceRule rule { .allow = random() % 2 == 0, .type = std::array { "a", "b", "c" }[random() % 3] };
            rule.access = std::array { "", "r", "w", "m", "rw", "rm", "rwm" }[random() % 7];
            if (auto major = pick({ -1, 1, 5, 136 }); major >= 0)
                rule.major = major;
            if (auto minor = pick({ -1, 3, 5, 1048575 }); minor >= 0)
                rule.minor = minor;
            rules.push_back(std::move(rule));
        }
        expect_agreement(MUST(evaluate_device_rules(rules)));
    }
}

TEST(DeviceProgram, numbers_that_no_device_has_never_match)
{
    DevicePolicy policy;
    policy.exceptions.push_back({ .type = 'c', .major = 0xffffffff, .minor = 3 });
    EXPECT_EQ(assemble_device_program(policy).size(), assemble_device_program(DevicePolicy {}).size());
}

} // namespace
} // namespace bulkhead::cgroup
