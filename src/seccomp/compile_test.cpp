#include "seccomp/compile.h"

#include "seccomp/evaluate.h"
#include "seccomp/test_profile.h"
#include "seccomp/words.h"

#include <cerrno>

#include <gtest/gtest.h>
#include <linux/audit.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bulkhead::seccomp {
namespace {

constexpr std::uint32_t denied = SECCOMP_RET_ERRNO | EPERM;
constexpr std::uint32_t absent = SECCOMP_RET_ERRNO | ENOSYS;

std::uint32_t outcome(Program const& program, int number, std::vector<std::uint64_t> arguments = {}, std::uint32_t architecture = AUDIT_ARCH_X86_64)
{
    seccomp_data call {};
    call.nr = number;
    call.arch = architecture;
    std::copy(arguments.begin(), arguments.end(), call.args);
    return evaluate(program.instructions, call).value_or(0xdeadbeef);
}

std::string complaint_about(oci::Seccomp const& profile)
{
    auto program = compile(profile);
    return program.is_error() ? program.error().message : "no complaint";
}

Program compiled(oci::Seccomp const& profile)
{
    auto program = compile(profile);
    EXPECT_FALSE(program.is_error()) << (program.is_error() ? program.error().message : "");
    return program.is_error() ? Program {} : program.release_value();
}

TEST(Compile, an_engines_profile_allows_and_denies_as_written)
{
    auto program = compiled(engine_profile());
    EXPECT_EQ(outcome(program, SYS_read), SECCOMP_RET_ALLOW);
    EXPECT_EQ(outcome(program, SYS_statx), SECCOMP_RET_ALLOW);
    EXPECT_EQ(outcome(program, SYS_mount), denied);
    EXPECT_EQ(outcome(program, SYS_bpf), denied);
    EXPECT_EQ(outcome(program, SYS_clone3), absent);
    EXPECT_EQ(outcome(program, SYS_personality, { 8 }), SECCOMP_RET_ALLOW);
    EXPECT_EQ(outcome(program, SYS_personality, { 9 }), denied);
    EXPECT_EQ(outcome(program, SYS_socket, { 1 }), SECCOMP_RET_ALLOW);
    EXPECT_EQ(outcome(program, SYS_socket, { 40 }), denied);
    EXPECT_EQ(outcome(program, SYS_clone, { 0x00010f00 }), SECCOMP_RET_ALLOW);
    EXPECT_EQ(outcome(program, SYS_clone, { 0x10000000 }), denied); // CLONE_NEWUSER
    EXPECT_FALSE(program.needs_listener);
}

TEST(Compile, the_other_architectures_of_a_profile_have_their_own_numbers)
{
    auto program = compiled(engine_profile());
    EXPECT_EQ(outcome(program, 3, {}, AUDIT_ARCH_I386), SECCOMP_RET_ALLOW); // read
    EXPECT_EQ(outcome(program, 21, {}, AUDIT_ARCH_I386), denied); // mount
    EXPECT_EQ(outcome(program, 102, { 1 }, AUDIT_ARCH_I386), SECCOMP_RET_ALLOW); // socketcall
    EXPECT_EQ(outcome(program, (1 << 30) | 0), SECCOMP_RET_ALLOW); // x32 read
    EXPECT_EQ(outcome(program, 0, {}, AUDIT_ARCH_AARCH64), SECCOMP_RET_KILL_THREAD);
}

TEST(Compile, an_architecture_that_is_not_listed_is_killed_but_the_native_one_never)
{
    auto profile = engine_profile();
    profile.architectures = { "SCMP_ARCH_X86" };
    auto program = compiled(profile);
    EXPECT_EQ(outcome(program, SYS_read), SECCOMP_RET_ALLOW);
    EXPECT_EQ(outcome(program, 3, {}, AUDIT_ARCH_I386), SECCOMP_RET_ALLOW);
    EXPECT_EQ(outcome(program, 0, {}, AUDIT_ARCH_ARM), SECCOMP_RET_KILL_THREAD);
    profile.architectures.clear();
    EXPECT_EQ(outcome(compiled(profile), 3, {}, AUDIT_ARCH_I386), SECCOMP_RET_KILL_THREAD);
}

TEST(Compile, system_calls_newer_than_the_profile_do_not_exist)
{
    auto program = compiled(engine_profile());
    EXPECT_EQ(outcome(program, 1000), absent);
    EXPECT_EQ(outcome(program, 1000, {}, AUDIT_ARCH_I386), absent);
    EXPECT_EQ(outcome(program, (1 << 30) | 1000), absent);
    EXPECT_EQ(outcome(program, -1), absent); // a tracer that skips the call
}

TEST(Compile, the_newest_call_that_a_profile_names_is_the_bound_even_when_it_is_denied)
{
    oci::Seccomp profile;
    profile.default_action = "SCMP_ACT_ERRNO";
    profile.syscalls = { entry({ "read", "faccessat2" }, "SCMP_ACT_ALLOW") };
    auto program = compiled(profile);
    EXPECT_EQ(outcome(program, SYS_faccessat2), SECCOMP_RET_ALLOW);
    EXPECT_EQ(outcome(program, SYS_openat2), denied);
    EXPECT_EQ(outcome(program, SYS_faccessat2 + 1), absent);
    profile.syscalls[0].names = { "read" };
    profile.syscalls.push_back(entry({ "faccessat2" }, "SCMP_ACT_ERRNO")); // the default again: no rule, but known
    program = compiled(profile);
    EXPECT_EQ(outcome(program, SYS_faccessat2), denied);
    EXPECT_EQ(outcome(program, SYS_faccessat2 + 1), absent);
}

TEST(Compile, killing_by_default_spares_calls_newer_than_the_profile)
{
    auto profile = engine_profile();
    profile.default_action = "SCMP_ACT_KILL_PROCESS";
    profile.default_errno_ret.reset();
    auto program = compiled(profile);
    EXPECT_EQ(outcome(program, SYS_mount), SECCOMP_RET_KILL_PROCESS);
    EXPECT_EQ(outcome(program, 1000), absent);
}

TEST(Compile, a_permissive_default_knows_no_enosys)
{
    for (auto const* action : { "SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_TRACE" }) {
        auto profile = allowing_profile(entry({ "read" }, "SCMP_ACT_KILL"));
        profile.default_action = action;
        EXPECT_NE(outcome(compiled(profile), 1000), absent) << action;
        EXPECT_EQ(outcome(compiled(profile), SYS_read), SECCOMP_RET_KILL_THREAD) << action;
    }
}

TEST(Compile, every_action_reaches_the_kernel)
{
    struct Case {
        char const* action;
        std::optional<std::uint32_t> number;
        std::uint32_t expected;
    };
    for (auto const& item : {
             Case { "SCMP_ACT_KILL", {}, SECCOMP_RET_KILL_THREAD },
             Case { "SCMP_ACT_KILL_THREAD", {}, SECCOMP_RET_KILL_THREAD },
             Case { "SCMP_ACT_KILL_PROCESS", {}, SECCOMP_RET_KILL_PROCESS },
             Case { "SCMP_ACT_TRAP", {}, SECCOMP_RET_TRAP },
             Case { "SCMP_ACT_ERRNO", {}, SECCOMP_RET_ERRNO | EPERM },
             Case { "SCMP_ACT_ERRNO", 0, SECCOMP_RET_ERRNO },
             Case { "SCMP_ACT_ERRNO", ENXIO, SECCOMP_RET_ERRNO | ENXIO },
             Case { "SCMP_ACT_TRACE", {}, SECCOMP_RET_TRACE | EPERM },
             Case { "SCMP_ACT_TRACE", 77, SECCOMP_RET_TRACE | 77 },
             Case { "SCMP_ACT_LOG", {}, SECCOMP_RET_LOG },
             Case { "SCMP_ACT_NOTIFY", {}, SECCOMP_RET_USER_NOTIF },
         }) {
        auto profile = allowing_profile(entry({ "getpid" }, item.action));
        profile.syscalls[0].errno_ret = item.number;
        profile.listener_path = "/run/agent.sock";
        auto program = compiled(profile);
        EXPECT_EQ(outcome(program, SYS_getpid), item.expected) << item.action;
        EXPECT_EQ(outcome(program, SYS_getppid), SECCOMP_RET_ALLOW) << item.action;
    }
}

TEST(Compile, every_operator_compares_all_64_bits)
{
    struct Case {
        char const* op;
        std::vector<std::uint64_t> match;
        std::vector<std::uint64_t> miss;
    };
    constexpr std::uint64_t pivot = 0x100000005;
    for (auto const& item : {
             Case { "SCMP_CMP_EQ", { pivot }, { 5, pivot + 1, 0x200000005 } },
             Case { "SCMP_CMP_NE", { 5, pivot + 1, 0x200000005 }, { pivot } },
             Case { "SCMP_CMP_LT", { 5, 0xffffffff, pivot - 1 }, { pivot, pivot + 1, 0x200000000 } },
             Case { "SCMP_CMP_LE", { 5, pivot }, { pivot + 1, 0x200000000 } },
             Case { "SCMP_CMP_GT", { pivot + 1, 0x200000000 }, { 5, pivot } },
             Case { "SCMP_CMP_GE", { pivot, pivot + 1, 0x200000000 }, { 5, 0xffffffff } },
         }) {
        auto program = compiled(allowing_profile(entry({ "ioctl" }, "SCMP_ACT_ERRNO", { { .index = 1, .value = pivot, .op = item.op } })));
        for (auto value : item.match)
            EXPECT_EQ(outcome(program, SYS_ioctl, { 0, value }), denied) << item.op << " " << value;
        for (auto value : item.miss)
            EXPECT_EQ(outcome(program, SYS_ioctl, { 0, value }), SECCOMP_RET_ALLOW) << item.op << " " << value;
    }
}

TEST(Compile, a_masked_comparison_takes_the_mask_first_and_the_value_second)
{
    oci::SeccompArg argument { .index = 0, .value = 0xff00, .value_two = 0x1200, .op = "SCMP_CMP_MASKED_EQ" };
    auto program = compiled(allowing_profile(entry({ "ioctl" }, "SCMP_ACT_ERRNO", { argument })));
    EXPECT_EQ(outcome(program, SYS_ioctl, { 0x1234 }), denied);
    EXPECT_EQ(outcome(program, SYS_ioctl, { 0x991200 }), denied);
    EXPECT_EQ(outcome(program, SYS_ioctl, { 0x1334 }), SECCOMP_RET_ALLOW);
}

TEST(Compile, conditions_on_different_arguments_must_all_hold)
{
    std::vector<oci::SeccompArg> arguments = { { .index = 0, .value = 1, .op = "SCMP_CMP_EQ" }, { .index = 2, .value = 3, .op = "SCMP_CMP_EQ" } };
    auto program = compiled(allowing_profile(entry({ "ioctl" }, "SCMP_ACT_ERRNO", arguments)));
    EXPECT_EQ(outcome(program, SYS_ioctl, { 1, 0, 3 }), denied);
    EXPECT_EQ(outcome(program, SYS_ioctl, { 1, 0, 4 }), SECCOMP_RET_ALLOW);
    EXPECT_EQ(outcome(program, SYS_ioctl, { 2, 0, 3 }), SECCOMP_RET_ALLOW);
}

TEST(Compile, conditions_that_share_an_argument_are_alternatives)
{
    std::vector<oci::SeccompArg> arguments = { { .index = 0, .value = 1, .op = "SCMP_CMP_EQ" }, { .index = 0, .value = 2, .op = "SCMP_CMP_EQ" },
        { .index = 1, .value = 9, .op = "SCMP_CMP_EQ" } };
    auto program = compiled(allowing_profile(entry({ "ioctl" }, "SCMP_ACT_ERRNO", arguments)));
    EXPECT_EQ(outcome(program, SYS_ioctl, { 1, 0 }), denied);
    EXPECT_EQ(outcome(program, SYS_ioctl, { 2, 0 }), denied);
    EXPECT_EQ(outcome(program, SYS_ioctl, { 3, 9 }), denied);
    EXPECT_EQ(outcome(program, SYS_ioctl, { 3, 0 }), SECCOMP_RET_ALLOW);
}

TEST(Compile, names_of_other_kernels_are_skipped_and_a_name_may_come_twice)
{
    auto program = compiled(allowing_profile(entry({ "no_such_call", "getpid", "getpid", "sys_mystery" }, "SCMP_ACT_ERRNO")));
    EXPECT_EQ(outcome(program, SYS_getpid), denied);
}

TEST(Compile, a_profile_without_rules_is_its_default)
{
    oci::Seccomp profile;
    profile.default_action = "SCMP_ACT_ERRNO";
    profile.default_errno_ret = ENXIO;
    EXPECT_EQ(outcome(compiled(profile), SYS_read), SECCOMP_RET_ERRNO | ENXIO);
    EXPECT_EQ(outcome(compiled(profile), 1000), SECCOMP_RET_ERRNO | ENXIO);
}

TEST(Compile, flags_become_the_kernels_bits)
{
    auto profile = allowing_profile(entry({ "getpid" }, "SCMP_ACT_ERRNO"));
    EXPECT_EQ(compiled(profile).flags, SECCOMP_FILTER_FLAG_SPEC_ALLOW); // what engines get that say nothing
    profile.flags = { "SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_TSYNC" };
    EXPECT_EQ(compiled(profile).flags, SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_TSYNC);
}

TEST(Compile, a_notifying_profile_needs_a_listener)
{
    auto profile = allowing_profile(entry({ "getpid" }, "SCMP_ACT_NOTIFY"));
    EXPECT_NE(complaint_about(profile).find("linux.seccomp.listenerPath"), std::string::npos);
    profile.listener_path = "/run/agent.sock";
    profile.listener_metadata = "words";
    profile.flags = { "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", "SECCOMP_FILTER_FLAG_TSYNC" };
    auto program = compiled(profile);
    EXPECT_TRUE(program.needs_listener);
    EXPECT_EQ(program.listener_path, "/run/agent.sock");
    EXPECT_EQ(program.listener_metadata, "words");
    EXPECT_EQ(program.flags,
        SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV | SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH);
}

TEST(Compile, complaints_name_their_place)
{
    auto profile = engine_profile();
    profile.default_action = "SCMP_ACT_MAYBE";
    EXPECT_EQ(complaint_about(profile), "linux.seccomp.defaultAction: unknown action \"SCMP_ACT_MAYBE\"");
    profile = engine_profile();
    profile.default_action = "SCMP_ACT_KILL";
    EXPECT_EQ(complaint_about(profile), "linux.seccomp.defaultErrnoRet: SCMP_ACT_KILL takes no errno");
    profile = engine_profile();
    profile.default_action = "SCMP_ACT_NOTIFY";
    profile.default_errno_ret.reset();
    EXPECT_EQ(complaint_about(profile).substr(0, 30), "linux.seccomp.defaultAction: S");
    profile = engine_profile();
    profile.architectures[1] = "SCMP_ARCH_VAX";
    EXPECT_EQ(complaint_about(profile), "linux.seccomp.architectures[1]: unknown architecture \"SCMP_ARCH_VAX\"");
    profile = engine_profile();
    profile.flags = { "SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_FAST" };
    EXPECT_EQ(complaint_about(profile), "linux.seccomp.flags[1]: unknown flag \"SECCOMP_FILTER_FLAG_FAST\"");
    profile.flags = { "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV" };
    EXPECT_EQ(complaint_about(profile).substr(0, 23), "linux.seccomp.flags[0]:");
    profile = engine_profile();
    profile.syscalls[3].args[0].op = "SCMP_CMP_ALMOST";
    EXPECT_EQ(complaint_about(profile), "linux.seccomp.syscalls[3].args[0].op: unknown operator \"SCMP_CMP_ALMOST\"");
    profile = engine_profile();
    profile.syscalls[3].args[0].index = 6;
    EXPECT_EQ(complaint_about(profile), "linux.seccomp.syscalls[3].args[0].index: 6 is too large: a system call has 6 arguments");
    profile = engine_profile();
    profile.syscalls[1].errno_ret = 5;
    EXPECT_EQ(complaint_about(profile), "linux.seccomp.syscalls[1].errnoRet: SCMP_ACT_ALLOW takes no errno");
    profile = engine_profile();
    profile.syscalls[1].action = "SCMP_ACT_ERRNO";
    profile.syscalls[1].errno_ret = 5000;
    EXPECT_EQ(complaint_about(profile), "linux.seccomp.syscalls[1].errnoRet: 5000 is too large (at most 4095)");
    profile = engine_profile();
    profile.syscalls[2].names.clear();
    EXPECT_EQ(complaint_about(profile), "linux.seccomp.syscalls[2].names: is empty");
    profile = engine_profile();
    profile.syscalls[2].names = { "read", "" };
    EXPECT_EQ(complaint_about(profile), "linux.seccomp.syscalls[2].names[1]: is empty");
    profile = engine_profile();
    profile.syscalls[2] = entry({ "write" }, "SCMP_ACT_NOTIFY");
    EXPECT_EQ(complaint_about(profile).substr(0, 36), "linux.seccomp.syscalls[2].names[0]: ");
    profile = engine_profile();
    profile.listener_metadata = "words";
    EXPECT_EQ(complaint_about(profile), "linux.seccomp.listenerMetadata: is set without listenerPath");
}

// In a child: 0 when the kernel takes the filter and then denies mount(2) and answers number 1000 as the evaluator says.
int try_in_kernel(Program const& program)
{
    sock_fprog filter { .len = static_cast<unsigned short>(program.instructions.size()),
        .filter = const_cast<sock_filter*>(program.instructions.data()) };
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, program.flags, &filter) != 0)
        return 1;
    if (::syscall(SYS_mount, nullptr, nullptr, nullptr, 0, nullptr) != -1 || errno != EPERM)
        return 2;
    return ::syscall(1000) == -1 && errno == ENOSYS ? 0 : 3;
}

