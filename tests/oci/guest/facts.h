// Everything a process can learn about itself and its surroundings, as JSON.
#pragma once

#include <nlohmann/json.hpp>

#include <string>

using Json = nlohmann::json;

namespace guest {

Json all_facts(int argc, char** argv);
// Type to inode number, e.g. {"pid": 4026531836}.
Json namespaces(std::string const& folder = "/proc/self/ns/");
Json environment();
Json arguments(int argc, char** argv);
std::string working_directory();
// Device and inode of a path: tells one root from another.
Json identity_of(char const* path);
std::string whole_file(std::string const& path);

} // namespace guest
