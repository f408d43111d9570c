// What the specification calls the state of a container (runtime.md), and the record that we keep in the state folder.
#pragma once

#include "base/json.h"
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
std::optional<Status> status_by_name(std::string_view);

// The JSON that `state` prints, that hooks read on standard input, and that a seccomp agent is sent.
struct State {
    std::string oci_version = "1.3.0";
    std::string id;
    Status status = Status::creating;
    std::int64_t pid = 0; // 0: left out
    std::string bundle;
    std::map<std::string, std::string> annotations;
};

// INDENT as JsonWriter's.
std::string state_json(State const&, int indent);
// The same members into an object that the caller has begun and goes on with: `state` and `list` add what runc prints
// beyond the specification (rootfs, created, owner).
void append_state_members(JsonWriter&, State const&);

} // namespace bulkhead::oci
