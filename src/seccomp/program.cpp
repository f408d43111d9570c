#include "seccomp/program.h"

#include <linux/seccomp.h>

namespace bulkhead::seccomp {

namespace {

Error broken(std::size_t index, std::string_view what)
{
    return invalid("instruction " + std::to_string(index) + " of the filter: " + std::string(what));
}

bool is_conditional_jump(std::uint16_t code)
{
    switch (code) {
    case BPF_JMP | BPF_JEQ | BPF_K:
    case BPF_JMP | BPF_JEQ | BPF_X:
    case BPF_JMP | BPF_JGT | BPF_K:
    case BPF_JMP | BPF_JGT | BPF_X:
    case BPF_JMP | BPF_JGE | BPF_K:
    case BPF_JMP | BPF_JGE | BPF_X:
    case BPF_JMP | BPF_JSET | BPF_K:
    case BPF_JMP | BPF_JSET | BPF_X:
        return true;
    default:
        return false;
    }
}

bool is_arithmetic(std::uint16_t code)
{
    if (BPF_CLASS(code) != BPF_ALU || (code & ~(BPF_X | 0xf7)) != 0)
        return false;
    switch (BPF_OP(code)) {
    case BPF_ADD:
    case BPF_SUB:
    case BPF_MUL:
    case BPF_DIV:
    case BPF_AND:
    case BPF_OR:
    case BPF_XOR:
    case BPF_LSH:
    case BPF_RSH:
        return true;
    case BPF_NEG:
        return BPF_SRC(code) == BPF_K;
    default: // no remainder in seccomp
        return false;
    }
}

bool is_memory_access(std::uint16_t code)
{
    return code == (BPF_LD | BPF_MEM) || code == (BPF_LDX | BPF_MEM) || code == BPF_ST || code == BPF_STX;
}

bool is_plain(std::uint16_t code)
{
    switch (code) {
    case BPF_RET | BPF_K:
    case BPF_RET | BPF_A:
    case BPF_LD | BPF_IMM:
    case BPF_LDX | BPF_IMM:
    case BPF_LD | BPF_W | BPF_LEN:
    case BPF_LDX | BPF_W | BPF_LEN:
    case BPF_MISC | BPF_TAX:
    case BPF_MISC | BPF_TXA:
        return true;
    default:
        return false;
    }
}

Result<Unit> check_one(sock_filter const& instruction, std::size_t index, std::size_t count)
{
    auto const after = count - index - 1; // instructions that follow
    auto const code = instruction.code;
    if (code == (BPF_JMP | BPF_JA)) {
        if (instruction.k >= after)
            return broken(index, "jumps out of the filter");
    } else if (is_conditional_jump(code)) {
        if (instruction.jt >= after || instruction.jf >= after)
            return broken(index, "jumps out of the filter");
    } else if (code == (BPF_LD | BPF_W | BPF_ABS)) {
        if (instruction.k % 4 != 0 || instruction.k >= sizeof(seccomp_data))
            return broken(index, "loads from outside of the system call's data");
    } else if (is_memory_access(code)) {
        if (instruction.k >= BPF_MEMWORDS)
            return broken(index, "names a memory word that does not exist");
    } else if (is_arithmetic(code)) {
        bool constant = BPF_SRC(code) == BPF_K;
        if (constant && BPF_OP(code) == BPF_DIV && instruction.k == 0)
            return broken(index, "divides by zero");
        if (constant && (BPF_OP(code) == BPF_LSH || BPF_OP(code) == BPF_RSH) && instruction.k >= 32)
            return broken(index, "shifts by 32 bits or more");
    } else if (!is_plain(code)) {
        return broken(index, "is not known to the kernel");
    }
    return ok();
}

} // namespace

Result<Unit> check_instructions(std::span<sock_filter const> instructions)
{
    if (instructions.empty())
        return invalid("the filter is empty");
    if (instructions.size() > max_instructions)
        return invalid(
            "the filter has " + std::to_string(instructions.size()) + " instructions; the kernel takes at most " + std::to_string(max_instructions),
            "name fewer system calls, or fewer arguments, in linux.seccomp.syscalls");
    for (std::size_t index = 0; index < instructions.size(); ++index)
        TRY(check_one(instructions[index], index, instructions.size()));
    auto last = instructions.back().code;
    if (last != (BPF_RET | BPF_K) && last != (BPF_RET | BPF_A))
        return broken(instructions.size() - 1, "is the last one and returns nothing");
    return ok();
}

} // namespace bulkhead::seccomp
