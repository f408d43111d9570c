#include "host/trial.h"

#include "host/channel.h"
#include "host/process.h"

#include <csignal>
#include <cstring>

#include <linux/sched.h>
#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace bulkhead::host {

namespace {

constexpr char message_go = 'G';
constexpr char message_end = 'E';

[[noreturn]] void run_trial(Channel& channel, bool waits_for_maps, std::function<TrialEnd()> const& trial)
{
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (waits_for_maps) {
        auto message = channel.receive();
        if (message.is_error() || message.value().kind != message_go)
            ::_exit(1);
    }
    auto end = trial();
    auto code = static_cast<std::uint16_t>(end.code);
    std::string text(reinterpret_cast<char const*>(&code), sizeof code);
    text += std::string_view(end.text).substr(0, 4096);
    (void)channel.send(message_end, text);
    ::_exit(0);
}

TrialEnd hear_end(Channel const& channel, int milliseconds)
{
    pollfd wanted { .fd = channel.view().fd(), .events = POLLIN, .revents = 0 };
    int ready = 0;
    do
        ready = ::poll(&wanted, 1, milliseconds);
    while (ready < 0 && errno == EINTR);
    if (ready == 0)
        return TrialEnd::failure("wait for the trial", Errno::timedout);
    auto message = channel.receive();
    if (message.is_error())
        return TrialEnd::failure("hear from the trial", message.error());
    auto const& text = message.value().text;
    std::uint16_t code = 0;
    if (message.value().kind != message_end || text.size() < sizeof code)
        return TrialEnd::failure("the process of the trial died", Errno::io);
    std::memcpy(&code, text.data(), sizeof code);
    return { .code = static_cast<Errno>(code), .text = text.substr(sizeof code) };
}

} // namespace

TrialEnd try_in_child(TrialRequest const& request, std::function<TrialEnd()> const& trial)
{
    auto channels = Channel::make_pair();
    if (channels.is_error())
        return TrialEnd::failure("make a socket pair", channels.error());
    auto& [ours, theirs] = channels.value();
    bool has_maps = (request.namespaces & CLONE_NEWUSER) != 0 && !request.id_maps.uids.empty();
    auto child = clone_process({ .flags = request.namespaces });
    if (child.is_error())
        return TrialEnd::failure("clone3", child.error());
    if (child.value().pid == 0) {
        ours.close();
        run_trial(theirs, has_maps, trial);
    }
    theirs.close();
    TrialEnd end;
    if (has_maps) {
        auto written = write_id_maps(child.value().pid, request.id_maps);
        if (written.is_error())
            end = TrialEnd::failure(written.error().message, written.error().code == Errno::none ? Errno::perm : written.error().code);
        else
            (void)ours.send(message_go);
    }
    if (end.worked())
        end = hear_end(ours, request.milliseconds);
    (void)signal_pidfd(child.value().pidfd, SIGKILL); // what is done is done; what hangs must not stay
    (void)wait_for_exit(child.value().pid);
    return end;
}

} // namespace bulkhead::host
