#include "cgroup/systemd_client.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"

#include <array>
#include <cstdlib>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace bulkhead::cgroup {

namespace {

std::string program_path()
{
    if (auto const* folder = std::getenv("BULKHEAD_LIBEXEC"))
        return std::string(folder) + "/systemd-unit";
    std::array<char, 4096> self {};
    auto length = ::readlink("/proc/self/exe", self.data(), self.size() - 1);
    std::string path(self.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
    auto slash = path.rfind('/');
    return path.substr(0, slash == std::string::npos ? 0 : slash) + "/../libexec/bulkhead/systemd-unit";
}

struct Output {
    std::string text;
    int status = 0;
};

Result<Output> run(std::vector<std::string> arguments)
{
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) < 0)
        return Error::last("make a pipe");
    File read_end(ends[0]);
    File write_end(ends[1]);
    std::vector<char*> argv;
    for (auto& argument : arguments)
        argv.push_back(argument.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, write_end.fd(), 1);
    pid_t child = -1;
    int failed = ::posix_spawn(&child, argv[0], &actions, nullptr, argv.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    write_end.close();
    if (failed != 0) {
        auto error = Error::from_errno(static_cast<Errno>(failed), "run " + quoted(arguments[0]) + ", which speaks to systemd");
        error.hint = "install it beside the runtime (it needs libsystemd), or leave --systemd-cgroup out";
        return error;
    }
    constexpr std::size_t longest_answer = 65536;
    auto text = read_all(read_end, longest_answer);
    Output output;
    while (::waitpid(child, &output.status, 0) < 0 && errno == EINTR) { }
    if (text.is_error())
        return Error::from_errno(text.error(), "read the answer of " + quoted(arguments[0]));
    output.text = text.release_value();
    return output;
}

} // namespace

Result<UnitAnswer> ask_systemd(Bus bus, std::string const& command, std::string const& unit, std::vector<std::string> const& properties)
{
    std::vector<std::string> arguments { program_path() };
    if (bus == Bus::user)
        arguments.emplace_back("--user");
    arguments.push_back(command);
    arguments.push_back(unit);
    arguments.insert(arguments.end(), properties.begin(), properties.end());
    auto output = TRY(run(std::move(arguments)));
    auto document = JsonDocument::parse(output.text, "the answer of systemd-unit");
    if (output.text.empty() || document.is_error())
        return Error { .code = Errno::io,
            .message = command + " unit " + quoted(unit) + ": systemd-unit gave no answer (status "
                + std::to_string(WIFEXITED(output.status) ? WEXITSTATUS(output.status) : 128 + WTERMSIG(output.status)) + ")",
            .hint = "run it by hand to see why; libsystemd.so.0 may be missing" };
    auto object = TRY(document.value().object());
    bool is_done = false;
    TRY(object.required("ok", is_done));
    UnitAnswer answer;
    TRY(object.optional("controlGroup", answer.control_group));
    if (is_done)
        return answer;
    Error error { .code = Errno::io };
    TRY(object.optional("error", error.message));
    TRY(object.optional("hint", error.hint));
    error.add_context(command + " unit " + quoted(unit));
    return error;
}

} // namespace bulkhead::cgroup
