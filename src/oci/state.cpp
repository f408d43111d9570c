#include "oci/state.h"

#include <array>

namespace bulkhead::oci {

namespace {

constexpr std::array<std::string_view, 5> status_names { "creating", "created", "running", "paused", "stopped" };

} // namespace

std::string_view status_name(Status status)
{
    return status_names[static_cast<std::size_t>(status)];
}

std::optional<Status> status_by_name(std::string_view name)
{
    for (std::size_t index = 0; index < status_names.size(); ++index) {
        if (status_names[index] == name)
            return static_cast<Status>(index);
    }
    return std::nullopt;
}

void append_state_members(JsonWriter& json, State const& state)
{
    json.member("ociVersion", state.oci_version);
    json.member("id", state.id);
    json.member("status", status_name(state.status));
    if (state.pid != 0)
        json.member("pid", state.pid);
    json.member("bundle", state.bundle);
    if (!state.annotations.empty())
        json.member("annotations", state.annotations);
}

std::string state_json(State const& state, int indent)
{
    JsonWriter json(indent);
    json.begin_object();
    append_state_members(json, state);
    json.end_object();
    return json.text();
}

} // namespace bulkhead::oci
