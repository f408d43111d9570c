// What the state folder remembers of a container: state.json. Written before anything of the container exists and again
// whenever there is more to find, so that a runtime killed at any moment leaves enough to clean up by.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace bulkhead::container {

struct Record {
    static constexpr std::int64_t current_version = 1;

    std::string id;
    std::string oci_version;
    std::string bundle;
    std::string rootfs;
    std::string config_path; // the copy of config.json in the state folder
    std::string created; // RFC 3339 with nanoseconds, UTC
    std::uint32_t owner = 0; // uid of who created it
    std::string isolation; // its name
    std::map<std::string, std::string> annotations;
    bool has_poststart_hooks = false; // else start need not read config.json again
    bool has_poststop_hooks = false; // the same for delete
    pid_t init_pid = 0; // 0: not known yet
    std::uint64_t init_start_time = 0; // with the pid it names one process for good
    std::string sandbox; // the isolation's own JSON object; empty: nothing was made yet
};

std::string record_json(Record const&);
// TEXT is not trusted: types, version, id and bounds are checked.
Result<Record> parse_record(std::string_view text);

// "2024-05-01T10:20:30.123456789Z"
std::string timestamp_now();

} // namespace bulkhead::container