TEST(Compile, the_kernel_takes_the_filter_and_agrees)
{
    auto program = compiled(engine_profile());
    pid_t child = ::fork();
    if (child == 0)
        ::_exit(try_in_kernel(program));
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0) << "step " << WEXITSTATUS(status);
}

TEST(Compile, a_profile_too_large_for_the_kernel_is_refused)
{
    oci::Seccomp profile;
    profile.default_action = "SCMP_ACT_ALLOW";
    for (std::uint64_t value = 0; value < 2000; ++value)
        profile.syscalls.push_back(entry({ "ioctl" }, "SCMP_ACT_ERRNO", { { .index = 0, .value = value * 3 + (value << 33), .op = "SCMP_CMP_EQ" } }));
    EXPECT_NE(complaint_about(profile).find("the kernel takes at most 4096"), std::string::npos) << complaint_about(profile);
}

TEST(Words, the_kernel_is_asked_which_flags_it_knows)
{
    EXPECT_TRUE(kernel_knows_flags(SECCOMP_FILTER_FLAG_LOG));
    EXPECT_FALSE(kernel_knows_flags(1U << 30));
    EXPECT_EQ(known_flags().size(), 4U);
    EXPECT_LE(supported_flags().size(), known_flags().size());
    EXPECT_FALSE(supported_flags().empty());
}

} // namespace
} // namespace bulkhead::seccomp
