#include "bench/bench.h"
#include "base/text.h"
#include "cli/session.h"
#include "container/bundle.h"

#include <algorithm>
#include <array>
#include <climits>

#include <unistd.h>

namespace bulkhead::cli {

namespace {

// References into the command that declared them.
struct BenchFlags {
    std::string const& what;
    std::optional<std::int64_t> const& runs;
    std::optional<std::int64_t> const& rounds;
    std::optional<std::int64_t> const& parallel;
    std::string const& only;
    std::string const& bundle;
    std::vector<std::string> const& runtimes;
    bool const& json;
    bool const& markdown;
};

Result<unsigned> count(std::optional<std::int64_t> const& wish, unsigned initial, unsigned most, std::string_view flag)
{
    if (!wish)
        return initial;
    if (*wish < 1 || *wish > most)
        return invalid("--" + std::string(flag) + " must be between 1 and " + std::to_string(most));
    return static_cast<unsigned>(*wish);
}

std::string own_path()
{
    std::array<char, PATH_MAX> path {};
    auto length = ::readlink("/proc/self/exe", path.data(), path.size() - 1);
    auto text = std::string(path.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
    // A sealed copy in memory has no path: then the name we were found by.
    return text.starts_with("/memfd:") || text.ends_with(" (deleted)") ? bench::find_program("bulkhead") : text;
}

Result<std::vector<bench::RuntimeChoice>> choose_runtimes(std::vector<std::string> const& wishes)
{
    std::vector<bench::RuntimeChoice> runtimes { { "bulkhead", own_path() }, { "crun", bench::find_program("crun") },
        { "runc", bench::find_program("runc") } };
    for (auto const& wish : wishes) {
        auto equals = wish.find('=');
        if (equals == std::string::npos || equals == 0 || wish.find('/') < equals)
            return invalid("invalid --runtime " + quoted(wish), "write NAME=PATH");
        auto name = wish.substr(0, equals);
        auto path = wish.substr(equals + 1);
        if (!path.empty() && bench::find_program(path).empty())
            return invalid("--runtime: " + quoted(path) + " cannot be executed");
        auto known = std::find_if(runtimes.begin(), runtimes.end(), [&](auto const& one) { return one.name == name; });
        if (known == runtimes.end())
            runtimes.push_back({ name, path });
        else if (path.empty())
            runtimes.erase(known); // NAME= leaves it out
        else
            known->path = path;
    }
    return runtimes;
}

Result<int> bench_start(BenchFlags const& flags)
{
    if (flags.what != "start")
        return invalid("nothing is known about measuring " + quoted(flags.what), "bulkhead bench start");
    bench::StartOptions options;
    options.runtimes = TRY(choose_runtimes(flags.runtimes));
    if (!flags.bundle.empty())
        options.bundle = TRY(container::absolute_path(flags.bundle));
    options.runs = TRY(count(flags.runs, options.runs, 100000, "runs"));
    options.rounds = TRY(count(flags.rounds, options.rounds, 1000, "rounds"));
    options.parallel = TRY(count(flags.parallel, options.parallel, 1000, "parallel"));
    if (!flags.only.empty()) {
        options.measures_run = options.measures_parallel = options.measures_exec = false;
        for (auto part : split(flags.only, ',')) {
            auto& wanted = part == "run" ? options.measures_run : part == "parallel" ? options.measures_parallel : options.measures_exec;
            if (part != "run" && part != "parallel" && part != "exec")
                return invalid("--only: unknown part " + quoted(part), "write run, parallel or exec, separated by commas");
            wanted = true;
        }
    }
    if (::isatty(2))
        options.on_progress = [](std::string const& text) { (void)write_all(FileView(2), text + "\n"); };
    auto results = TRY(bench::measure_starts(options));
    TRY(print(flags.json ? as_json(results) : flags.markdown ? as_markdown(results) : as_table(results)));
    return results.runtimes.front().trouble.empty() ? 0 : 1;
}

} // namespace

void add_bench(CommandLine& line)
{
    auto& command = line.add("bench", "measure how quickly containers start, here and beside other runtimes");
    BenchFlags flags {
        .what = command.argument("what", "start: run, create/start/delete in parallel, and exec"),
        .runs = command.number("runs", "N", "how often each runtime runs (default: 50)"),
        .rounds = command.number("rounds", "N", "how many rounds of containers in parallel (default: 5)"),
        .parallel = command.number("parallel", "N", "how many containers at once (default: 100)"),
        .only = command.text("only", "PARTS", "of run,parallel,exec"),
        .bundle = command.text("bundle", "FOLDER", "what to run (default: a static true with Docker's default configuration)"),
        .runtimes = command.texts("runtime", "NAME=PATH", "one more runtime, or another path for bulkhead, crun or runc; NAME= leaves one out"),
        .json = command.flag("json", "as JSON"),
        .markdown = command.flag("markdown", "as Markdown"),
    };
    command.allow_flags_anywhere();
    command.describe("The runtimes take turns, so that the machine's moods meet all of them alike; medians count. CPU time and memory are\n"
                     "of the runtime and the children it waited for. (floor) is a bare list of the same system calls: nobody gets below it\n"
                     "by much. Everything happens in a mount namespace of its own and is removed afterwards.");
    command.runs([flags] { return bench_start(flags); });
}

} // namespace bulkhead::cli
