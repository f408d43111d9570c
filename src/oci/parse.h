// What the parsers of the parts of config.json share; callers outside the folder use config.h.
#pragma once

#include "base/json.h"
#include "oci/config.h"
#include "oci/words.h"

namespace bulkhead::oci {

Result<Process> parse_process_object(JsonObject const&);
Result<Resources> parse_resources_object(JsonObject const&);
Result<LinuxSection> parse_linux_section(JsonObject const&);
Result<Seccomp> parse_seccomp(JsonObject const&);
Result<Hooks> parse_hooks(JsonObject const&);
Result<IdMapping> parse_id_mapping(JsonObject const&);

// A member whose value is of a closed set of words. An empty word counts as absent.
Result<Unit> optional_word(JsonObject const&, std::string_view key, Words, std::string& into);
Result<Unit> required_word(JsonObject const&, std::string_view key, Words, std::string& into);
Result<Unit> optional_words(JsonObject const&, std::string_view key, Words, std::vector<std::string>& into);

} // namespace bulkhead::oci
