#include "container/signal_names.h"
#include "base/text.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <utility>

namespace bulkhead::container {

namespace {

// The C library keeps 32 and 33 for itself, so everybody counts the real-time signals from 34.
constexpr int first_real_time = 34;
constexpr int last_signal = 64;

constexpr std::array<std::pair<std::string_view, int>, 36> names { {
    { "HUP", SIGHUP },
    { "INT", SIGINT },
    { "QUIT", SIGQUIT },
    { "ILL", SIGILL },
    { "TRAP", SIGTRAP },
    { "ABRT", SIGABRT },
    { "IOT", SIGABRT },
    { "BUS", SIGBUS },
    { "FPE", SIGFPE },
    { "KILL", SIGKILL },
    { "USR1", SIGUSR1 },
    { "SEGV", SIGSEGV },
    { "USR2", SIGUSR2 },
    { "PIPE", SIGPIPE },
    { "ALRM", SIGALRM },
    { "TERM", SIGTERM },
    { "STKFLT", SIGSTKFLT },
    { "CHLD", SIGCHLD },
    { "CLD", SIGCHLD },
    { "CONT", SIGCONT },
    { "STOP", SIGSTOP },
    { "TSTP", SIGTSTP },
    { "TTIN", SIGTTIN },
    { "TTOU", SIGTTOU },
    { "URG", SIGURG },
    { "XCPU", SIGXCPU },
    { "XFSZ", SIGXFSZ },
    { "VTALRM", SIGVTALRM },
    { "PROF", SIGPROF },
    { "WINCH", SIGWINCH },
    { "IO", SIGIO },
    { "POLL", SIGIO },
    { "PWR", SIGPWR },
    { "SYS", SIGSYS },
    { "RTMIN", first_real_time },
    { "RTMAX", last_signal },
} };

std::optional<int> in_range(std::optional<int> number)
{
    return number && *number >= 0 && *number <= last_signal ? number : std::nullopt;
}

} // namespace

std::optional<int> parse_signal(std::string_view text)
{
    if (!text.empty() && text.front() >= '0' && text.front() <= '9')
        return in_range(parse_number<int>(text));
    std::string word(text);
    std::transform(word.begin(), word.end(), word.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
    std::string_view name = word;
    if (name.starts_with("SIG"))
        name.remove_prefix(3);
    auto sign = name.starts_with("RTM") ? name.find_first_of("+-") : std::string_view::npos;
    if (sign != std::string_view::npos) {
        auto distance = parse_number<int>(name.substr(sign + 1));
        bool up = name.substr(0, sign) == "RTMIN" && name[sign] == '+';
        bool down = name.substr(0, sign) == "RTMAX" && name[sign] == '-';
        if (!distance || *distance < 0 || *distance > last_signal - first_real_time || (!up && !down))
            return std::nullopt;
        return up ? first_real_time + *distance : last_signal - *distance;
    }
    for (auto const& [known, number] : names) {
        if (known == name)
            return number;
    }
    return std::nullopt;
}

std::string signal_name(int number)
{
    for (auto const& [known, value] : names) {
        if (value == number)
            return "SIG" + std::string(known);
    }
    return std::to_string(number);
}

} // namespace bulkhead::container
