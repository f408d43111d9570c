// What a person asked `bulkhead do` for, and the config.json it stands for.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bulkhead::do_command {

enum class Network { none, host };

struct UserChoice {
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::vector<std::uint32_t> groups;
};

struct Request {
    std::vector<std::string> command;
    std::vector<std::string> environment; // "K=V", complete
    std::string working_directory;
    Network network = Network::none;
    std::vector<std::string> writable; // absolute host paths that exist, without symbolic links
    std::vector<std::string> readable; // the same, shown read-only over what hides them
    std::optional<std::int64_t> memory; // bytes
    UserChoice user;
    bool terminal = false;
    bool rootless = false; // in a user namespace whose only ids are 0
    std::string root; // the root that PrivateRoot made
    std::string id;
};

// The text of config.json.
std::string config_json(Request const&);

// "512m", "2G", "1073741824": bytes, k, m, g or t (powers of 1024).
Result<std::int64_t> parse_size(std::string_view text);

// What the program gets: a path, the terminal's kind and language of ours, and WISHES: "K=V", or "K" for our own value.
Result<std::vector<std::string>> make_environment(std::vector<std::string> const& wishes);

// NAME, UID, NAME:GROUP or UID:GID, by the host's /etc/passwd and /etc/group as texts.
Result<UserChoice> find_user(std::string_view wish, std::string_view passwd, std::string_view group);

} // namespace bulkhead::do_command
