#include "isolations/namespaces/process_setup.h"

#include "base/log.h"
#include "base/text.h"
#include "host/process.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include <linux/capability.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <sys/capability.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace bulkhead::namespaces {

int capability_number(std::string_view name)
{
    cap_value_t number = 0;
    std::string text(name);
    std::ranges::transform(text, text.begin(), [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); });
    if (::cap_from_name(text.c_str(), &number) < 0)
        return -1;
    return number;
}

namespace {

// Names the kernel or libcap does not know are dropped with a warning, as runc does: an engine newer than the kernel
// must still be able to start containers.
std::uint64_t capability_set(std::vector<std::string> const& names)
{
    std::uint64_t set = 0;
    for (auto const& name : names) {
        auto number = capability_number(name);
        if (number < 0 || static_cast<unsigned>(number) > host::last_capability())
            log::warning("this kernel does not know a capability; it is left out", { { "capability", name } });
        else
            set |= std::uint64_t(1) << number;
    }
    return set;
}

Result<Unit> prepare_listen_fds(ProcessSetup& setup)
{
    auto const* text = ::getenv("LISTEN_FDS");
    if (!text)
        return ok();
    auto count = parse_number<unsigned>(text);
    if (!count || *count > 1024)
        return invalid("the environment's LISTEN_FDS is not a number of descriptors: \"" + std::string(text) + "\"");
    if (*count == 0)
        return ok();
    setup.preserved += *count;
    setup.environment.push_back("LISTEN_FDS=" + std::string(text));
    setup.environment.emplace_back("LISTEN_PID=1");
    return ok();
}

} // namespace

Result<ProcessSetup> prepare_process(oci::Process const& process, ProcessFacts const& facts)
{
    ProcessSetup setup;
    setup.arguments = process.args;
    setup.environment = process.env;
    setup.preserved = facts.preserve_fds;
    TRY(prepare_listen_fds(setup));
    for (unsigned index = 0; index < setup.preserved; ++index) {
        if (::fcntl(static_cast<int>(3 + index), F_GETFD) < 0)
            return invalid("descriptor " + std::to_string(3 + index) + " is to be passed to the container, but is not open",
                "lower --preserve-fds or open the descriptors 3 and up");
    }

    auto& plan = setup.plan;
    plan.uid = process.user.uid;
    plan.gid = process.user.gid;
    plan.umask = process.user.umask.value_or(init_stage::no_umask);
    setup.parts.groups = process.user.additional_gids;
    if (!facts.setgroups_denied)
        plan.flags |= init_stage::set_groups;
    else if (!process.user.additional_gids.empty())
        return invalid("process.user.additionalGids: this user namespace does not allow additional groups",
            "map groups through newgidmap, or leave additionalGids out");

    static oci::Capabilities const none;
    auto const& capabilities = process.capabilities ? *process.capabilities : none;
    plan.last_capability = host::last_capability();
    plan.bounding = capability_set(capabilities.bounding);
    plan.effective = capability_set(capabilities.effective);
    plan.permitted = capability_set(capabilities.permitted);
    plan.inheritable = capability_set(capabilities.inheritable);
    plan.ambient = capability_set(capabilities.ambient);
    plan.flags |= init_stage::drop_bounding;
    if ((plan.effective & ~plan.permitted) != 0)
        return invalid("process.capabilities.effective: holds a capability that is not in permitted");
    if ((plan.ambient & ~(plan.permitted & plan.inheritable)) != 0) {
        // The kernel refuses these (capabilities(7)); engines do write them, so say it and go on without, as runc does.
        log::warning("ambient capabilities that are not both permitted and inheritable are left out");
        plan.ambient &= plan.permitted & plan.inheritable;
    }
    if (process.no_new_privileges)
        plan.flags |= init_stage::no_new_privs;

    if (facts.filter) {
        setup.parts.filter_bytes = std::string_view(
            reinterpret_cast<char const*>(facts.filter->instructions.data()), facts.filter->instructions.size() * sizeof(sock_filter));
        plan.seccomp_flags = facts.filter->flags;
        if (facts.filter->needs_listener)
            plan.flags |= init_stage::seccomp_listener;
    }
    if (!process.apparmor_profile.empty()) {
        setup.parts.label = "exec " + process.apparmor_profile;
        bool has_own_folder = ::access("/proc/self/attr/apparmor/exec", F_OK) == 0; // since Linux 5.8
        setup.parts.label_file = has_own_folder ? "thread-self/attr/apparmor/exec" : "thread-self/attr/exec";
        if (::access("/sys/kernel/security/apparmor", F_OK) != 0 && ::access("/sys/module/apparmor", F_OK) != 0)
            return Error { .code = Errno::notsup,
                .message = "process.apparmorProfile: AppArmor is not enabled on this host",
                .hint = "leave apparmorProfile out, or enable AppArmor in the kernel" };
    } else if (!process.selinux_label.empty()) {
        if (::access("/sys/fs/selinux/enforce", F_OK) != 0)
            return Error { .code = Errno::notsup,
                .message = "process.selinuxLabel: SELinux is not enabled on this host",
                .hint = "leave selinuxLabel out, or enable SELinux in the kernel" };
        setup.parts.label = process.selinux_label;
        setup.parts.label_file = "thread-self/attr/exec";
    }
    plan.proc_fd = -1;
    plan.first_closed_fd = 3 + setup.preserved;
    return setup;
}

