#include "seccomp/evaluate.h"

#include "seccomp/program.h"

#include <vector>

#include <gtest/gtest.h>

namespace bulkhead::seccomp {
namespace {

using Instructions = std::vector<sock_filter>;

seccomp_data a_call()
{
    seccomp_data call {};
    call.nr = 7;
    call.arch = 0x1234;
    call.args[1] = 0xaaaabbbbccccdddd;
    return call;
}

std::optional<std::uint32_t> result_of(Instructions const& instructions)
{
    EXPECT_FALSE(check_instructions(instructions).is_error());
    return evaluate(instructions, a_call());
}

TEST(Evaluate, loads_the_parts_of_a_call)
{
    EXPECT_EQ(result_of({ BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0), BPF_STMT(BPF_RET | BPF_A, 0) }), 7U);
    EXPECT_EQ(result_of({ BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 4), BPF_STMT(BPF_RET | BPF_A, 0) }), 0x1234U);
    EXPECT_EQ(result_of({ BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 24), BPF_STMT(BPF_RET | BPF_A, 0) }), 0xccccddddU);
    EXPECT_EQ(result_of({ BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 28), BPF_STMT(BPF_RET | BPF_A, 0) }), 0xaaaabbbbU);
}

TEST(Evaluate, calculates_and_remembers)
{
    EXPECT_EQ(result_of({
                  BPF_STMT(BPF_LD | BPF_IMM, 6),
                  BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, 7),
                  BPF_STMT(BPF_ST, 3),
                  BPF_STMT(BPF_LDX | BPF_MEM, 3),
                  BPF_STMT(BPF_LD | BPF_IMM, 0),
                  BPF_STMT(BPF_ALU | BPF_SUB | BPF_X, 0),
                  BPF_STMT(BPF_ALU | BPF_NEG, 0),
                  BPF_STMT(BPF_RET | BPF_A, 0),
              }),
        42U);
}

TEST(Evaluate, jumps_by_condition)
{
    EXPECT_EQ(result_of({
                  BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
                  BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 6, 0, 1),
                  BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 8, 0, 1),
                  BPF_STMT(BPF_RET | BPF_K, 1),
                  BPF_STMT(BPF_RET | BPF_K, 2),
              }),
        2U);
}

TEST(Evaluate, dividing_by_a_zero_that_was_calculated_gives_no_result)
{
    EXPECT_EQ(result_of({ BPF_STMT(BPF_LDX | BPF_IMM, 0), BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0), BPF_STMT(BPF_RET | BPF_A, 0) }), std::nullopt);
}

TEST(CheckInstructions, refuses_what_the_kernel_refuses)
{
    auto const end = sock_filter BPF_STMT(BPF_RET | BPF_K, 0);
    for (auto const& broken : std::vector<Instructions> {
             {},
             { BPF_STMT(BPF_LD | BPF_IMM, 0) },
             { BPF_STMT(BPF_JMP | BPF_JA, 1), end },
             { BPF_STMT(BPF_JMP | BPF_JA, 0xffffffff), end },
             { BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0), end },
             { BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), end },
             { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 2), end },
             { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 64), end },
             { BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0), end },
             { BPF_STMT(BPF_LD | BPF_MEM, 16), end },
             { BPF_STMT(BPF_ST, 16), end },
             { BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), end },
             { BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 32), end },
             { BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 3), end },
             { BPF_STMT(0xffff, 0), end },
             Instructions(4097, end),
         }) {
        EXPECT_TRUE(check_instructions(broken).is_error());
    }
}

} // namespace
} // namespace bulkhead::seccomp
