// One conversation with criu, started as a child in its service-worker mode ("criu swrk"): a request, the notifications
// that criu sends on the way, the answer. What criu can do on a host changes with its version and with the kernel:
// every error quotes criu itself.
#pragma once

#include "base/file.h"
#include "base/result.h"
#include "isolations/namespaces/checkpoint_wire.h"

#include <functional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace bulkhead::namespaces {

// criu_req_type
enum class CriuRequest : std::uint32_t { dump = 1, restore = 2, pre_dump = 4, notify = 6, feature_check = 9 };

struct CriuNotification {
    std::string script; // "setup-namespaces", "orphan-pts-master", "status-ready", "post-restore"...
    pid_t pid = 0;
    std::vector<File> files;
};

struct CriuCall {
    std::string program; // path; empty: "criu" out of PATH
    CriuRequest request = CriuRequest::dump;
    std::string log_path; // where the request makes criu write its log; quoted in errors
    // In the child, before criu starts: what it opens becomes criu's descriptors criu_first_passed, +1, +2...
    std::function<Result<std::vector<File>>()> prepare_child;
    // In the caller, once criu runs as this process: the options of the request (criu_opts). Descriptors in it are criu's own.
    std::function<Result<WireWriter>(pid_t criu)> options;
    std::function<Result<Unit>(CriuNotification&)> on_notification;
};

constexpr int criu_first_passed = 4; // after the standard ones and the socket

struct CriuAnswer {
    pid_t restored_pid = 0;
    bool tracks_memory = false; // answers of feature_check
    bool has_lazy_pages = false;
};

Result<CriuAnswer> call_criu(CriuCall const&);

// What criu's log says went wrong: the last few lines that complain, or nothing.
std::string complaints_in_log(std::string_view log);

} // namespace bulkhead::namespaces
