// Podman and containerd. The only file here that knows toml++.

#include "install/engine_config.h"

#include "base/text.h"

#include <algorithm>

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

namespace bulkhead::install {

namespace {

constexpr std::string_view block_begin = "# bulkhead install: begin\n";
constexpr std::string_view block_end = "# bulkhead install: end\n";

Result<toml::table> parse(std::string_view text, std::string_view what)
{
    auto parsed = toml::parse(text);
    if (!parsed)
        return invalid(
            std::string(what) + ", line " + std::to_string(parsed.error().source().begin.line) + ": " + std::string(parsed.error().description()),
            "mend the file first; nothing was changed");
    return std::move(parsed).table();
}

std::string toml_text(std::string_view text)
{
    std::string quoted_text = "\"";
    for (char letter : text) {
        if (letter == '"' || letter == '\\')
            quoted_text += '\\';
        quoted_text += letter;
    }
    return quoted_text + "\"";
}

// Where containerd's configuration of that version keeps the runtimes of Kubernetes.
std::string runtimes_table(std::int64_t version)
{
    auto plugin = version >= 3 ? "\"io.containerd.cri.v1.runtime\"" : version == 2 ? "\"io.containerd.grpc.v1.cri\"" : "cri";
    return "plugins." + std::string(plugin) + ".containerd.runtimes";
}

toml::table const* cri_containerd(toml::table const& config, std::int64_t version)
{
    auto plugin = version >= 3 ? "io.containerd.cri.v1.runtime" : version == 2 ? "io.containerd.grpc.v1.cri" : "cri";
    return config["plugins"][plugin]["containerd"].as_table();
}

// Runtimes of one node share the way control groups are made.
bool uses_systemd(toml::table const& config, std::int64_t version)
{
    auto const* section = cri_containerd(config, version);
    return section && (*section)["runtimes"]["runc"]["options"]["SystemdCgroup"].value_or(false);
}

} // namespace

Result<std::string> podman_drop_in(std::vector<RuntimeEntry> const& entries, std::vector<std::string> const& known)
{
    // What Podman has without any configuration.
    std::vector<std::string> speak_json { "crun", "runc", "kata", "runsc", "youki", "krun" };
    for (auto const& text : known) {
        auto config = TRY(parse(text, "containers.conf"));
        auto const* list = config["engine"]["runtime_supports_json"].as_array();
        if (!list)
            continue;
        speak_json.clear();
        for (auto const& element : *list)
            if (auto name = element.value<std::string>())
                speak_json.push_back(*name);
    }
    std::string text(own_file_mark);
    for (auto const& entry : entries)
        if (std::find(speak_json.begin(), speak_json.end(), entry.name) == speak_json.end())
            speak_json.push_back(entry.name);
    std::vector<std::string> written;
    for (auto const& name : speak_json)
        written.push_back(toml_text(name));
    text += "[engine]\nruntime_supports_json = [" + join(written, ", ") + "]\n\n[engine.runtimes]\n";
    for (auto const& entry : entries)
        text += toml_text(entry.name) + " = [" + toml_text(entry.path) + "]\n";
    TRY(parse(text, "the new file"));
    return text;
}

Result<std::string> containerd_without(std::string_view text)
{
    std::string rest(text);
    auto begin = rest.find(block_begin);
    if (begin == std::string::npos)
        return rest;
    auto end = rest.find(block_end, begin);
    if (end == std::string::npos)
        return invalid("config.toml: the block of bulkhead has no end", "remove the lines from \"# bulkhead install: begin\" on by hand");
    rest.erase(begin, end + block_end.size() - begin);
    // The empty line that stood before the block.
    if (begin > 1 && begin == rest.size() && rest.ends_with("\n\n"))
        rest.pop_back();
    TRY(parse(rest, "config.toml"));
    return rest;
}

Result<std::string> containerd_with(std::string_view text, std::vector<RuntimeEntry> const& entries)
{
    auto base = TRY(containerd_without(text));
    auto config = TRY(parse(base, "config.toml"));
    bool is_new = trim(base).empty();
    auto version = is_new ? 2 : config["version"].value_or(std::int64_t { 1 });
    auto const* section = cri_containerd(config, version);
    auto const* runtimes = section ? (*section)["runtimes"].as_table() : nullptr;
    for (auto const& entry : entries)
        if (runtimes && runtimes->contains(entry.name))
            return Error { .code = Errno::exist,
                .message = "config.toml has a runtime " + quoted(entry.name) + " already, which is not ours",
                .hint = "remove it, or leave it as it is" };
    std::string block(block_begin);
    if (is_new)
        block += "version = 2\n";
    for (auto const& entry : entries) {
        auto table = runtimes_table(version) + "." + entry.name;
        block += "[" + table + "]\nruntime_type = \"io.containerd.runc.v2\"\n";
        block += "[" + table + ".options]\nBinaryName = " + toml_text(entry.path) + "\n";
        if (uses_systemd(config, version))
            block += "SystemdCgroup = true\n";
    }
    block += block_end;
    if (!base.empty() && !base.ends_with('\n'))
        base += '\n';
    auto whole = base + (is_new ? "" : "\n") + block;
    TRY(parse(whole, "config.toml with the new runtimes"));
    return whole;
}

} // namespace bulkhead::install
