// The init stage: gives up privileges, waits for `start`, loads the seccomp filter, executes the user's program.
// It runs from a sealed memfd, so /proc/PID/exe of a container's processes never leads to the runtime's own file, and a
// created container that waits holds some tens of kilobytes instead of a copy of the runtime. No library: raw calls only.
#include "base/raw_calls.h"
#include "init_stage/plan.h"

#include <cstddef>
#include <cstdint>

#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/filter.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <asm-generic/siginfo.h>
#include <asm/signal.h>
#include <asm/unistd.h>
#include <linux/wait.h>

using namespace bulkhead::init_stage;
using namespace bulkhead::raw;

namespace {

alignas(16) unsigned char plan_bytes[max_plan_size];

// Socket calls with a peer that is gone must not raise SIGPIPE.
constexpr int msg_nosignal = 0x4000;

// A filter with a listener may ask about any call but write(2), which SCMP_ACT_NOTIFY cannot be set on.
enum class Filtered { no, yes };

void tell(int fd, char kind, Failure const& failure, Filtered filtered = Filtered::no)
{
    unsigned char message[1 + sizeof(Failure)];
    message[0] = static_cast<unsigned char>(kind);
    for (std::size_t index = 0; index < sizeof failure; ++index)
        message[1 + index] = reinterpret_cast<unsigned char const*>(&failure)[index];
    if (filtered == Filtered::yes)
        system_call(__NR_write, fd, address(message), sizeof message);
    else
        system_call(__NR_sendto, fd, address(message), sizeof message, msg_nosignal);
}

struct Stage {
    Plan const& plan;
    int report_fd;

    [[noreturn]] void fail(Step step, long result) const
    {
        tell(report_fd, message_failed, { step, static_cast<std::int32_t>(-result) });
        leave(1);
    }

    void need(Step step, long result) const
    {
        if (result < 0)
            fail(step, result);
    }

    template <typename T> T const* part(Part const& p) const { return p.length ? reinterpret_cast<T const*>(plan_bytes + p.offset) : nullptr; }

    void check_parts() const
    {
        Part const* parts[] = { &plan.groups, &plan.program, &plan.directory, &plan.label_file, &plan.label, &plan.filter };
        for (auto const* p : parts) {
            if (p->offset > plan.size || p->length > plan.size - p->offset)
                fail(Step::plan, -EINVAL);
        }
    }

    // The label takes effect at the next execve, which is the user's program.
    void set_label() const
    {
        if (!plan.label.length)
            return;
        auto fd = system_call(__NR_openat, plan.proc_fd, address(part<char>(plan.label_file)), O_WRONLY | O_CLOEXEC);
        need(Step::label, fd);
        need(Step::label, system_call(__NR_write, fd, address(part<char>(plan.label)), plan.label.length - 1));
        system_call(__NR_close, fd);
    }

    void set_capabilities(std::uint64_t effective, std::uint64_t permitted, std::uint64_t inheritable) const
    {
        __user_cap_header_struct header { _LINUX_CAPABILITY_VERSION_3, 0 };
        __user_cap_data_struct sets[2];
        for (unsigned word = 0; word < 2; ++word) {
            sets[word].effective = static_cast<std::uint32_t>(effective >> (32 * word));
            sets[word].permitted = static_cast<std::uint32_t>(permitted >> (32 * word));
            sets[word].inheritable = static_cast<std::uint32_t>(inheritable >> (32 * word));
        }
        need(Step::capabilities, system_call(__NR_capset, address(&header), address(sets)));
    }

    // What the runtime does not have itself it cannot give; that it is less was said in the log.
    static std::uint64_t own_capabilities()
    {
        __user_cap_header_struct header { _LINUX_CAPABILITY_VERSION_3, 0 };
        __user_cap_data_struct sets[2] {};
        system_call(__NR_capget, address(&header), address(sets));
        return sets[0].permitted | static_cast<std::uint64_t>(sets[1].permitted) << 32;
    }

    // Loading a filter without no_new_privs takes CAP_SYS_ADMIN (seccomp(2)); it is kept just until then.
    bool needs_admin_for_filter() const { return plan.filter.length && !(plan.flags & no_new_privs); }