namespace {

std::string_view environment_value(std::vector<std::string> const& environment, std::string_view name)
{
    std::string_view found;
    for (auto const& entry : environment) {
        if (entry.size() > name.size() && entry[name.size()] == '=' && std::string_view(entry).starts_with(name))
            found = std::string_view(entry).substr(name.size() + 1);
    }
    return found;
}

bool is_executable_file(std::string const& path)
{
    struct stat status { };
    return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & 0111);
}

// As execvp(3), but with the container's PATH, and with an error now rather than at start. The texts are those that
// engines turn into exit status 127 and 126.
Result<std::string> find_program(std::string const& name, std::vector<std::string> const& environment)
{
    if (name.find('/') != std::string::npos) {
        struct stat status { };
        if (::stat(name.c_str(), &status) < 0)
            return Error { .code = last_errno(),
                .message = "exec: \"" + name + "\": stat " + name + ": " + errno_text(last_errno()),
                .hint = "see that the program exists inside the container's root file system" };
        if (S_ISDIR(status.st_mode))
            return Error {
                .code = Errno::isdir, .message = "exec: \"" + name + "\": permission denied: it is a directory", .hint = "name a program"
            };
        if (!(status.st_mode & 0111))
            return Error {
                .code = Errno::access, .message = "exec: \"" + name + "\": permission denied", .hint = "make the file executable (chmod +x)"
            };
        return name;
    }
    auto path = environment_value(environment, "PATH");
    if (path.empty())
        path = "/bin:/usr/bin"; // execvp(3)
    for (auto folder : split(path, ':')) {
        auto candidate = (folder.empty() ? std::string(".") : std::string(folder)) + "/" + name;
        if (is_executable_file(candidate))
            return candidate;
    }
    return Error { .code = Errno::noent,
        .message = "exec: \"" + name + "\": executable file not found in $PATH",
        .hint = "install the program in the image, or give its full path" };
}

// HOME of the user by the container's own /etc/passwd, as login programs expect; "/" where it does not say.
std::string home_of(std::uint32_t uid)
{
    auto file = open_at(FileView::current_directory(), "/etc/passwd", O_RDONLY | O_NONBLOCK | O_NOCTTY);
    struct stat status { };
    if (file.is_error() || ::fstat(file.value().fd(), &status) < 0 || !S_ISREG(status.st_mode))
        return "/";
    auto text = read_all(file.value(), 1024 * 1024);
    if (text.is_error())
        return "/";
    for (auto line : split(text.value(), '\n')) {
        auto fields = split(line, ':');
        if (fields.size() >= 6 && parse_number<std::uint32_t>(fields[2]) == uid && !fields[5].empty())
            return std::string(fields[5]);
    }
    return "/";
}

