#include "seccomp/rules.h"

#include "base/text.h"
#include "seccomp/words.h"

#include <algorithm>
#include <array>

#include <linux/seccomp.h>

namespace bulkhead::seccomp {

namespace {

// Far above what fits into a filter of 4096 instructions; keeps a hostile profile from occupying the compiler.
constexpr std::size_t max_rules = 8 * 1024;
constexpr std::uint32_t argument_count = 6;
constexpr std::uint32_t max_errno = 4095;

Error complaint(std::string const& place, std::string const& what, std::string hint = {})
{
    return invalid("linux.seccomp." + place + ": " + what, std::move(hint));
}

std::string one_of(std::vector<std::string> const& words)
{
    return "one of " + join(words, ", ");
}

std::uint32_t with_number(Action action, std::uint32_t number)
{
    switch (action) {
    case Action::kill_thread:
        return SCMP_ACT_KILL_THREAD;
    case Action::kill_process:
        return SCMP_ACT_KILL_PROCESS;
    case Action::trap:
        return SCMP_ACT_TRAP;
    case Action::error:
        return SCMP_ACT_ERRNO(number);
    case Action::trace:
        return SCMP_ACT_TRACE(number);
    case Action::allow:
        return SCMP_ACT_ALLOW;
    case Action::log:
        return SCMP_ACT_LOG;
    case Action::notify:
        return SCMP_ACT_NOTIFY;
    }
    return SCMP_ACT_KILL_PROCESS;
}

// WORD and its number as libseccomp's action; the places are those of the two members.
Result<std::uint32_t> read_action(
    std::string const& word, std::string const& place, std::optional<std::uint32_t> number, std::string const& number_place)
{
    auto action = action_by_word(word);
    if (!action)
        return complaint(place, "unknown action " + quoted(word), one_of(known_actions()));
    if (number && *action != Action::error && *action != Action::trace)
        return complaint(number_place, word + " takes no errno", "leave it out, or use SCMP_ACT_ERRNO or SCMP_ACT_TRACE");
    auto most = *action == Action::trace ? 0xffffU : max_errno;
    if (number && *number > most)
        return complaint(number_place, std::to_string(*number) + " is too large (at most " + std::to_string(most) + ")");
    return with_number(*action, number.value_or(EPERM));
}

Result<scmp_arg_cmp> read_condition(oci::SeccompArg const& argument, std::string const& place)
{
    if (argument.index >= argument_count)
        return complaint(place + ".index",
            std::to_string(argument.index) + " is too large: a system call has " + std::to_string(argument_count) + " arguments",
            "count them from 0");
    auto comparison = operator_by_word(argument.op);
    if (!comparison)
        return complaint(place + ".op", "unknown operator " + quoted(argument.op), one_of(known_operators()));
    return scmp_arg_cmp { .arg = argument.index, .op = *comparison, .datum_a = argument.value, .datum_b = argument.value_two };
}

// One list when all must hold. Conditions that share an argument become a list each (any may hold), as runc reads them.
Result<std::vector<std::vector<scmp_arg_cmp>>> read_conditions(std::vector<oci::SeccompArg> const& arguments, std::string const& place)
{
    std::vector<std::vector<scmp_arg_cmp>> lists(1);
    std::array<bool, argument_count> seen {};
    bool repeats = false;
    for (std::size_t index = 0; index < arguments.size(); ++index) {
        auto condition = TRY(read_condition(arguments[index], place + ".args[" + std::to_string(index) + "]"));
        repeats = repeats || seen[condition.arg];
        seen[condition.arg] = true;
        lists[0].push_back(condition);
    }
    if (!repeats)
        return lists;
    std::vector<std::vector<scmp_arg_cmp>> alternatives;
    for (auto const& condition : lists[0])
        alternatives.push_back({ condition });
    return alternatives;
}

Result<Unit> add_rules(RuleSet& set, oci::SeccompSyscall const& entry, std::string const& place)
{
    if (entry.names.empty())
        return complaint(place + ".names", "is empty", "name at least one system call");
    auto action = TRY(read_action(entry.action, place + ".action", entry.errno_ret, place + ".errnoRet"));
    auto lists = TRY(read_conditions(entry.args, place));
    for (std::size_t index = 0; index < entry.names.size(); ++index) {
        auto const& name = entry.names[index];
        auto name_place = [&] { return place + ".names[" + std::to_string(index) + "]"; };
        if (name.empty())
            return complaint(name_place(), "is empty", "name a system call");
        if (action == SCMP_ACT_NOTIFY && name == "write")
            return complaint(name_place(), "write cannot be notified of: it is needed to hand over the listener", "take \"write\" out of this entry");
        auto number = seccomp_syscall_resolve_name(name.c_str());
        if (number == __NR_SCMP_ERROR || action == set.default_action)
            continue; // a name of another kernel, or no news
        set.notifies = set.notifies || action == SCMP_ACT_NOTIFY;
        for (auto const& conditions : lists)
            set.rules.push_back({ .action = action, .number = number, .name = name, .conditions = conditions });
        if (set.rules.size() > max_rules)
            return complaint("syscalls", "makes more than " + std::to_string(max_rules) + " rules", "name fewer system calls or fewer arguments");
    }
    return ok();
}

Result<Unit> add_architectures(RuleSet& set, std::vector<std::string> const& words)
{
    set.architectures.push_back(seccomp_arch_native());
    for (std::size_t index = 0; index < words.size(); ++index) {
        auto place = "architectures[" + std::to_string(index) + "]";
        if (words[index] == "SCMP_ARCH_NATIVE")
            continue;
        auto token = architecture_by_word(words[index]);
        if (!token)
            return complaint(place, "unknown architecture " + quoted(words[index]), one_of(known_architectures()));
        if (std::find(set.architectures.begin(), set.architectures.end(), *token) == set.architectures.end())
            set.architectures.push_back(*token);
    }
    return ok();
}

// Linux: the kernel wants TSYNC_ESRCH when both a listener and TSYNC are asked for, and takes WAIT_KILLABLE_RECV only
// together with a listener.
Result<std::uint32_t> read_flags(std::vector<std::string> const& words, bool notifies)
{
    std::uint32_t flags = notifies ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0;
    if (words.empty()) {
        // Runtimes agree on this where the profile is silent: no slower execution for the sake of one process alone.
        auto quick = flags | SECCOMP_FILTER_FLAG_SPEC_ALLOW;
        return kernel_knows_flags(quick) ? quick : flags;
    }
    for (std::size_t index = 0; index < words.size(); ++index) {
        auto place = "flags[" + std::to_string(index) + "]";
        auto bit = flag_by_word(words[index]);
        if (!bit)
            return complaint(place, "unknown flag " + quoted(words[index]), one_of(known_flags()));
        if (*bit == SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV && !notifies)
            return complaint(
                place, words[index] + " works only with an SCMP_ACT_NOTIFY rule", "take the flag out, or add such a rule and listenerPath");
        flags |= *bit;
        if (notifies && *bit == SECCOMP_FILTER_FLAG_TSYNC)
            flags |= SECCOMP_FILTER_FLAG_TSYNC_ESRCH;
        if (!kernel_knows_flags(flags))
            return complaint(place, "this kernel does not know " + words[index], "take the flag out, or run a newer kernel");
    }
    return flags;
}

bool is_permissive(std::uint32_t action)
{
    return action == SCMP_ACT_ALLOW || action == SCMP_ACT_LOG || (action & 0xffff0000U) == SCMP_ACT_TRACE(0);
}

} // namespace

Result<RuleSet> make_rules(oci::Seccomp const& profile)
{
    RuleSet set;
    set.default_action = TRY(read_action(profile.default_action, "defaultAction", profile.default_errno_ret, "defaultErrnoRet"));
    if (set.default_action == SCMP_ACT_NOTIFY)
        return complaint("defaultAction", "SCMP_ACT_NOTIFY cannot be the default: write(2) is needed to hand over the listener",
            "name the system calls to notify of in linux.seccomp.syscalls");
    TRY(add_architectures(set, profile.architectures));
    for (std::size_t index = 0; index < profile.syscalls.size(); ++index)
        TRY(add_rules(set, profile.syscalls[index], "syscalls[" + std::to_string(index) + "]"));
    set.flags = TRY(read_flags(profile.flags, set.notifies));
    set.wants_enosys = !is_permissive(set.default_action) && set.default_action != SCMP_ACT_ERRNO(ENOSYS);
    return set;
}

} // namespace bulkhead::seccomp
