// The program inside the container. Each argument is one probe, done in order; `report` prints everything seen so far as one line of JSON.
// It asks the kernel and nothing else, so that the driver outside judges what the container really got.
#include "guest/facts.h"
#include "guest/probes.h"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace {

volatile std::sig_atomic_t last_signal = 0;

void remember(int number)
{
    last_signal = number;
}

// Lives until SIGTERM (exit 0) or half a minute passed; tells of every other signal on standard output.
[[noreturn]] void serve()
{
    struct sigaction action { };
    action.sa_handler = remember;
    for (int number : { SIGTERM, SIGUSR1, SIGUSR2, SIGHUP, SIGINT, SIGWINCH, SIGALRM, SIGRTMIN + 1 })
        sigaction(number, &action, nullptr);
    alarm(30);
    dprintf(1, "serving\n");
    sigset_t all;
    sigemptyset(&all);
    for (;;) {
        if (last_signal == 0)
            usleep(20'000);
        int number = last_signal;
        last_signal = 0;
        if (number == SIGTERM)
            _exit(0);
        if (number == SIGALRM)
            _exit(99);
        if (number != 0)
            dprintf(1, "signal %d\n", number);
    }
}

void write_line(std::string const& path, std::string line)
{
    line += "\n";
    if (path.empty()) {
        std::string_view rest = line;
        while (!rest.empty()) {
            auto done = write(1, rest.data(), rest.size());
            if (done <= 0)
                break;
            rest.remove_prefix(static_cast<std::size_t>(done));
        }
        return;
    }
    int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (fd < 0)
        return;
    if (write(fd, line.data(), line.size()) < 0)
        dprintf(2, "oci-guest: cannot write %s\n", path.c_str());
    close(fd);
}

// oci-guest hook LOG LABEL [fail|sleep]: what a hook sees, appended as one line to LOG.
int hook(int argc, char** argv)
{
    if (argc < 4)
        return 2;
    std::stringstream input;
    char buffer[4096];
    ssize_t got = 0;
    while ((got = read(0, buffer, sizeof(buffer))) > 0)
        input.write(buffer, got);
    Json line = { { "label", argv[3] }, { "stdin", input.str() }, { "ns", guest::namespaces() }, { "env", guest::environment() },
        { "args", guest::arguments(argc, argv) }, { "cwd", guest::working_directory() }, { "pid", getpid() },
        { "root_has_guest", access("/oci-guest", F_OK) == 0 }, { "root", guest::identity_of("/") } };
    auto state = Json::parse(input.str(), nullptr, false);
    if (state.is_object() && state.contains("pid") && state["pid"].is_number_integer())
        line["container_ns"] = guest::namespaces("/proc/" + std::to_string(state["pid"].get<int>()) + "/ns/");
    write_line(argv[2], line.dump(-1, ' ', false, Json::error_handler_t::replace));
    std::string_view mode = argc > 4 ? argv[4] : "";
    if (mode == "sleep")
        sleep(20);
    return mode == "fail" ? 7 : 0;
}

} // namespace

int main(int argc, char** argv)
{
    if (argc > 1 && std::string_view(argv[1]) == "hook")
        return hook(argc, argv);
    Json facts = Json::object();
    Json results = Json::array();
    std::string output;
    for (int index = 1; index < argc; ++index) {
        std::string_view probe = argv[index];
        if (probe == "report") {
            facts = guest::all_facts(argc, argv);
            facts["results"] = results;
            write_line(output, facts.dump(-1, ' ', false, Json::error_handler_t::replace));
        } else if (probe == "serve") {
            serve();
        } else if (probe.starts_with("out:")) {
            output = probe.substr(4);
        } else if (probe.starts_with("exit:")) {
            _exit(std::atoi(argv[index] + 5));
        } else if (probe.starts_with("abort")) {
            signal(SIGKILL, SIG_DFL);
            kill(getpid(), SIGKILL);
        } else {
            results.push_back(guest::run_probe(probe));
        }
    }
    return 0;
}
