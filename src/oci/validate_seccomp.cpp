// Rules for the seccomp section: what no filter can be made of. Whether a system call exists is for the filter's maker.
#include "oci/rules.h"

namespace bulkhead::oci {

namespace {

constexpr std::string_view place = "linux.seccomp";
constexpr std::uint32_t most_return_value = 0xffff; // SECCOMP_RET_DATA

Result<Unit> validate_listed(std::vector<std::string> const& list, std::string_view name, Words words)
{
    for (std::size_t index = 0; index < list.size(); ++index) {
        if (!is_one_of(words, list[index]))
            return complaint(element_place(member_place(place, name), index), one_of_text(words) + ", not " + shown(list[index]));
    }
    return ok();
}

Result<Unit> validate_args(std::vector<SeccompArg> const& args, std::string const& call_place)
{
    for (std::size_t index = 0; index < args.size(); ++index) {
        auto here = [&] { return element_place(call_place + ".args", index); };
        if (args[index].index > 5)
            return complaint(here() + ".index", std::to_string(args[index].index) + " is not between 0 and 5: a system call has six arguments");
        if (!is_one_of(seccomp_operator_words(), args[index].op))
            return complaint(here() + ".op", one_of_text(seccomp_operator_words()) + ", not " + shown(args[index].op));
    }
    return ok();
}

Result<Unit> validate_call(SeccompSyscall const& call, std::size_t index)
{
    auto here = [index] { return element_place(member_place(place, "syscalls"), index); };
    if (call.names.empty())
        return complaint(here() + ".names", "is empty", "name at least one system call");
    if (!is_one_of(seccomp_action_words(), call.action))
        return complaint(here() + ".action", one_of_text(seccomp_action_words()) + ", not " + shown(call.action));
    if (call.errno_ret && *call.errno_ret > most_return_value)
        return complaint(here() + ".errnoRet", std::to_string(*call.errno_ret) + " is more than 65535");
    for (std::size_t name = 0; name < call.names.size(); ++name) {
        if (call.names[name].empty())
            return complaint(element_place(here() + ".names", name), "is empty");
        // The runtime itself writes to its socket after the filter is in force.
        if (call.action == "SCMP_ACT_NOTIFY" && call.names[name] == "write")
            return complaint(
                element_place(here() + ".names", name), "write cannot be sent to a listener: the runtime needs it before the listener answers");
    }
    return call.args.empty() ? Result<Unit>(ok()) : validate_args(call.args, here());
}

bool uses_notify(Seccomp const& seccomp)
{
    for (auto const& call : seccomp.syscalls) {
        if (call.action == "SCMP_ACT_NOTIFY")
            return true;
    }
    return false;
}

} // namespace

Result<Unit> validate_seccomp(Seccomp const& seccomp)
{
    if (!is_one_of(seccomp_action_words(), seccomp.default_action))
        return complaint(member_place(place, "defaultAction"), one_of_text(seccomp_action_words()) + ", not " + shown(seccomp.default_action));
    if (seccomp.default_action == "SCMP_ACT_NOTIFY")
        return complaint(member_place(place, "defaultAction"), "SCMP_ACT_NOTIFY cannot be the default: the runtime could not finish its own work");
    if (seccomp.default_errno_ret && *seccomp.default_errno_ret > most_return_value)
        return complaint(member_place(place, "defaultErrnoRet"), std::to_string(*seccomp.default_errno_ret) + " is more than 65535");
    TRY(validate_listed(seccomp.architectures, "architectures", seccomp_architecture_words()));
    TRY(validate_listed(seccomp.flags, "flags", seccomp_flag_words()));
    for (std::size_t index = 0; index < seccomp.syscalls.size(); ++index)
        TRY(validate_call(seccomp.syscalls[index], index));
    if (uses_notify(seccomp) && seccomp.listener_path.empty())
        return complaint(member_place(place, "listenerPath"), "is missing, and SCMP_ACT_NOTIFY needs a listener");
    if (!seccomp.listener_metadata.empty() && seccomp.listener_path.empty())
        return complaint(member_place(place, "listenerMetadata"), "is given without listenerPath");
    return ok();
}

} // namespace bulkhead::oci
