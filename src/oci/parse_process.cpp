// "process" of config.json, which is also the document of exec --process.
#include "oci/parse.h"

namespace bulkhead::oci {

namespace {

Result<ConsoleSize> parse_console_size(JsonObject const& json)
{
    ConsoleSize size;
    TRY(json.required("height", size.height));
    TRY(json.required("width", size.width));
    return size;
}

Result<User> parse_user(JsonObject const& json)
{
    User user;
    std::string username; // Windows only
    TRY(json.optional("uid", user.uid));
    TRY(json.optional("gid", user.gid));
    TRY(json.optional("umask", user.umask));
    TRY(json.optional("additionalGids", user.additional_gids));
    TRY(json.optional("username", username));
    return user;
}

// Release candidates before 1.0.0-rc5 had one list. It never meant inheritable: that let programs gain what they should
// not (CVE-2022-24769).
Result<Capabilities> parse_one_capability_list(JsonValue const& value)
{
    Capabilities sets;
    TRY(value.read(sets.bounding));
    sets.effective = sets.bounding;
    sets.permitted = sets.bounding;
    return sets;
}

Result<Capabilities> parse_capabilities(JsonValue const& value)
{
    if (value.is_array())
        return parse_one_capability_list(value);
    auto json = TRY(value.as_object());
    Capabilities sets;
    TRY(json.optional("effective", sets.effective));
    TRY(json.optional("bounding", sets.bounding));
    TRY(json.optional("inheritable", sets.inheritable));
    TRY(json.optional("permitted", sets.permitted));
    TRY(json.optional("ambient", sets.ambient));
    return sets;
}

Result<Rlimit> parse_rlimit(JsonObject const& json)
{
    Rlimit limit;
    TRY(required_word(json, "type", rlimit_words(), limit.type));
    TRY(json.required("soft", limit.soft));
    TRY(json.required("hard", limit.hard));
    return limit;
}

Result<Scheduler> parse_scheduler(JsonObject const& json)
{
    Scheduler scheduler;
    TRY(required_word(json, "policy", scheduler_policy_words(), scheduler.policy));
    TRY(json.optional("nice", scheduler.nice));
    TRY(json.optional("priority", scheduler.priority));
    TRY(optional_words(json, "flags", scheduler_flag_words(), scheduler.flags));
    TRY(json.optional("runtime", scheduler.runtime));
    TRY(json.optional("deadline", scheduler.deadline));
    TRY(json.optional("period", scheduler.period));
    return scheduler;
}

Result<IoPriority> parse_io_priority(JsonObject const& json)
{
    IoPriority priority;
    TRY(required_word(json, "class", io_priority_words(), priority.io_class));
    TRY(json.optional("priority", priority.priority));
    return priority;
}

Result<ExecCpuAffinity> parse_cpu_affinity(JsonObject const& json)
{
    ExecCpuAffinity affinity;
    TRY(json.optional("initial", affinity.initial));
    TRY(json.optional("final", affinity.final_list));
    return affinity;
}

Result<Unit> parse_privileges(JsonObject const& json, Process& process)
{
    if (auto value = json.find("capabilities"))
        process.capabilities = TRY(parse_capabilities(*value));
    TRY(json.optional_list("rlimits", process.rlimits, parse_rlimit));
    TRY(json.optional("noNewPrivileges", process.no_new_privileges));
    TRY(json.optional("apparmorProfile", process.apparmor_profile));
    TRY(json.optional("oomScoreAdj", process.oom_score_adj));
    TRY(json.optional("selinuxLabel", process.selinux_label));
    return ok();
}

} // namespace

Result<Process> parse_process_object(JsonObject const& json)
{
    Process process;
    TRY(json.optional("terminal", process.terminal));
    TRY(json.optional_object("consoleSize", process.console_size, parse_console_size));
    TRY(json.optional_object("user", process.user, parse_user));
    TRY(json.optional("args", process.args));
    TRY(json.optional("commandLine", process.command_line));
    TRY(json.optional("env", process.env));
    TRY(json.required("cwd", process.cwd));
    TRY(parse_privileges(json, process));
    TRY(json.optional_object("scheduler", process.scheduler, parse_scheduler));
    TRY(json.optional_object("ioPriority", process.io_priority, parse_io_priority));
    TRY(json.optional_object("execCPUAffinity", process.exec_cpu_affinity, parse_cpu_affinity));
    return process;
}

} // namespace bulkhead::oci
