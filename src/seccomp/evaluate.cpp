#include "seccomp/evaluate.h"

#include <array>
#include <cstring>

namespace bulkhead::seccomp {

namespace {

struct Machine {
    std::uint32_t a = 0;
    std::uint32_t x = 0;
    std::array<std::uint32_t, BPF_MEMWORDS> memory {};
};

std::optional<std::uint32_t> load(seccomp_data const& call, std::uint32_t offset)
{
    std::uint32_t value = 0;
    if (offset > sizeof(call) - sizeof(value))
        return std::nullopt;
    auto const* bytes = static_cast<char const*>(static_cast<void const*>(&call));
    std::memcpy(&value, bytes + offset, sizeof(value));
    return value;
}

std::optional<std::uint32_t> calculate(std::uint16_t operation, std::uint32_t a, std::uint32_t operand)
{
    switch (operation) {
    case BPF_ADD:
        return a + operand;
    case BPF_SUB:
        return a - operand;
    case BPF_MUL:
        return a * operand;
    case BPF_DIV:
        return operand == 0 ? std::nullopt : std::optional(a / operand);
    case BPF_AND:
        return a & operand;
    case BPF_OR:
        return a | operand;
    case BPF_XOR:
        return a ^ operand;
    case BPF_LSH:
        return a << (operand & 31);
    case BPF_RSH:
        return a >> (operand & 31);
    case BPF_NEG:
        return 0 - a;
    default:
        return std::nullopt;
    }
}

bool holds(std::uint16_t condition, std::uint32_t a, std::uint32_t operand)
{
    switch (condition) {
    case BPF_JEQ:
        return a == operand;
    case BPF_JGT:
        return a > operand;
    case BPF_JGE:
        return a >= operand;
    default:
        return (a & operand) != 0;
    }
}

// BPF_LD and BPF_LDX: what the accumulator or the index register becomes.
std::optional<std::uint32_t> loaded(Machine const& machine, sock_filter const& instruction, seccomp_data const& call)
{
    switch (BPF_MODE(instruction.code)) {
    case BPF_ABS:
        return load(call, instruction.k);
    case BPF_IMM:
        return instruction.k;
    case BPF_MEM:
        return instruction.k < BPF_MEMWORDS ? std::optional(machine.memory[instruction.k]) : std::nullopt;
    case BPF_LEN:
        return static_cast<std::uint32_t>(sizeof(call));
    default:
        return std::nullopt;
    }
}

// Everything but jumps and returns. False when the instruction cannot be run.
bool run(Machine& machine, sock_filter const& instruction, seccomp_data const& call)
{
    switch (BPF_CLASS(instruction.code)) {
    case BPF_LD:
    case BPF_LDX: {
        auto value = loaded(machine, instruction, call);
        (BPF_CLASS(instruction.code) == BPF_LD ? machine.a : machine.x) = value.value_or(0);
        return value.has_value();
    }
    case BPF_ST:
    case BPF_STX:
        if (instruction.k >= BPF_MEMWORDS)
            return false;
        machine.memory[instruction.k] = BPF_CLASS(instruction.code) == BPF_ST ? machine.a : machine.x;
        return true;
    case BPF_ALU: {
        auto value = calculate(BPF_OP(instruction.code), machine.a, BPF_SRC(instruction.code) == BPF_X ? machine.x : instruction.k);
        machine.a = value.value_or(0);
        return value.has_value();
    }
    case BPF_MISC:
        if (BPF_MISCOP(instruction.code) == BPF_TXA)
            machine.a = machine.x;
        else
            machine.x = machine.a;
        return true;
    default:
        return false;
    }
}

} // namespace

std::optional<std::uint32_t> evaluate(std::span<sock_filter const> instructions, seccomp_data const& call)
{
    Machine machine;
    for (std::size_t at = 0; at < instructions.size(); ++at) { // jumps only go forward, so this ends
        auto const& instruction = instructions[at];
        auto operand = BPF_SRC(instruction.code) == BPF_X ? machine.x : instruction.k;
        if (BPF_CLASS(instruction.code) == BPF_RET)
            return BPF_RVAL(instruction.code) == BPF_A ? machine.a : instruction.k;
        if (BPF_CLASS(instruction.code) == BPF_JMP) {
            if (BPF_OP(instruction.code) == BPF_JA)
                at += instruction.k;
            else
                at += holds(BPF_OP(instruction.code), machine.a, operand) ? instruction.jt : instruction.jf;
        } else if (!run(machine, instruction, call)) {
            return std::nullopt;
        }
    }
    return std::nullopt;
}

} // namespace bulkhead::seccomp
