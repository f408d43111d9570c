// Small configurations for the tests of this folder: valid, with the text under test put in.
#pragma once

#include "oci/config.h"

#include <string>
#include <string_view>

namespace bulkhead::oci::test {

struct Extra {
    std::string_view top = {}; // members of the document, each with a comma before it
    std::string_view process = {}; // members of "process", likewise
    std::string_view linux_section = {};
    std::string_view namespaces = R"({"type":"pid"},{"type":"network"},{"type":"mount"},{"type":"ipc"},{"type":"uts"},{"type":"cgroup"})";
};

inline std::string config_text(Extra const& extra)
{
    std::string text = R"({"ociVersion":"1.0.2","root":{"path":"rootfs"},"process":{"cwd":"/","args":["sh"])";
    text += extra.process;
    text += R"(},"linux":{"namespaces":[)";
    text += extra.namespaces;
    text += "]";
    text += extra.linux_section;
    text += "}";
    text += extra.top;
    text += "}";
    return text;
}

// What parsing or validating has against it; "" when it is fine.
inline std::string complaint_about(std::string_view text)
{
    auto config = parse_config(text);
    if (config.is_error())
        return config.error().message;
    auto valid = validate_config(config.value());
    return valid.is_error() ? valid.error().message : "";
}

inline std::string complaint_about(Extra const& extra)
{
    return complaint_about(std::string_view(config_text(extra)));
}

} // namespace bulkhead::oci::test