    void drop_privileges() const
    {
        auto own = own_capabilities();
        for (unsigned capability = 0; (plan.flags & drop_bounding) && capability <= plan.last_capability; ++capability) {
            if (!(plan.bounding >> capability & 1))
                need(Step::capabilities, system_call(__NR_prctl, PR_CAPBSET_DROP, capability));
        }
        need(Step::ids, system_call(__NR_prctl, PR_SET_KEEPCAPS, 1));
        if (plan.flags & set_groups)
            need(Step::groups, system_call(__NR_setgroups, plan.groups.length / 4, address(part<std::uint32_t>(plan.groups))));
        need(Step::ids, system_call(__NR_setresgid, plan.gid, plan.gid, plan.gid));
        need(Step::ids, system_call(__NR_setresuid, plan.uid, plan.uid, plan.uid));
        need(Step::ids, system_call(__NR_prctl, PR_SET_KEEPCAPS, 0));
        auto extra = needs_admin_for_filter() ? std::uint64_t(1) << CAP_SYS_ADMIN : 0;
        set_capabilities((plan.effective | extra) & own, (plan.permitted | extra) & own, plan.inheritable & own);
        system_call(__NR_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL);
        for (unsigned capability = 0; plan.ambient && capability <= plan.last_capability; ++capability) {
            if ((plan.ambient & own) >> capability & 1)
                need(Step::capabilities, system_call(__NR_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability));
        }
        if (plan.umask != no_umask)
            system_call(__NR_umask, plan.umask);
        if (plan.directory.length)
            need(Step::directory, system_call(__NR_chdir, address(part<char>(plan.directory))));
    }

    void load_filter() const
    {
        if (plan.flags & no_new_privs)
            need(Step::seccomp, system_call(__NR_prctl, PR_SET_NO_NEW_PRIVS, 1));
        if (!plan.filter.length)
            return;
        sock_fprog program {};
        program.len = static_cast<unsigned short>(plan.filter.length / sizeof(sock_filter));
        program.filter = const_cast<sock_filter*>(part<sock_filter>(plan.filter));
        auto result = system_call(__NR_seccomp, SECCOMP_SET_MODE_FILTER, plan.seccomp_flags, address(&program));
        need(Step::seccomp, result);
        if (plan.flags & seccomp_listener) {
            // The runtime takes the descriptor out of this process (pidfd_getfd(2)) and answers when it has it.
            tell(plan.sync_fd, message_listener, { Step::seccomp, static_cast<std::int32_t>(result) }, Filtered::yes);
            char answer = 0;
            if (system_call(__NR_read, plan.sync_fd, address(&answer), 1) != 1 || answer != message_go)
                leave(1);
            system_call(__NR_close, result);
        }
    }

    void give_up_admin() const
    {
        auto own = own_capabilities();
        set_capabilities(plan.effective & own, plan.permitted & own, plan.inheritable & own);
    }

    void wait_at_gate()
    {
        tell(plan.sync_fd, message_ready, {});
        if (plan.gate == Gate::sync) {
            char answer = 0;
            if (system_call(__NR_recvfrom, plan.sync_fd, address(&answer), 1) != 1 || answer != message_go)
                leave(1); // the runtime died: the container is not to be
        } else if (plan.gate == Gate::listen) {
            long connection;
            do {
                connection = system_call(__NR_accept4, plan.gate_fd, 0, 0, O_CLOEXEC);
            } while (connection == -EINTR);
            need(Step::gate, connection);
            report_fd = static_cast<int>(connection);
        }
    }

    // Returns in a child, which goes on. Process 1 itself is a poor place for a program that does not expect it: signals it
    // has no handler for are dropped by the kernel (pid_namespaces(7)), so that Ctrl-C would not end it.
    void leave_an_init_behind() const
    {
        std::uint64_t const all = ~std::uint64_t(0);
        std::uint64_t before = 0;
        need(Step::execute, system_call(__NR_rt_sigprocmask, SIG_BLOCK, address(&all), address(&before), sizeof all));
        auto child = system_call(__NR_clone, SIGCHLD);
        need(Step::execute, child);
        if (child > 0)
            live_as_init(child);
        need(Step::execute, system_call(__NR_rt_sigprocmask, SIG_SETMASK, address(&before), 0, sizeof before));
    }

