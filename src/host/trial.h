// Finding out what this host can do by doing it: in a child process, in namespaces that vanish with it, with a time limit.
#pragma once

#include "host/user_namespace.h"

#include <cstdint>
#include <functional>
#include <string>

namespace bulkhead::host {

struct TrialEnd {
    Errno code = Errno::none; // none: it worked
    std::string text; // the step that failed, or what a trial that worked has to tell

    bool worked() const { return code == Errno::none; }
    // "mount proc: operation not permitted"
    std::string complaint() const { return text + ": " + errno_text(code); }
    static TrialEnd success(std::string text = {}) { return { .text = std::move(text) }; }
    static TrialEnd failure(std::string step, Errno code) { return { .code = code, .text = std::move(step) }; }
    static TrialEnd last(std::string step) { return failure(std::move(step), last_errno()); }
};

struct TrialRequest {
    std::uint64_t namespaces = 0; // CLONE_NEW...; made by clone3(2) itself
    IdMaps id_maps = {}; // with CLONE_NEWUSER; empty: no ids at all
    int milliseconds = 1000; // then the child is killed: Errno::timedout
};

// Runs TRIAL in a child. A child that dies is a failure, too.
TrialEnd try_in_child(TrialRequest const&, std::function<TrialEnd()> const& trial);

} // namespace bulkhead::host
