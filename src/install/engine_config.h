// How each engine's configuration names a runtime: text in, text out. Nothing else of the text is lost.
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace bulkhead::install {

struct RuntimeEntry {
    std::string name; // "bulkhead", "bulkhead-sentry"
    std::string path;
};

// /etc/docker/daemon.json: members of "runtimes". An empty TEXT is an empty object.
Result<std::string> docker_with(std::string_view text, std::vector<RuntimeEntry> const&);
Result<std::string> docker_without(std::string_view text, std::vector<std::string> const& names);

// A file of /etc/containers/containers.conf.d. KNOWN are the texts of the files read before it: a list in a later file
// replaces the earlier one, so what they have in runtime_supports_json is taken over.
Result<std::string> podman_drop_in(std::vector<RuntimeEntry> const&, std::vector<std::string> const& known);

// /etc/containerd/config.toml: a marked block at the end, since a file of "imports" would replace the whole section that
// holds the runtimes. An empty TEXT becomes a new configuration.
Result<std::string> containerd_with(std::string_view text, std::vector<RuntimeEntry> const&);
Result<std::string> containerd_without(std::string_view text);

// The first line of files that are ours alone.
inline constexpr std::string_view own_file_mark = "# Written by bulkhead install; removed by bulkhead uninstall.\n";

} // namespace bulkhead::install