// The working directory is checked to be inside the new root: a descriptor of a host directory as working directory is
// how CVE-2024-21626 got out.
Result<Unit> enter_directory(ProcessSetup& setup, std::string const& directory)
{
    if (::chdir(directory.c_str()) < 0) {
        if (errno != EACCES)
            return Error::last("process.cwd: enter \"" + directory + "\"");
        setup.parts.directory = directory; // perhaps the user may where root may not (NFS, FUSE): the stage tries again
        return ok();
    }
    std::array<char, PATH_MAX + 1> where {};
    // The system call says "(unreachable)" where glibc's getcwd(3) would search for the name.
    auto length = ::syscall(SYS_getcwd, where.data(), where.size());
    if (length <= 0 || where[0] != '/')
        return Error { .code = Errno::perm,
            .message = "process.cwd: \"" + directory + "\" is outside the container's root file system",
            .hint = "name a directory of the container" };
    return ok();
}

} // namespace

namespace {

// "0-3,7" as a bit set of at most LIMIT bits.
std::optional<std::vector<bool>> parse_list(std::string const& list, unsigned limit)
{
    std::vector<bool> bits(limit);
    for (auto part : split(list, ',')) {
        auto ends = split(trim(part), '-');
        auto first = parse_number<unsigned>(ends[0]);
        auto last = ends.size() > 1 ? parse_number<unsigned>(ends[1]) : first;
        if (!first || !last || ends.size() > 2 || *last < *first || *last >= limit)
            return std::nullopt;
        for (unsigned bit = *first; bit <= *last; ++bit)
            bits[bit] = true;
    }
    return bits;
}

} // namespace

Result<Unit> set_cpu_affinity(std::string const& list, std::string_view place)
{
    if (list.empty())
        return ok();
    cpu_set_t set;
    CPU_ZERO(&set);
    auto bits = parse_list(list, CPU_SETSIZE);
    if (!bits)
        return invalid(std::string(place) + ": \"" + list + "\" is not a list of CPUs such as \"0-3,7\"");
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
        if ((*bits)[cpu])
            CPU_SET(cpu, &set);
    }
    if (::sched_setaffinity(0, sizeof set, &set) < 0)
        return Error::last(std::string(place) + ": run on CPUs \"" + list + "\"");
    return ok();
}

