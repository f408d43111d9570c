// Rules for a process: what exec checks as well as create.
#include "oci/rules.h"

#include <limits>

namespace bulkhead::oci {

namespace {

constexpr std::size_t most_additional_gids = 65536; // NGROUPS_MAX
constexpr std::uint32_t no_id = std::numeric_limits<std::uint32_t>::max();

Result<Unit> validate_command(Process const& process, std::string_view place)
{
    auto args = member_place(place, "args");
    if (process.args.empty() && !process.command_line.empty())
        return complaint(args, "is empty: commandLine is for Windows", "write the program and its arguments as a list in args");
    if (process.args.empty())
        return complaint(args, "is empty", "name the program to run");
    if (process.args[0].empty())
        return complaint(args + "[0]", "is empty", "name the program to run");
    if (process.cwd.empty() || process.cwd[0] != '/')
        return complaint(member_place(place, "cwd"), shown(process.cwd) + " is not an absolute path");
    return ok();
}

Result<Unit> validate_environment(Process const& process, std::string_view place)
{
    for (std::size_t index = 0; index < process.env.size(); ++index) {
        auto equals = process.env[index].find('=');
        if (equals == std::string::npos)
            return complaint(element_place(member_place(place, "env"), index), shown(process.env[index]) + " has no \"=\"", "write NAME=VALUE");
        if (equals == 0)
            return complaint(element_place(member_place(place, "env"), index), shown(process.env[index]) + " has no name before \"=\"");
    }
    return ok();
}

Result<Unit> validate_terminal(Process const& process, std::string_view place)
{
    if (!process.terminal || !process.console_size) // without a terminal the size is ignored (config.md)
        return ok();
    constexpr std::uint32_t largest = std::numeric_limits<std::uint16_t>::max(); // of struct winsize
    if (process.console_size->height > largest)
        return complaint(member_place(place, "consoleSize.height"), std::to_string(process.console_size->height) + " is more than 65535");
    if (process.console_size->width > largest)
        return complaint(member_place(place, "consoleSize.width"), std::to_string(process.console_size->width) + " is more than 65535");
    return ok();
}

Result<Unit> validate_user(User const& user, std::string_view place)
{
    constexpr std::string_view reserved = "4294967295 means \"no id\" to the kernel";
    if (user.uid == no_id)
        return complaint(member_place(place, "user.uid"), reserved);
    if (user.gid == no_id)
        return complaint(member_place(place, "user.gid"), reserved);
    if (user.umask && *user.umask > 0777)
        return complaint(member_place(place, "user.umask"), std::to_string(*user.umask) + " is more than 511 (octal 777)");
    auto gids = member_place(place, "user.additionalGids");
    if (user.additional_gids.size() > most_additional_gids)
        return complaint(gids, "has more than 65536 groups, which is all the kernel takes");
    for (std::size_t index = 0; index < user.additional_gids.size(); ++index) {
        if (user.additional_gids[index] == no_id)
            return complaint(element_place(gids, index), reserved);
    }
    return ok();
}

Result<Unit> validate_rlimits(std::vector<Rlimit> const& limits, std::string_view place)
{
    for (std::size_t index = 0; index < limits.size(); ++index) {
        auto const& limit = limits[index];
        auto here = [&] { return element_place(member_place(place, "rlimits"), index); };
        if (!is_one_of(rlimit_words(), limit.type))
            return complaint(here() + ".type", one_of_text(rlimit_words()) + ", not " + shown(limit.type));
        if (limit.soft > limit.hard)
            return complaint(here(),
                "the soft limit of " + limit.type + " is above the hard limit: " + std::to_string(limit.soft) + " > " + std::to_string(limit.hard));
        for (std::size_t other = 0; other < index; ++other) {
            if (limits[other].type == limit.type)
                return complaint(here() + ".type", limit.type + " is given twice");
        }
    }
    return ok();
}

Result<Unit> validate_deadline(Scheduler const& scheduler, std::string_view place)
{
    bool const is_deadline = scheduler.policy == "SCHED_DEADLINE";
    if (!is_deadline && (scheduler.runtime != 0 || scheduler.deadline != 0 || scheduler.period != 0))
        return complaint(place, "runtime, deadline and period are for SCHED_DEADLINE only");
    if (!is_deadline)
        return ok();
    // sched(7): 1024 <= runtime <= deadline <= period; a period of 0 means the deadline.
    if (scheduler.runtime < 1024)
        return complaint(member_place(place, "runtime"), "must be at least 1024 nanoseconds");
    if (scheduler.runtime > scheduler.deadline)
        return complaint(member_place(place, "runtime"), "is longer than the deadline");
    if (scheduler.period != 0 && scheduler.deadline > scheduler.period)
        return complaint(member_place(place, "deadline"), "is longer than the period");
    return ok();
}

Result<Unit> validate_scheduler(Scheduler const& scheduler, std::string_view place)
{
    if (!is_one_of(scheduler_policy_words(), scheduler.policy))
        return complaint(member_place(place, "policy"), one_of_text(scheduler_policy_words()) + ", not " + shown(scheduler.policy));
    if (scheduler.nice < -20 || scheduler.nice > 19)
        return complaint(member_place(place, "nice"), std::to_string(scheduler.nice) + " is not between -20 and 19");
    bool const has_priority = scheduler.policy == "SCHED_FIFO" || scheduler.policy == "SCHED_RR";
    if (!has_priority && scheduler.priority != 0)
        return complaint(member_place(place, "priority"), "is for SCHED_FIFO and SCHED_RR only, not for " + scheduler.policy);
    if (has_priority && (scheduler.priority < 1 || scheduler.priority > 99))
        return complaint(
            member_place(place, "priority"), std::to_string(scheduler.priority) + " is not between 1 and 99, as " + scheduler.policy + " needs it");
    for (std::size_t index = 0; index < scheduler.flags.size(); ++index) {
        if (!is_one_of(scheduler_flag_words(), scheduler.flags[index]))
            return complaint(
                element_place(member_place(place, "flags"), index), one_of_text(scheduler_flag_words()) + ", not " + shown(scheduler.flags[index]));
    }
    return validate_deadline(scheduler, place);
}

Result<Unit> validate_io_priority(IoPriority const& priority, std::string_view place)
{
    if (!is_one_of(io_priority_words(), priority.io_class))
        return complaint(member_place(place, "class"), one_of_text(io_priority_words()) + ", not " + shown(priority.io_class));
    if (priority.priority < 0 || priority.priority > 7)
        return complaint(member_place(place, "priority"), std::to_string(priority.priority) + " is not between 0 and 7");
    return ok();
}

Result<Unit> validate_labels(Process const& process, std::string_view place)
{
    if (has_control_character(process.apparmor_profile))
        return complaint(member_place(place, "apparmorProfile"), shown(process.apparmor_profile) + " is not the name of a profile");
    if (!process.selinux_label.empty() && !is_selinux_label(process.selinux_label))
        return complaint(
            member_place(place, "selinuxLabel"), shown(process.selinux_label) + " is not a label", "write user:role:type or user:role:type:level");
    return ok();
}

Result<Unit> validate_affinity(ExecCpuAffinity const& affinity, std::string_view place)
{
    if (!affinity.initial.empty() && !numbers_of_list(affinity.initial, largest_cpu))
        return complaint(member_place(place, "initial"), shown(affinity.initial) + " is not a list of CPUs", "write a list such as \"0-3,7\"");
    if (!affinity.final_list.empty() && !numbers_of_list(affinity.final_list, largest_cpu))
        return complaint(member_place(place, "final"), shown(affinity.final_list) + " is not a list of CPUs", "write a list such as \"0-3,7\"");
    return ok();
}

} // namespace

Result<Unit> validate_process(Process const& process, std::string_view place)
{
    TRY(validate_command(process, place));
    TRY(validate_environment(process, place));
    TRY(validate_terminal(process, place));
    TRY(validate_user(process.user, place));
    TRY(validate_rlimits(process.rlimits, place));
    if (process.oom_score_adj && (*process.oom_score_adj < -1000 || *process.oom_score_adj > 1000))
        return complaint(member_place(place, "oomScoreAdj"), std::to_string(*process.oom_score_adj) + " is not between -1000 and 1000");
    if (process.scheduler)
        TRY(validate_scheduler(*process.scheduler, member_place(place, "scheduler")));
    if (process.io_priority)
        TRY(validate_io_priority(*process.io_priority, member_place(place, "ioPriority")));
    TRY(validate_labels(process, place));
    if (process.exec_cpu_affinity)
        TRY(validate_affinity(*process.exec_cpu_affinity, member_place(place, "execCPUAffinity")));
    return ok();
}

} // namespace bulkhead::oci
