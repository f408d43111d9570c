#include "cgroup/devices_bpf.h"
#include "base/text.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <limits>

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace bulkhead::cgroup {

namespace {

enum Register : std::uint8_t { r0, r1, r2, r3, r4, r5 };

bpf_insn instruction(std::uint8_t code, Register to, Register from, std::int16_t offset, std::int32_t number)
{
    bpf_insn result {};
    result.code = code;
    result.dst_reg = to & 15U;
    result.src_reg = from & 15U;
    result.off = offset;
    result.imm = number;
    return result;
}
bpf_insn load_word(Register to, Register from, std::int16_t offset)
{
    return instruction(BPF_LDX | BPF_MEM | BPF_W, to, from, offset, 0);
}
bpf_insn set_number(Register to, std::int32_t number)
{
    return instruction(BPF_ALU64 | BPF_MOV | BPF_K, to, r0, 0, number);
}
bpf_insn copy(Register to, Register from)
{
    return instruction(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0);
}
bpf_insn and_number(Register to, std::int32_t number)
{
    return instruction(BPF_ALU64 | BPF_AND | BPF_K, to, r0, 0, number);
}
bpf_insn shift_right(Register to, std::int32_t bits)
{
    return instruction(BPF_ALU64 | BPF_RSH | BPF_K, to, r0, 0, bits);
}
bpf_insn leave()
{
    return instruction(BPF_JMP | BPF_EXIT, r0, r0, 0, 0);
}

constexpr Register type_register = r2;
constexpr Register access_register = r3;
constexpr Register major_register = r4;
constexpr Register minor_register = r5;

// One exception: falls through to the next when it does not match. Jumps are patched once the length is known.
class ExceptionTest {
public:
    void skip_unless_equal(Register a, std::int32_t number) { jump(BPF_JMP | BPF_JNE | BPF_K, a, number); }
    void skip_if_equal(Register a, std::int32_t number) { jump(BPF_JMP | BPF_JEQ | BPF_K, a, number); }
    void add(bpf_insn const& next) { m_code.push_back(next); }
    void append_to(std::vector<bpf_insn>& program, bool allow)
    {
        add(set_number(r0, allow ? 1 : 0));
        add(leave());
        for (auto index : m_jumps)
            m_code[index].off = static_cast<std::int16_t>(m_code.size() - index - 1);
        program.insert(program.end(), m_code.begin(), m_code.end());
    }

private:
    void jump(std::uint8_t code, Register a, std::int32_t number)
    {
        m_jumps.push_back(m_code.size());
        add(instruction(code, a, r0, 0, number));
    }
    std::vector<bpf_insn> m_code;
    std::vector<std::size_t> m_jumps;
};

bool fits_a_comparison(std::optional<std::uint32_t> number)
{
    return !number || *number <= static_cast<std::uint32_t>(std::numeric_limits<std::int32_t>::max());
}

} // namespace

std::vector<bpf_insn> assemble_device_program(DevicePolicy const& policy)
{
    std::vector<bpf_insn> program {
        load_word(type_register, r1, offsetof(bpf_cgroup_dev_ctx, access_type)),
        and_number(type_register, 0xffff),
        load_word(access_register, r1, offsetof(bpf_cgroup_dev_ctx, access_type)),
        shift_right(access_register, 16),
        load_word(major_register, r1, offsetof(bpf_cgroup_dev_ctx, major)),
        load_word(minor_register, r1, offsetof(bpf_cgroup_dev_ctx, minor)),
    };
    for (auto const& exception : policy.exceptions) {
        // Linux has 12 bits of major and 20 of minor numbers: no device has such a number.
        if (!fits_a_comparison(exception.major) || !fits_a_comparison(exception.minor))
            continue;
        ExceptionTest test;
        test.skip_unless_equal(type_register, exception.type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
        if (policy.allow_by_default) {
            if (exception.access != access_all) { // denied where any of these is asked for
                test.add(copy(r1, access_register));
                test.add(and_number(r1, static_cast<std::int32_t>(exception.access)));
                test.skip_if_equal(r1, 0);
            }
        } else if (exception.access != access_all) { // allowed where nothing else is asked for
            test.add(copy(r1, access_register));
            test.add(and_number(r1, static_cast<std::int32_t>(access_all & ~exception.access)));
            test.skip_unless_equal(r1, 0);
        }
        if (exception.major)
            test.skip_unless_equal(major_register, static_cast<std::int32_t>(*exception.major));
        if (exception.minor)
            test.skip_unless_equal(minor_register, static_cast<std::int32_t>(*exception.minor));
        test.append_to(program, !policy.allow_by_default);
    }
    program.push_back(set_number(r0, policy.allow_by_default ? 1 : 0));
    program.push_back(leave());
    return program;
}

namespace {

long call_bpf(int command, bpf_attr& attributes)
{
    return ::syscall(SYS_bpf, command, &attributes, sizeof(attributes));
}

std::uint64_t address(void const* pointer)
{
    return reinterpret_cast<std::uintptr_t>(pointer);
}

Error bpf_refused(std::string_view doing, Errno code)
{
    auto error = Error::from_errno(code, std::string("enforce linux.resources.devices: ") + std::string(doing));
    if (code == Errno::perm || code == Errno::access)
        error.hint = "loading a BPF program needs CAP_BPF and CAP_NET_ADMIN (or CAP_SYS_ADMIN); a container around this one may forbid bpf(2)";
    if (code == Errno::nosys || code == Errno::inval)
        error.hint = "the kernel must have CONFIG_CGROUP_BPF and be 4.15 or newer";
    return error;
}

Result<File> load_program(std::vector<bpf_insn> const& program)
{
    static constexpr char license[] = "Apache-2.0"; // no helper function is called, so any will do
    bpf_attr attributes;
    std::memset(&attributes, 0, sizeof(attributes));
    attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
    attributes.insns = address(program.data());
    attributes.insn_cnt = static_cast<std::uint32_t>(program.size());
    attributes.license = address(license);
    std::memcpy(attributes.prog_name, "bulkhead_dev", sizeof("bulkhead_dev"));
    auto fd = call_bpf(BPF_PROG_LOAD, attributes);
    if (fd < 0 && errno == EPERM) {
        // Before Linux 5.11 programs counted as locked memory, of which the default allows little.
        rlimit unlimited { .rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY };
        if (::setrlimit(RLIMIT_MEMLOCK, &unlimited) == 0)
            fd = call_bpf(BPF_PROG_LOAD, attributes);
        else
            errno = EPERM;
    }
    if (fd < 0)
        return bpf_refused("load the device program", last_errno());
    return File(static_cast<int>(fd));
}

// Programs attached to this very group, not to those above.
SysResult<std::vector<File>> attached_programs(FileView group)
{
    std::array<std::uint32_t, 64> ids {};
    bpf_attr attributes;
    std::memset(&attributes, 0, sizeof(attributes));
    attributes.query.target_fd = static_cast<std::uint32_t>(group.fd());
    attributes.query.attach_type = BPF_CGROUP_DEVICE;
    attributes.query.prog_ids = address(ids.data());
    attributes.query.prog_cnt = ids.size();
    if (call_bpf(BPF_PROG_QUERY, attributes) < 0)
        return last_errno();
    std::vector<File> programs;
    for (std::uint32_t index = 0; index < attributes.query.prog_cnt && index < ids.size(); ++index) {
        bpf_attr by_id;
        std::memset(&by_id, 0, sizeof(by_id));
        by_id.prog_id = ids[index];
        auto fd = call_bpf(BPF_PROG_GET_FD_BY_ID, by_id);
        if (fd < 0 && errno == ENOENT)
            continue; // gone since
        if (fd < 0)
            return last_errno();
        programs.emplace_back(static_cast<int>(fd));
    }
    return programs;
}

SysResult<Unit> attach(FileView group, FileView program, FileView replaced)
{
    bpf_attr attributes;
    std::memset(&attributes, 0, sizeof(attributes));
    attributes.target_fd = static_cast<std::uint32_t>(group.fd());
    attributes.attach_bpf_fd = static_cast<std::uint32_t>(program.fd());
    attributes.attach_type = BPF_CGROUP_DEVICE;
    attributes.attach_flags = BPF_F_ALLOW_MULTI; // the container's own groups may add theirs
    if (replaced.is_open()) {
        attributes.attach_flags |= BPF_F_REPLACE;
        attributes.replace_bpf_fd = static_cast<std::uint32_t>(replaced.fd());
    }
    if (call_bpf(BPF_PROG_ATTACH, attributes) < 0)
        return last_errno();
    return ok();
}

SysResult<Unit> detach(FileView group, FileView program)
{
    bpf_attr attributes;
    std::memset(&attributes, 0, sizeof(attributes));
    attributes.target_fd = static_cast<std::uint32_t>(group.fd());
    attributes.attach_bpf_fd = static_cast<std::uint32_t>(program.fd());
    attributes.attach_type = BPF_CGROUP_DEVICE;
    if (call_bpf(BPF_PROG_DETACH, attributes) < 0 && errno != ENOENT)
        return last_errno();
    return ok();
}

} // namespace

Result<Unit> attach_device_program(FileView group, std::vector<oci::DeviceRule> const& rules)
{
    auto policy = TRY(evaluate_device_rules(rules));
    auto program = TRY(load_program(assemble_device_program(policy)));
    auto old = attached_programs(group);
    if (old.is_error())
        return bpf_refused("list the programs of the group", old.error());
    if (old.value().size() == 1) {
        if (attach(group, program, old.value().front()).is_ok()) // Linux 5.6
            return ok();
    }
    // All attached programs must agree, so between these calls only what old and new both allow is open.
    auto attached = attach(group, program, FileView());
    if (attached.is_error())
        return bpf_refused("attach the device program", attached.error());
    for (auto const& each : old.value()) {
        auto detached = detach(group, each);
        if (detached.is_error())
            return bpf_refused("detach the device program before", detached.error());
    }
    return ok();
}

} // namespace bulkhead::cgroup