namespace {

struct RlimitName {
    std::string_view name;
    int number;
};
constexpr std::array<RlimitName, 16> rlimit_names { {
    { "RLIMIT_AS", RLIMIT_AS },
    { "RLIMIT_CORE", RLIMIT_CORE },
    { "RLIMIT_CPU", RLIMIT_CPU },
    { "RLIMIT_DATA", RLIMIT_DATA },
    { "RLIMIT_FSIZE", RLIMIT_FSIZE },
    { "RLIMIT_LOCKS", RLIMIT_LOCKS },
    { "RLIMIT_MEMLOCK", RLIMIT_MEMLOCK },
    { "RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE },
    { "RLIMIT_NICE", RLIMIT_NICE },
    { "RLIMIT_NOFILE", RLIMIT_NOFILE },
    { "RLIMIT_NPROC", RLIMIT_NPROC },
    { "RLIMIT_RSS", RLIMIT_RSS },
    { "RLIMIT_RTPRIO", RLIMIT_RTPRIO },
    { "RLIMIT_RTTIME", RLIMIT_RTTIME },
    { "RLIMIT_SIGPENDING", RLIMIT_SIGPENDING },
    { "RLIMIT_STACK", RLIMIT_STACK },
} };

struct WantedLimit {
    std::string place; // for messages
    int number;
    rlimit64 limit;
};

Result<std::vector<WantedLimit>> wanted_limits(oci::Process const& process)
{
    std::vector<WantedLimit> wanted;
    for (std::size_t index = 0; index < process.rlimits.size(); ++index) {
        auto const& one = process.rlimits[index];
        auto place = "process.rlimits[" + std::to_string(index) + "] (" + one.type + ")";
        auto found = std::ranges::find(rlimit_names, one.type, &RlimitName::name);
        if (found == rlimit_names.end())
            return invalid(place + ": no such resource limit");
        wanted.push_back({ .place = std::move(place), .number = found->number, .limit = { .rlim_cur = one.soft, .rlim_max = one.hard } });
    }
    return wanted;
}

Error limit_error(WantedLimit const& wanted, Errno code, std::uint64_t own_hard)
{
    return Error { .code = code,
        .message
        = wanted.place + ": set " + std::to_string(wanted.limit.rlim_cur) + ":" + std::to_string(wanted.limit.rlim_max) + ": " + errno_text(code),
        .hint = code == Errno::perm ? "the runtime's own hard limit is " + std::to_string(own_hard)
                + " and raising it takes CAP_SYS_RESOURCE, which this runtime does not have: ask for at most that"
                                    : "" };
}

// The process's own limits, which anybody may lower; the runtime made room before.
Result<Unit> set_rlimits(oci::Process const& process)
{
    auto limits = TRY(wanted_limits(process));
    for (auto const& wanted : limits) {
        if (::syscall(SYS_prlimit64, 0, wanted.number, &wanted.limit, nullptr) < 0)
            return limit_error(wanted, last_errno(), 0);
    }
    return ok();
}

} // namespace

Result<Unit> make_room_for_limits(oci::Process const& process, bool is_rootless)
{
    auto limits = TRY(wanted_limits(process));
    for (auto const& wanted : limits) {
        rlimit64 now {};
        if (::syscall(SYS_prlimit64, 0, wanted.number, nullptr, &now) < 0)
            return Error::last(wanted.place + ": read the limit");
        if (wanted.limit.rlim_max <= now.rlim_max)
            continue;
        rlimit64 raised { .rlim_cur = now.rlim_cur, .rlim_max = wanted.limit.rlim_max };
        if (::syscall(SYS_prlimit64, 0, wanted.number, &raised, nullptr) < 0)
            return limit_error(wanted, last_errno(), now.rlim_max);
    }
    if (is_rootless && process.oom_score_adj)
        (void)write_existing_at(FileView::current_directory(), "/proc/self/oom_score_adj", std::to_string(*process.oom_score_adj));
    return ok();
}

Result<Unit> settle_process(ProcessSetup& setup, oci::Process const& process)
{
    TRY(enter_directory(setup, process.cwd.empty() ? "/" : process.cwd));
    setup.parts.program = TRY(find_program(process.args[0], setup.environment));
    if (environment_value(setup.environment, "HOME").empty())
        setup.environment.push_back("HOME=" + home_of(process.user.uid));
    for (unsigned index = 0; index < setup.preserved; ++index)
        TRY(host::keep_on_exec(FileView(static_cast<int>(3 + index))).or_error("pass a descriptor on"));
    return set_rlimits(process);
}

namespace {

Result<Unit> set_oom_score(pid_t pid, oci::Process const& process, bool is_rootless)
{
    if (!process.oom_score_adj)
        return ok();
    auto path = "/proc/" + std::to_string(pid) + "/oom_score_adj";
    auto wanted = std::to_string(*process.oom_score_adj);
    auto written = write_existing_at(FileView::current_directory(), path.c_str(), wanted);
    if (written.is_ok())
        return ok();
    auto now = read_file_at(FileView::current_directory(), path, 64);
    if (now.is_ok() && trim(now.value()) == wanted)
        return ok();
    auto shown = now.is_ok() ? std::string(trim(now.value())) : std::string("unknown");
    if (is_rootless && written.error() == Errno::access) {
        // Engines without root ask for what they themselves have; the value only ever gets less favourable.
        log::warning("process.oomScoreAdj cannot be lowered without privileges", { { "wanted", wanted }, { "kept", shown } });
        return ok();
    }
    return Error { .code = written.error(),
        .message = "process.oomScoreAdj: set " + wanted + ": " + errno_text(written.error()),
        .hint = "it is " + shown + " now, and going lower takes CAP_SYS_RESOURCE" };
}

// As linux/sched/types.h has it; glibc 2.36 has no declaration.
struct SchedulerAttributes {
    std::uint32_t size;
    std::uint32_t policy;
    std::uint64_t flags;
    std::int32_t nice;
    std::uint32_t priority;
    std::uint64_t runtime;
    std::uint64_t deadline;
    std::uint64_t period;
};
static_assert(sizeof(SchedulerAttributes) == 48);

struct Word {
    std::string_view name;
    std::uint64_t number;
};
constexpr std::array<Word, 7> scheduler_policies { { { "SCHED_OTHER", 0 }, { "SCHED_FIFO", 1 }, { "SCHED_RR", 2 }, { "SCHED_BATCH", 3 },
    { "SCHED_ISO", 4 }, { "SCHED_IDLE", 5 }, { "SCHED_DEADLINE", 6 } } };
constexpr std::array<Word, 7> scheduler_flags { { { "SCHED_FLAG_RESET_ON_FORK", 1 }, { "SCHED_FLAG_RECLAIM", 2 }, { "SCHED_FLAG_DL_OVERRUN", 4 },
    { "SCHED_FLAG_KEEP_POLICY", 8 }, { "SCHED_FLAG_KEEP_PARAMS", 16 }, { "SCHED_FLAG_UTIL_CLAMP_MIN", 32 }, { "SCHED_FLAG_UTIL_CLAMP_MAX", 64 } } };
constexpr std::array<Word, 3> io_classes { { { "IOPRIO_CLASS_RT", 1 }, { "IOPRIO_CLASS_BE", 2 }, { "IOPRIO_CLASS_IDLE", 3 } } };

template <std::size_t N> Result<std::uint64_t> number_of(std::array<Word, N> const& words, std::string const& name, std::string_view place)
{
    auto found = std::ranges::find(words, name, &Word::name);
    if (found == words.end())
        return invalid(std::string(place) + ": unknown word \"" + name + "\"");
    return found->number;
}

Result<Unit> set_scheduler(pid_t pid, oci::Process const& process)
{
    if (!process.scheduler)
        return ok();
    auto const& wanted = *process.scheduler;
    SchedulerAttributes attributes {};
    attributes.size = sizeof attributes;
    auto policy = TRY(number_of(scheduler_policies, wanted.policy, "process.scheduler.policy"));
    attributes.policy = static_cast<std::uint32_t>(policy);
    for (auto const& flag : wanted.flags)
        attributes.flags |= TRY(number_of(scheduler_flags, flag, "process.scheduler.flags"));
    attributes.nice = wanted.nice;
    attributes.priority = static_cast<std::uint32_t>(wanted.priority);
    attributes.runtime = wanted.runtime;
    attributes.deadline = wanted.deadline;
    attributes.period = wanted.period;
    if (::syscall(SYS_sched_setattr, pid, &attributes, 0) < 0)
        return Error::last("process.scheduler: set " + wanted.policy);
    return ok();
}

// linux/ioprio.h is not C++ (a parameter is called "class"): ioprio_set(2) by its numbers.
constexpr unsigned io_class_shift = 13;
constexpr int io_priority_of_process = 1;

Result<Unit> set_io_priority(pid_t pid, oci::Process const& process)
{
    if (!process.io_priority)
        return ok();
    auto io_class = TRY(number_of(io_classes, process.io_priority->io_class, "process.ioPriority.class"));
    auto value = (io_class << io_class_shift) | static_cast<std::uint64_t>(process.io_priority->priority);
    if (::syscall(SYS_ioprio_set, io_priority_of_process, pid, value) < 0)
        return Error::last("process.ioPriority: set " + process.io_priority->io_class);
    return ok();
}

Result<Unit> set_personality(oci::Config const& config)
{
    if (!config.linux_section.personality)
        return ok();
    auto const& wanted = *config.linux_section.personality;
    if (!wanted.flags.empty())
        return invalid("linux.personality.flags: no flag is defined", "leave flags out");
    unsigned long domain = 0;
    if (wanted.domain == "LINUX32")
        domain = PER_LINUX32;
    else if (wanted.domain != "LINUX")
        return invalid("linux.personality.domain: \"" + wanted.domain + "\" is neither LINUX nor LINUX32");
    if (::personality(domain) < 0)
        return Error::last("linux.personality: set " + wanted.domain);
    return ok();
}

constexpr std::array<Word, 7> memory_modes { { { "MPOL_DEFAULT", MPOL_DEFAULT }, { "MPOL_PREFERRED", MPOL_PREFERRED }, { "MPOL_BIND", MPOL_BIND },
    { "MPOL_INTERLEAVE", MPOL_INTERLEAVE }, { "MPOL_LOCAL", MPOL_LOCAL }, { "MPOL_PREFERRED_MANY", 5 }, { "MPOL_WEIGHTED_INTERLEAVE", 6 } } };
constexpr std::array<Word, 3> memory_flags { { { "MPOL_F_STATIC_NODES", 1 << 15 }, { "MPOL_F_RELATIVE_NODES", 1 << 14 },
    { "MPOL_F_NUMA_BALANCING", 1 << 13 } } };

// set_mempolicy(2).
Result<Unit> set_memory_policy(oci::Config const& config)
{
    if (!config.linux_section.memory_policy)
        return ok();
    auto const& wanted = *config.linux_section.memory_policy;
    auto mode = TRY(number_of(memory_modes, wanted.mode, "linux.memoryPolicy.mode"));
    for (auto const& flag : wanted.flags)
        mode |= TRY(number_of(memory_flags, flag, "linux.memoryPolicy.flags"));
    constexpr unsigned most_nodes = 1024;
    std::array<unsigned long, most_nodes / (8 * sizeof(unsigned long))> mask {};
    if (!wanted.nodes.empty()) {
        auto bits = parse_list(wanted.nodes, most_nodes);
        if (!bits)
            return invalid("linux.memoryPolicy.nodes: \"" + wanted.nodes + "\" is not a list of nodes such as \"0-1,3\"");
        for (unsigned node = 0; node < most_nodes; ++node) {
            if ((*bits)[node])
                mask[node / (8 * sizeof(unsigned long))] |= 1UL << (node % (8 * sizeof(unsigned long)));
        }
    }
    // The kernel takes one more than the number of bits (set_mempolicy(2), notes).
    if (::syscall(SYS_set_mempolicy, mode, wanted.nodes.empty() ? nullptr : mask.data(), wanted.nodes.empty() ? 0 : most_nodes + 1) < 0)
        return Error::last("linux.memoryPolicy: set " + wanted.mode + " on nodes \"" + wanted.nodes + "\"");
    return ok();
}

} // namespace

Result<Unit> apply_linux_attributes(oci::Config const& config)
{
    TRY(set_personality(config));
    return set_memory_policy(config);
}

Result<Unit> set_process_attributes(pid_t pid, oci::Process const& process, bool is_rootless)
{
    TRY(set_oom_score(pid, process, is_rootless));
    TRY(set_scheduler(pid, process));
    return set_io_priority(pid, process);
}

Result<Unit> send_pidfd(FileView receiver, FileView pidfd, std::string_view how)
{
    return host::send_files(receiver, how, { pidfd }).or_error("--pidfd-socket: send the pidfd");
}

std::string encode_error(Error const& error)
{
    return std::to_string(static_cast<int>(error.code)) + "\n" + error.hint + "\n" + error.message;
}

Error decode_error(std::string_view text)
{
    Error error;
    auto first = text.find('\n');
    auto second = first == std::string_view::npos ? first : text.find('\n', first + 1);
    if (second == std::string_view::npos)
        return Error { .code = Errno::io, .message = "the launching process sent a broken error message" };
    error.code = static_cast<Errno>(parse_number<std::uint16_t>(text.substr(0, first)).value_or(0));
    error.hint = text.substr(first + 1, second - first - 1);
    error.message = text.substr(second + 1);
    return error;
}

Result<Unit> wait_for_go(host::Channel const& channel)
{
    auto message = TRY(channel.receive().or_error("wait for the runtime"));
    if (message.kind != init_stage::message_go)
        return Error { .code = Errno::pipe, .message = "the runtime is gone" };
    return ok();
}

Error stage_error(host::Message const& message, oci::Process const& process)
{
    init_stage::Failure failure {};
    if (message.text.size() != sizeof failure)
        return Error { .code = Errno::io, .message = "the init stage sent a broken message" };
    std::memcpy(&failure, message.text.data(), sizeof failure);
    auto code = static_cast<Errno>(failure.code);
    if (failure.step != init_stage::Step::execute)
        return Error::from_errno(code, init_stage::step_name(failure.step));
    Error error { .code = code, .message = "exec: \"" + process.args[0] + "\": " + errno_text(code) };
    if (code == Errno::noent)
        error.hint = "the file exists, so its interpreter (#! line or dynamic loader) may be missing in the image";
    else if (failure.code == ENOEXEC)
        error.hint = "the file is no program for this machine; a script needs a #! line";
    return error;
}

} // namespace bulkhead::namespaces