    // Reaps, hands signals on, and ends with the child, as it ended.
    [[noreturn]] static void live_as_init(long child)
    {
        // Whoever waits for the end of a stream, or of the report, must not wait for us.
        system_call(__NR_close_range, 0, ~0U, 0);
        std::uint64_t const all = ~std::uint64_t(0);
        for (;;) {
            siginfo_t got {};
            auto number = system_call(__NR_rt_sigtimedwait, address(&all), address(&got), 0, sizeof all);
            // The terminal's keys and sizes go to its whole foreground group, the child included.
            bool is_from_terminal = got.si_code == SI_KERNEL && number != SIGHUP;
            if (number > 0 && number != SIGCHLD && !is_from_terminal)
                system_call(__NR_kill, child, number);
            reap(child);
        }
    }

    static void reap(long child)
    {
        for (;;) {
            std::uint32_t status = 0;
            auto ended = system_call(__NR_wait4, -1, address(&status), WNOHANG);
            if (ended <= 0)
                return;
            auto by_signal = status & 0x7f;
            if (ended == child)
                leave(static_cast<int>(by_signal ? 128 + by_signal : status >> 8 & 0xff));
        }
    }

    [[noreturn]] void execute(char** arguments, char** environment)
    {
        set_label();
        drop_privileges();
        if (plan.flags & seccomp_listener)
            load_filter();
        if (plan.gate != Gate::none)
            wait_at_gate();
        // Also the working directory of the runtime and every socket used until here: nothing of the host stays open.
        need(Step::plan, system_call(__NR_close_range, plan.first_closed_fd, ~0U, CLOSE_RANGE_CLOEXEC));
        if (!(plan.flags & seccomp_listener))
            load_filter();
        if (needs_admin_for_filter())
            give_up_admin();
        if (plan.flags & own_init)
            leave_an_init_behind();
        fail(Step::execute, system_call(__NR_execve, address(part<char>(plan.program)), address(arguments), address(environment)));
    }
};

// The number behind the last colon of "bulkhead-init:7".
int descriptor_from(char const* name)
{
    int number = -1;
    for (; *name; ++name) {
        if (*name == ':')
            number = 0;
        else if (number >= 0 && *name >= '0' && *name <= '9' && number < 1000000)
            number = number * 10 + (*name - '0');
    }
    return number;
}

} // namespace

extern "C" [[noreturn]] void stage_main(long const* stack)
{
    auto count = stack[0];
    auto** arguments = reinterpret_cast<char**>(const_cast<long*>(stack) + 1);
    auto** environment = arguments + count + 1;
    system_call(__NR_prctl, PR_SET_DUMPABLE, 0);
    int fd = count > 1 ? descriptor_from(arguments[0]) : -1;
    std::size_t length = 0;
    while (fd >= 0 && length < sizeof plan_bytes) {
        auto got
            = system_call(__NR_pread64, fd, address(plan_bytes + length), static_cast<long>(sizeof plan_bytes - length), static_cast<long>(length));
        if (got <= 0)
            break;
        length += static_cast<std::size_t>(got);
    }
    system_call(__NR_close, fd);
    auto const& plan = *reinterpret_cast<Plan const*>(plan_bytes);
    if (length < sizeof(Plan) || plan.magic != plan_magic || plan.size != length)
        leave(1);
    Stage stage { plan, plan.sync_fd };
    stage.check_parts();
    stage.execute(arguments + 1, environment);
}

#if defined(__x86_64__)
__asm__(".global _start\n_start:\n xor %ebp, %ebp\n mov %rsp, %rdi\n and $-16, %rsp\n call stage_main\n hlt\n");
#elif defined(__aarch64__)
__asm__(".global _start\n_start:\n mov x29, #0\n mov x30, #0\n mov x0, sp\n bl stage_main\n");
#endif

// The compiler may still ask for these.
extern "C" void* memcpy(void* to, void const* from, std::size_t count)
{
    for (std::size_t index = 0; index < count; ++index)
        static_cast<unsigned char volatile*>(to)[index] = static_cast<unsigned char const*>(from)[index];
    return to;
}
extern "C" void* memset(void* to, int value, std::size_t count)
{
    for (std::size_t index = 0; index < count; ++index)
        static_cast<unsigned char volatile*>(to)[index] = static_cast<unsigned char>(value);
    return to;
}
