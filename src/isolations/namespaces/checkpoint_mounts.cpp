#include "isolations/namespaces/checkpoint_mounts.h"

#include "base/text.h"
#include "host/path_walk.h"

#include <algorithm>
#include <array>

namespace bulkhead::namespaces {

namespace {

constexpr std::string_view masked_name = "/dev/null";
constexpr std::array<std::string_view, 6> usual_devices = { "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty" };

// The kernel writes blank, tab, line end and backslash as \040 and so on.
std::string unescaped(std::string_view text)
{
    std::string plain;
    for (std::size_t at = 0; at < text.size(); ++at) {
        auto code = text[at] == '\\' && at + 3 < text.size() ? parse_number<unsigned>(text.substr(at + 1, 3), 8) : std::nullopt;
        plain += code ? static_cast<char>(*code) : text[at];
        at += code ? 3 : 0;
    }
    return plain;
}

bool contains(std::vector<std::string> const& texts, std::string_view wanted)
{
    return std::find(texts.begin(), texts.end(), wanted) != texts.end();
}

// What PLACE has beyond FOLDER: "" for itself, "/x" below it; nothing when it is elsewhere.
std::optional<std::string> below(std::string const& folder, std::string const& place)
{
    if (place == folder)
        return std::string();
    auto prefix = folder == "/" ? folder : folder + "/";
    if (!place.starts_with(prefix))
        return std::nullopt;
    return place.substr(prefix.size() - 1);
}

struct Owner {
    oci::Mount const* mount = nullptr;
    std::string rest;
};

// The mount of the config that PLACE is or lies in: the innermost, and of several at one place the last.
template <typename Resolve> Owner owner_of(oci::Config const& config, std::string const& place, Resolve resolve)
{
    Owner best;
    std::size_t longest = 0;
    for (auto const& mount : config.mounts) {
        auto destination = resolve(mount.destination);
        auto rest = below(destination, place);
        if (rest && destination.size() >= longest) {
            longest = destination.size();
            best = { .mount = &mount, .rest = *rest };
        }
    }
    return best;
}

bool is_device(oci::Config const& config, std::string const& place)
{
    if (std::find(usual_devices.begin(), usual_devices.end(), place) != usual_devices.end())
        return true;
    auto const& devices = config.linux_section.devices;
    return std::any_of(devices.begin(), devices.end(), [&](auto const& device) { return device.path == place; });
}

bool is_cgroup_type(std::string_view type)
{
    return type == "cgroup" || type == "cgroup2";
}

std::string last_part(std::string const& path)
{
    return path.substr(path.rfind('/') + 1);
}

} // namespace

bool is_bind(oci::Mount const& mount)
{
    return mount.type == "bind" || mount.type == "rbind" || contains(mount.options, "bind") || contains(mount.options, "rbind");
}

std::vector<MountLine> parse_mountinfo(std::string_view text)
{
    std::vector<MountLine> mounts;
    for (auto line : split(text, '\n')) {
        auto fields = split(line, ' ');
        auto dash = std::find(fields.begin(), fields.end(), "-");
        if (fields.size() < 6 || dash == fields.end() || dash + 1 == fields.end())
            continue;
        mounts.push_back({ .root = unescaped(fields[3]), .place = unescaped(fields[4]), .type = std::string(*(dash + 1)) });
    }
    return mounts;
}

std::vector<ExternalMount> external_mounts(oci::Config const& config, std::vector<MountLine> const& mounts, Resolver resolve)
{
    std::vector<ExternalMount> found;
    bool has_cgroup_namespace = config.find_namespace(oci::NamespaceType::cgroup) != nullptr;
    for (auto const& mount : mounts) {
        if (mount.place == "/")
            continue;
        auto owner = owner_of(config, mount.place, resolve);
        if (contains(config.linux_section.masked_paths, mount.place) && !(mount.type == "tmpfs" && mount.root == "/"))
            found.push_back({ .place = mount.place, .name = std::string(masked_name) });
        else if (owner.mount && is_bind(*owner.mount))
            found.push_back({ .place = mount.place, .name = owner.mount->destination + owner.rest });
        else if (owner.mount && is_cgroup_type(owner.mount->type) && is_cgroup_type(mount.type) && !has_cgroup_namespace)
            found.push_back({ .place = mount.place, .name = mount.place });
        else if (is_device(config, mount.place) && mount.type != "devpts")
            found.push_back({ .place = mount.place, .name = mount.place });
    }
    return found;
}

namespace {

std::string on_host(std::string const& source, HostPlaces const& places)
{
    return source.starts_with('/') ? source : places.bundle + "/" + source;
}

Result<std::string> source_of(oci::Config const& config, std::string const& name, HostPlaces const& places)
{
    // Image files are believed no further than their configuration goes.
    if (host::clean_path(name) != name)
        return invalid("the checkpoint names a mount " + quoted(name) + ", which is not a clean path");
    if (name == masked_name)
        return std::string(masked_name);
    auto owner = owner_of(config, name, [](std::string const& destination) { return host::clean_path(destination); });
    if (owner.mount && is_bind(*owner.mount))
        return on_host(owner.mount->source, places) + owner.rest;
    if (owner.mount && is_cgroup_type(owner.mount->type)) {
        auto folder = places.cgroup_folders.find(last_part(name));
        if (folder != places.cgroup_folders.end())
            return folder->second;
    }
    if (is_device(config, name))
        return name;
    return invalid("the checkpoint has a mount at " + quoted(name) + " that comes from outside, and config.json has none there",
        "restore with the bundle that was checkpointed");
}

} // namespace

Result<std::vector<ExternalMount>> external_sources(oci::Config const& config, std::vector<std::string> const& names, HostPlaces const& places)
{
    auto wanted = names;
    if (wanted.empty()) {
        for (auto const& mount : config.mounts) {
            if (is_bind(mount))
                wanted.push_back(host::clean_path(mount.destination));
        }
        if (!config.linux_section.masked_paths.empty())
            wanted.emplace_back(masked_name);
        for (auto const& device : config.linux_section.devices)
            wanted.push_back(device.path);
    }
    std::sort(wanted.begin(), wanted.end());
    wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
    std::vector<ExternalMount> sources;
    for (auto const& name : wanted) {
        auto source = TRY(source_of(config, name, places));
        sources.push_back({ .place = source, .name = name });
    }
    return sources;
}

} // namespace bulkhead::namespaces
