// The top of config.json: root, mounts, hooks, annotations, and the words that all parts share.
#include "oci/parse.h"
#include "oci/rules.h"

#include "base/log.h"
#include "base/text.h"

namespace bulkhead::oci {

namespace {

constexpr std::size_t most_unknown_members = 64;

// Semantic versioning 2.0.0 with the major version 1, as in "1.0.2-dev", "1.0.0-rc5" and "1.3.0+local".
bool is_known_version(std::string_view version)
{
    auto core = version.substr(0, version.find_first_of("-+"));
    auto parts = split(core, '.');
    if (parts.size() != 3 || parts[0] != "1")
        return false;
    for (auto part : parts) {
        if (!parse_number<std::uint32_t>(part))
            return false;
    }
    auto suffix = version.substr(core.size());
    if (suffix.size() == 1)
        return false;
    constexpr std::string_view allowed = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz.-+";
    return suffix.find_first_not_of(allowed) == std::string_view::npos;
}

Result<Unit> parse_version(JsonObject const& json, std::string& into)
{
    TRY(json.required("ociVersion", into));
    if (is_known_version(into))
        return ok();
    auto error = json.complaint("ociVersion", shown(into) + " is not a version 1.x.y of the runtime specification");
    error.hint = "write a semantic version such as \"1.0.2\"";
    return error;
}

Result<Root> parse_root(JsonObject const& json)
{
    Root root;
    TRY(json.required("path", root.path));
    TRY(json.optional("readonly", root.readonly));
    return root;
}

Result<Mount> parse_mount(JsonObject const& json)
{
    Mount mount;
    TRY(json.required("destination", mount.destination));
    TRY(json.optional("type", mount.type));
    TRY(json.optional("source", mount.source));
    TRY(json.optional("options", mount.options));
    TRY(json.optional_list("uidMappings", mount.uid_mappings, parse_id_mapping));
    TRY(json.optional_list("gidMappings", mount.gid_mappings, parse_id_mapping));
    if (!mount.destination.empty() && mount.destination.front() != '/') {
        log::warning("a mount destination is relative: taken from the root", { { "destination", mount.destination } });
        mount.destination.insert(0, "/");
    }
    return mount;
}

Result<Hook> parse_hook(JsonObject const& json)
{
    Hook hook;
    TRY(json.required("path", hook.path));
    TRY(json.optional("args", hook.args));
    TRY(json.optional("env", hook.env));
    TRY(json.optional("timeout", hook.timeout));
    return hook;
}

Result<Unit> check_word(JsonObject const& json, std::string_view key, Words words, std::string const& word)
{
    if (is_one_of(words, word))
        return ok();
    return json.complaint(key, one_of_text(words) + ", not " + shown(word));
}

// Sections of other platforms say nothing to this one (config.md, "Platform-specific configuration"); "platform" is a
// member of release candidates.
void skip_other_platforms(JsonObject const& json)
{
    for (auto const* section : { "windows", "solaris", "vm", "zos", "freebsd", "platform" })
        (void)json.has(section);
}

Result<Config> parse_config_object(JsonObject const& json)
{
    Config config;
    TRY(parse_version(json, config.oci_version));
    auto root = TRY(json.get("root"));
    auto root_object = TRY(root.as_object());
    config.root = TRY(parse_root(root_object));
    TRY(json.optional_list("mounts", config.mounts, parse_mount));
    TRY(json.optional_object("process", config.process, parse_process_object));
    TRY(json.optional("hostname", config.hostname));
    TRY(json.optional("domainname", config.domainname));
    TRY(json.optional_object("hooks", config.hooks, parse_hooks));
    TRY(json.optional("annotations", config.annotations));
    TRY(json.optional_object("linux", config.linux_section, parse_linux_section));
    skip_other_platforms(json);
    return config;
}

// linux.resources.oomScoreAdj stood there before 1.0.0-rc6.
Result<Unit> take_old_oom_score(JsonObject const& json, Config& config)
{
    auto linux_section = json.find("linux");
    if (!linux_section || !config.process || config.process->oom_score_adj)
        return ok();
    auto section = TRY(linux_section->as_object());
    auto resources = section.find("resources");
    if (!resources)
        return ok();
    auto object = TRY(resources->as_object());
    return object.optional("oomScoreAdj", config.process->oom_score_adj);
}

} // namespace

Result<Unit> optional_word(JsonObject const& json, std::string_view key, Words words, std::string& into)
{
    TRY(json.optional(key, into));
    if (into.empty())
        return ok();
    return check_word(json, key, words, into);
}

Result<Unit> required_word(JsonObject const& json, std::string_view key, Words words, std::string& into)
{
    TRY(json.required(key, into));
    return check_word(json, key, words, into);
}

Result<Unit> optional_words(JsonObject const& json, std::string_view key, Words words, std::vector<std::string>& into)
{
    TRY(json.optional(key, into));
    for (std::size_t index = 0; index < into.size(); ++index) {
        if (!is_one_of(words, into[index]))
            return json.find(key)->at(index).complaint(one_of_text(words) + ", not " + shown(into[index]));
    }
    return ok();
}

Result<IdMapping> parse_id_mapping(JsonObject const& json)
{
    IdMapping mapping;
    TRY(json.required("containerID", mapping.container_id));
    TRY(json.required("hostID", mapping.host_id));
    TRY(json.required("size", mapping.size));
    return mapping;
}

Result<Hooks> parse_hooks(JsonObject const& json)
{
    Hooks hooks;
    TRY(json.optional_list("prestart", hooks.prestart, parse_hook));
    TRY(json.optional_list("createRuntime", hooks.create_runtime, parse_hook));
    TRY(json.optional_list("createContainer", hooks.create_container, parse_hook));
    TRY(json.optional_list("startContainer", hooks.start_container, parse_hook));
    TRY(json.optional_list("poststart", hooks.poststart, parse_hook));
    TRY(json.optional_list("poststop", hooks.poststop, parse_hook));
    return hooks;
}

Namespace const* Config::find_namespace(NamespaceType type) const
{
    for (auto const& entry : linux_section.namespaces) {
        if (entry.type == type)
            return &entry;
    }
    return nullptr;
}

Result<Config> parse_config(std::string_view text)
{
    auto document = TRY(JsonDocument::parse(text, "config.json"));
    auto json = TRY(document.object());
    auto config = TRY(parse_config_object(json));
    TRY(take_old_oom_score(json, config));
    config.unknown_members = document.unread_members(most_unknown_members);
    return config;
}

Result<Process> parse_process(std::string_view text)
{
    auto document = TRY(JsonDocument::parse(text, "the process document"));
    auto json = TRY(document.object());
    return parse_process_object(json);
}

Result<Resources> parse_resources(std::string_view text)
{
    auto document = TRY(JsonDocument::parse(text, "the resources document"));
    auto json = TRY(document.object());
    return parse_resources_object(json);
}

} // namespace bulkhead::oci
