// Runs one program with a time limit and keeps what it printed.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

namespace conformance {

struct Program {
    std::vector<std::string> arguments;
    std::string input = {};
    std::string directory = {};
    std::string output_path = {}; // default: a temporary file; a container keeps writing to it after `create` returned
    std::string error_path = {};
    std::vector<std::string> environment = {}; // added to the driver's own
    std::vector<int> descriptors = {}; // appear as 3, 4, ... in the program
    std::chrono::milliseconds limit = std::chrono::seconds(10);
};

struct Finished {
    int status = -1; // exit status; 128 + signal when killed
    bool timed_out = false;
    bool signalled = false;
    std::string output;
    std::string errors;

    bool ok() const { return !timed_out && status == 0; }
    // A refusal: it ended by itself, with a non-zero status.
    bool refused() const { return !timed_out && !signalled && status != 0; }
    std::string describe() const;
};

Finished run_program(Program const& program);

std::string read_file(std::string const& path);
bool write_file(std::string const& path, std::string_view text);
std::string trimmed(std::string text);
// Ends with the last lines only: error texts go into one line of the report.
std::string one_line(std::string text, std::size_t limit = 300);
// Asks until it is true or the time is over.
template <typename Condition> bool wait_until(Condition condition, std::chrono::milliseconds limit = std::chrono::seconds(4));

// Also reaps children that ended; no program may be running meanwhile.
void short_sleep();

template <typename Condition> bool wait_until(Condition condition, std::chrono::milliseconds limit)
{
    auto end = std::chrono::steady_clock::now() + limit;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end)
            return false;
        short_sleep();
    }
    return true;
}

} // namespace conformance
