#include "oci/features.h"

#include "base/json.h"
#include "oci/words.h"

namespace bulkhead::oci {

namespace {

std::vector<std::string> texts(Words words)
{
    return { words.begin(), words.end() };
}

void append_list(JsonWriter& json, std::string_view name, std::vector<std::string> const& list)
{
    if (!list.empty())
        json.member(name, list);
}

void append_enabled(JsonWriter& json, std::string_view name, bool enabled)
{
    json.key(name).begin_object().member("enabled", enabled).end_object();
}

void append_cgroup(JsonWriter& json, FeatureFacts const& facts)
{
    json.key("cgroup").begin_object();
    json.member("v1", facts.cgroup_v1);
    json.member("v2", facts.cgroup_v2);
    json.member("systemd", facts.cgroup_systemd);
    json.member("systemdUser", facts.cgroup_systemd_user);
    json.member("rdma", facts.cgroup_rdma);
    json.end_object();
}

void append_seccomp(JsonWriter& json, FeatureFacts const& facts)
{
    json.key("seccomp").begin_object();
    json.member("enabled", !facts.seccomp_actions.empty());
    append_list(json, "actions", facts.seccomp_actions);
    append_list(json, "operators", facts.seccomp_operators);
    append_list(json, "archs", facts.seccomp_archs);
    append_list(json, "knownFlags", facts.seccomp_known_flags);
    append_list(json, "supportedFlags", facts.seccomp_supported_flags);
    json.end_object();
}

void append_intel_rdt(JsonWriter& json, FeatureFacts const& facts)
{
    json.key("intelRdt").begin_object();
    json.member("enabled", facts.intel_rdt);
    json.member("schemata", facts.intel_rdt);
    json.member("monitoring", facts.intel_rdt);
    json.end_object();
}

void append_memory_policy(JsonWriter& json)
{
    json.key("memoryPolicy").begin_object();
    json.member("modes", texts(memory_policy_mode_words()));
    json.member("flags", texts(memory_policy_flag_words()));
    json.end_object();
}

void append_linux(JsonWriter& json, FeatureFacts const& facts)
{
    json.key("linux").begin_object();
    append_list(json, "namespaces", facts.namespaces);
    append_list(json, "capabilities", facts.capabilities);
    append_cgroup(json, facts);
    append_seccomp(json, facts);
    append_enabled(json, "apparmor", facts.apparmor);
    append_enabled(json, "selinux", facts.selinux);
    append_intel_rdt(json, facts);
    append_memory_policy(json);
    json.key("mountExtensions").begin_object();
    append_enabled(json, "idmap", facts.idmapped_mounts);
    json.end_object();
    append_enabled(json, "netDevices", facts.net_devices);
    json.end_object();
}

} // namespace

FeatureFacts known_features()
{
    FeatureFacts facts;
    facts.namespaces = texts(namespace_words());
    facts.capabilities = texts(capability_words());
    facts.seccomp_actions = texts(seccomp_action_words());
    facts.seccomp_operators = texts(seccomp_operator_words());
    facts.seccomp_archs = texts(seccomp_architecture_words());
    facts.seccomp_known_flags = texts(seccomp_flag_words());
    return facts;
}

std::string features_json(FeatureFacts const& facts, int indent)
{
    JsonWriter json(indent);
    json.begin_object();
    json.member("ociVersionMin", "1.0.0");
    json.member("ociVersionMax", "1.3.0");
    json.member("hooks", texts(hook_words()));
    append_list(json, "mountOptions", facts.mount_options);
    append_linux(json, facts);
    if (!facts.annotations.empty()) {
        json.key("annotations").begin_object();
        for (auto const& [name, value] : facts.annotations)
            json.member(name, value);
        json.end_object();
    }
    append_list(json, "potentiallyUnsafeConfigAnnotations", facts.potentially_unsafe_annotations);
    json.end_object();
    return json.text();
}

} // namespace bulkhead::oci
