// What the specification calls the state of a container (runtime.md), and the record that we keep in the state folder.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bulkhead::oci {

enum class Status { creating, created, running, paused, stopped };
std::string_view status_name(Status);

// The JSON that `state` prints, that hooks read on standard input, and that a seccomp agent is sent.
struct State {
    std::string oci_version = "1.3.0";
    std::string id;
    Status status = Status::creating;
    std::int64_t pid = 0; // 0: left out
    std::string bundle;
    std::map<std::string, std::string> annotations;
};

// INDENT as JsonWriter's. Extra members that runc prints (rootfs, created, owner) come from the caller.
std::string state_json(State const&, int indent);

} // namespace bulkhead::oci
