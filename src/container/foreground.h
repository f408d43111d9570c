// Staying with a process until it ends, as `run` and `exec` do without --detach: signals that we get are for it, its
// terminal is ours, its end is ours.
#pragma once

#include "base/file.h"
#include "base/result.h"
#include "container/console.h"
#include "container/socket_activation.h"

#include <memory>

#include <sys/types.h>

namespace bulkhead::container {

struct Followed {
    pid_t pid = 0;
    FileView pidfd = {}; // needed only where the process is not our child
    ConsoleRelay* relay = nullptr;
    NotifyProxy* notify = nullptr;
};

// At most one of these lives at a time. Made before the process is, so that no signal is lost: handlers, not a blocked
// mask, since a program that is executed later would inherit the mask.
class Foreground {
public:
    enum class Subreaper { no, yes };
    static Result<std::unique_ptr<Foreground>> prepare(Subreaper);
    ~Foreground();
    Foreground(Foreground const&) = delete;
    Foreground& operator=(Foreground const&) = delete;

    // The exit status as a shell counts it: the code, or 128 plus the signal.
    Result<int> follow(Followed const&);

private:
    explicit Foreground(File wake)
        : m_wake(std::move(wake))
    {
    }
    void forward_signals(Followed const&);
    std::optional<int> reap(pid_t);
    void handle_notify(Followed const&);

    File m_wake;
    bool m_is_ready_passed_on = false;
};

} // namespace bulkhead::container
