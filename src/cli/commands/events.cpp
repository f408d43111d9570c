#include "base/text.h"
#include "cli/duration.h"
#include "cli/session.h"

#include <algorithm>
#include <ctime>

namespace bulkhead::cli {

namespace {

Result<Unit> print_event(std::string_view type, std::string const& id, std::string_view data)
{
    JsonWriter json;
    json.begin_object().member("type", type).member("id", id);
    if (!data.empty())
        json.key("data").raw(data);
    json.end_object();
    return print(json.text() + "\n");
}

Result<Unit> print_stats(container::Container& container)
{
    auto data = TRY(container.stats_json());
    return print_event("stats", container.id(), data);
}

std::int64_t now_ms()
{
    std::timespec now {};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1000000;
}

// Until the container is gone: OOM kills when they happen, statistics every INTERVAL.
Result<Unit> follow(container::Container& container, std::int64_t interval)
{
    auto next = now_ms() + interval;
    for (;;) {
        auto left = std::clamp<std::int64_t>(next - now_ms(), 0, 1 << 30);
        auto killed = container.wait_for_oom(static_cast<int>(left));
        if (killed.is_ok()) {
            if (!killed.value())
                return ok();
            TRY(print_event("oom", container.id(), ""));
        } else if (killed.error().code != Errno::timedout) {
            return killed.release_error();
        }
        if (now_ms() < next)
            continue;
        next += interval;
        if (container.status() == oci::Status::stopped)
            return ok();
        TRY(print_stats(container));
    }
}

Result<int> events(Session const& session, std::string const& id, std::string const& interval_text, bool once)
{
    auto interval = parse_duration(interval_text);
    if (!interval || *interval <= 0)
        return invalid("duration interval must be greater than 0: " + quoted(interval_text), "write for example --interval=5s");
    auto container = TRY(session.load(id));
    if (container.status() == oci::Status::stopped)
        return Error { .code = Errno::srch, .message = "container with id " + id + " is not running" };
    if (once)
        TRY(print_stats(container));
    else
        TRY(follow(container, *interval));
    return 0;
}

} // namespace

void add_events(CommandLine& line)
{
    auto& command = line.add("events", "print OOM kills and resource statistics of a container as JSON lines");
    auto const& interval = command.text("interval", "DURATION", "how often statistics are printed", "5s");
    auto const& stats = command.flag("stats", "print the statistics once");
    auto const& id = command.argument("container-id", "name given to create or run");
    command.runs([&line, &interval, &stats, &id] { return events(line.session, id, interval, stats); });
}

} // namespace bulkhead::cli
