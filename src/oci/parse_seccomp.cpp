// "linux.seccomp" of config.json.
#include "oci/parse.h"

namespace bulkhead::oci {

namespace {

Result<SeccompArg> parse_seccomp_arg(JsonObject const& json)
{
    SeccompArg arg;
    TRY(json.required("index", arg.index));
    TRY(json.required("value", arg.value));
    TRY(json.optional("valueTwo", arg.value_two));
    TRY(required_word(json, "op", seccomp_operator_words(), arg.op));
    return arg;
}

Result<SeccompSyscall> parse_seccomp_syscall(JsonObject const& json)
{
    SeccompSyscall call;
    std::string name; // one name for each entry before 1.0.0-rc5
    std::string comment;
    TRY(json.optional("name", name));
    TRY(json.optional("comment", comment));
    if (name.empty())
        TRY(json.required("names", call.names));
    else
        call.names.push_back(name);
    TRY(required_word(json, "action", seccomp_action_words(), call.action));
    TRY(json.optional("errnoRet", call.errno_ret));
    TRY(json.optional_list("args", call.args, parse_seccomp_arg));
    return call;
}

} // namespace

Result<Seccomp> parse_seccomp(JsonObject const& json)
{
    Seccomp seccomp;
    TRY(required_word(json, "defaultAction", seccomp_action_words(), seccomp.default_action));
    TRY(json.optional("defaultErrnoRet", seccomp.default_errno_ret));
    TRY(optional_words(json, "architectures", seccomp_architecture_words(), seccomp.architectures));
    TRY(optional_words(json, "flags", seccomp_flag_words(), seccomp.flags));
    TRY(json.optional("listenerPath", seccomp.listener_path));
    TRY(json.optional("listenerMetadata", seccomp.listener_metadata));
    TRY(json.optional_list("syscalls", seccomp.syscalls, parse_seccomp_syscall));
    return seccomp;
}

} // namespace bulkhead::oci
