// Rules for the top of config.json: root, mounts, names, hooks, annotations.
#include "oci/rules.h"

#include "base/json.h"

#include <algorithm>

namespace bulkhead::oci {

namespace {

bool has_option(Mount const& mount, std::string_view option)
{
    return std::find(mount.options.begin(), mount.options.end(), option) != mount.options.end();
}

bool asks_for_idmap(Mount const& mount)
{
    return std::any_of(mount.options.begin(), mount.options.end(), [](std::string_view option) {
        return option == "idmap" || option == "ridmap" || option.starts_with("idmap=") || option.starts_with("ridmap=");
    });
}

Result<Unit> validate_idmapped_mount(Config const& config, Mount const& mount, std::string const& place)
{
    bool const has_mappings = !mount.uid_mappings.empty() || !mount.gid_mappings.empty();
    if (!has_mappings && !asks_for_idmap(mount))
        return ok();
    if (!has_option(mount, "bind") && !has_option(mount, "rbind") && mount.type != "bind")
        return complaint(place, "only bind mounts can be idmapped", "add \"bind\" or \"rbind\" to the options");
    if (mount.source.empty() || mount.source[0] != '/')
        return complaint(place + ".source", shown(mount.source) + " is not an absolute path, as an idmapped mount needs it");
    bool const has_own_idmap = std::any_of(
        mount.options.begin(), mount.options.end(), [](std::string_view option) { return option.find("idmap=") != std::string_view::npos; });
    if (!has_mappings && !has_own_idmap && !config.find_namespace(NamespaceType::user))
        return complaint(
            place, "idmap without mappings takes those of the user namespace, and there is none", "add uidMappings and gidMappings to the mount");
    if (!mount.uid_mappings.empty() && mount.gid_mappings.empty())
        return complaint(place + ".gidMappings", "is missing beside uidMappings");
    if (mount.uid_mappings.empty() && !mount.gid_mappings.empty())
        return complaint(place + ".uidMappings", "is missing beside gidMappings");
    TRY(validate_id_mappings(mount.uid_mappings, place + ".uidMappings"));
    return validate_id_mappings(mount.gid_mappings, place + ".gidMappings");
}

Result<Unit> validate_mounts(Config const& config)
{
    for (std::size_t index = 0; index < config.mounts.size(); ++index) {
        auto const& mount = config.mounts[index];
        if (mount.destination.empty())
            return complaint(element_place("mounts", index) + ".destination", "is empty");
        TRY(validate_idmapped_mount(config, mount, element_place("mounts", index)));
    }
    return ok();
}

Result<Unit> validate_name(Config const& config, std::string_view member, std::string const& name)
{
    constexpr std::size_t longest = 64; // __NEW_UTS_LEN
    if (name.empty())
        return ok();
    if (!config.find_namespace(NamespaceType::uts))
        return complaint(member, "needs a uts namespace: without one it would rename the host", "add { \"type\": \"uts\" } to linux.namespaces");
    if (name.size() > longest)
        return complaint(member, shown(name) + " is longer than 64 bytes");
    return ok();
}

Result<Unit> validate_hook_list(std::vector<Hook> const& hooks, std::string_view name)
{
    for (std::size_t index = 0; index < hooks.size(); ++index) {
        auto place = [&] { return element_place(member_place("hooks", name), index); };
        if (hooks[index].path.empty() || hooks[index].path[0] != '/')
            return complaint(place() + ".path", shown(hooks[index].path) + " is not an absolute path");
        if (hooks[index].timeout && *hooks[index].timeout <= 0)
            return complaint(place() + ".timeout", std::to_string(*hooks[index].timeout) + " is not a positive number of seconds");
    }
    return ok();
}

Result<Unit> validate_hooks(Hooks const& hooks)
{
    TRY(validate_hook_list(hooks.prestart, "prestart"));
    TRY(validate_hook_list(hooks.create_runtime, "createRuntime"));
    TRY(validate_hook_list(hooks.create_container, "createContainer"));
    TRY(validate_hook_list(hooks.start_container, "startContainer"));
    TRY(validate_hook_list(hooks.poststart, "poststart"));
    return validate_hook_list(hooks.poststop, "poststop");
}

} // namespace

std::string shown(std::string_view text)
{
    constexpr std::size_t longest = 80;
    auto quoted_text = JsonWriter().value(text.substr(0, longest)).text();
    return text.size() > longest ? quoted_text + "..." : quoted_text;
}

bool has_control_character(std::string_view text)
{
    return std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

bool is_selinux_label(std::string_view text)
{
    if (has_control_character(text) || text.find(' ') != std::string_view::npos)
        return false;
    auto parts = split(text, ':');
    return parts.size() >= 3 && !parts[0].empty() && !parts[1].empty() && !parts[2].empty();
}

std::optional<std::vector<std::uint32_t>> numbers_of_list(std::string_view text, std::uint32_t largest)
{
    constexpr std::size_t longest = 65536; // more than a list of every other CPU takes
    if (text.size() > longest)
        return std::nullopt;
    std::vector<bool> is_named(std::size_t { largest } + 1);
    for (auto part : split(text, ',')) {
        part = trim(part);
        auto dash = part.find('-');
        auto first = parse_number<std::uint32_t>(trim(part.substr(0, dash)));
        auto last = dash == std::string_view::npos ? first : parse_number<std::uint32_t>(trim(part.substr(dash + 1)));
        if (!first || !last || *first > *last || *last > largest)
            return std::nullopt;
        std::fill(is_named.begin() + *first, is_named.begin() + *last + 1, true);
    }
    std::vector<std::uint32_t> numbers;
    for (std::uint32_t number = 0; number <= largest; ++number) {
        if (is_named[number])
            numbers.push_back(number);
    }
    return numbers;
}

Result<Unit> validate_config(Config const& config)
{
    if (config.root.path.empty())
        return complaint("root.path", "is empty", "name the folder of the container's root file system");
    if (!config.process)
        return complaint("process", "is missing", "say what the container runs");
    TRY(validate_process(*config.process, "process"));
    TRY(validate_mounts(config));
    TRY(validate_name(config, "hostname", config.hostname));
    TRY(validate_name(config, "domainname", config.domainname));
    TRY(validate_hooks(config.hooks));
    if (config.annotations.contains(""))
        return complaint("annotations", "has an entry without a name");
    return validate_linux_section(config);
}

} // namespace bulkhead::oci
