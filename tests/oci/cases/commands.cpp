// What Docker, Podman, containerd and CRI-O use beyond the specification: exec, flags, listings, freezing, updating.
#include "driver/console.h"
#include "driver/session.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <sstream>

using namespace conformance;

namespace {

Json last_json_line(std::string const& text)
{
    std::istringstream lines(text);
    Json last;
    for (std::string line; std::getline(lines, line);) {
        auto value = parse_json(line);
        if (value.is_object())
            last = value;
    }
    return last;
}

// The process of the bundle with other probes, as engines hand it to exec.
Json exec_process(Bundle const& bundle, std::vector<std::string> const& probes)
{
    auto process = bundle.config["process"];
    process["args"] = { "/oci-guest" };
    for (auto const& probe : probes)
        process["args"].push_back(probe);
    return process;
}

} // namespace

OCI_TEST(pid_files_hold_the_pid, "R-15.1")
{
    auto bundle = t.new_bundle();
    auto id = t.new_id();
    if (!t.create(bundle, id, { "--pid-file", t.path("pid") }).ok())
        return;
    t.equal("R-15.1", read_file(t.path("pid")), std::to_string(number_at(t.state(id), "pid")), "pid file");
}

OCI_TEST(run_passes_the_end_of_the_program_on, "R-15.2", "R-15.3")
{
    auto bundle = t.new_bundle();
    for (int status : { 0, 1, 42, 255 }) {
        bundle.probes({ "exit:" + std::to_string(status) });
        t.equal("R-15.2", t.run(bundle).status, status, "exit status of run");
    }
    bundle.remove_namespace("pid"); // the first process of a pid namespace cannot kill itself
    bundle.probes({ "abort" });
    t.equal("R-15.3", t.run(bundle).status, 128 + SIGKILL, "exit status of run when SIGKILL ended it");
}

OCI_TEST(run_detached_returns, "R-15.29")
{
    auto bundle = t.new_bundle();
    bundle.probes({ "serve" });
    auto id = t.new_id();
    auto done = t.run(bundle, id, { "--detach", "--pid-file", t.path("pid") });
    t.check("R-15.29", done.ok() && t.status(id) == "running", "run --detach " + done.describe() + ", status \"" + t.status(id) + "\"");
    t.equal("R-15.29", read_file(t.path("pid")), std::to_string(number_at(t.state(id), "pid")), "pid file");
    t.remove(id, true);
}

OCI_TEST(exec_joins_the_container, "R-15.4", "R-15.5", "R-15.6", "R-15.7", "R-15.8", "R-15.13", "R-15.15")
{
    auto bundle = t.new_bundle();
    bundle.set_namespace("cgroup");
    bundle.probes({ "create:/tmp/mark:x", "report", "serve" });
    auto id = t.start_serving(bundle);
    if (id.empty())
        return;
    auto first = report_in(t.output_of(id));
    t.equal("R-15.4", t.exec(id, exec_process(bundle, { "exit:23" })).status, 23, "exit status of exec");
    auto process = exec_process(bundle, { "stat:/tmp/mark", "report" });
    process["user"] = { { "uid", 1000 }, { "gid", 1001 }, { "additionalGids", { 5, 77 } }, { "umask", 027 } };
    process["env"] = { "PATH=/bin", "ONLY=exec", "HOME=/x" };
    process["cwd"] = "/home/deep";
    process["capabilities"] = { { "bounding", { "CAP_KILL", "CAP_CHOWN" } }, { "permitted", { "CAP_KILL" } }, { "effective", { "CAP_KILL" } },
        { "inheritable", { "CAP_KILL" } }, { "ambient", { "CAP_KILL" } } };
    auto done = t.exec(id, process);
    auto report = report_in(done.output);
    if (report.is_null())
        return t.note("exec " + done.describe());
    for (auto const* type : { "pid", "net", "ipc", "uts", "mnt", "cgroup", "user" })
        t.equal("R-15.5", at(at(report, "ns"), type), at(at(first, "ns"), type), std::string("namespace ") + type);
    t.check("R-15.5", probe_ok(report, "stat:/tmp/mark"), "the root is the container's");
    t.equal("R-15.5", text_at(report, "cgroup"), text_at(first, "cgroup"), "control groups");
    t.check("R-15.5", number_at(report, "pid") > 1, "exec has a pid of its own in the container");
    auto ids = at(report, "ids");
    t.equal("R-15.6", { at(ids, "uid"), at(ids, "gid") }, { { 1000, 1000, 1000 }, { 1001, 1001, 1001 } }, "uid and gid");
    auto groups = at(ids, "groups");
    std::sort(groups.begin(), groups.end());
    t.check("R-15.6", groups == Json({ 5, 77 }) || groups == Json({ 5, 77, 1001 }), "groups " + show(groups));
    t.equal("R-15.6", at(ids, "umask"), 027, "umask");
    t.equal("R-15.7", at(report, "env"), process["env"], "env");
    t.equal("R-15.7", text_at(report, "cwd"), "/home/deep", "cwd");
    auto const& status = at(report, "status");
    t.equal("R-15.8",
        { text_at(status, "CapEff"), text_at(status, "CapPrm"), text_at(status, "CapBnd"), text_at(status, "CapAmb"), text_at(status, "CapInh") },
        { "0000000000000020", "0000000000000020", "0000000000000021", "0000000000000020", "0000000000000020" },
        "effective, permitted, bounding, ambient, inheritable");
    t.check("R-15.13",
        t.exec(id,
             [&] {
                 auto absent = process;
                 absent["args"] = { "/absent" };
                 return absent;
             }())
            .refused(),
        "a program that does not exist");
    auto words = t.command({ "exec", "--cwd", "/home", "--env", "WORD=1", "--user", "1000:1001", id, "/oci-guest", "report" });
    report = report_in(words.output);
    t.equal("R-15.15", { text_at(report, "cwd"), at(at(at(report, "ids"), "uid"), 0), at(at(at(report, "ids"), "gid"), 0) }, { "/home", 1000, 1001 },
        "cwd, uid, gid (" + words.describe() + ")");
    t.check("R-15.15", show(at(report, "env")).find("WORD=1") != std::string::npos, "env " + show(at(report, "env")));
}

OCI_TEST(exec_limits_the_process, "R-15.9")
{
    auto bundle = t.new_bundle();
    bundle.probes({ "serve" });
    auto id = t.start_serving(bundle);
    if (id.empty())
        return;
    auto process = exec_process(bundle, { "report" });
    process["rlimits"] = Json::array({ { { "type", "RLIMIT_NOFILE" }, { "soft", 333 }, { "hard", 444 } } });
    process["noNewPrivileges"] = true;
    for (int user : { 0, 1000 }) {
        process["user"] = { { "uid", user }, { "gid", user } };
        auto done = t.exec(id, process);
        auto report = report_in(done.output);
        auto who = " of user " + std::to_string(user) + (report.is_null() ? ": exec " + done.describe() : "");
        t.equal("R-15.9", at(at(report, "rlimits"), "RLIMIT_NOFILE"), { { "soft", 333 }, { "hard", 444 } }, "RLIMIT_NOFILE" + who);
        t.equal("R-15.9", text_at(at(report, "status"), "NoNewPrivs"), "1", "NoNewPrivs" + who);
    }
}

OCI_TEST(exec_with_a_terminal, "R-15.10")
{
    auto bundle = t.new_bundle();
    bundle.probes({ "serve" });
    auto id = t.start_serving(bundle);
    if (id.empty())
        return;
    auto process = exec_process(bundle, { "out:/exec.json", "report", "serve" });
    process["terminal"] = true;
    process["consoleSize"] = { { "height", 20 }, { "width", 70 } };
    ConsoleSocket console(t.path("console"));
    auto done = t.exec(id, process, { "--tty", "--detach", "--console-socket", console.path(), "--pid-file", t.path("pid") });
    if (!t.check("R-15.10", done.ok() && console.receive(), "the terminal arrives: " + done.describe()))
        return;
    console.read_until("serving");
    auto report = report_in(read_file(bundle.in_root("/exec.json")));
    auto const& stream = at(at(report, "terminal"), 0);
    t.check("R-15.10", flag_at(stream, "tty"), "standard input is a terminal");
    console.type("\x03");
    t.check("R-15.10", console.read_until("signal 2").find("signal 2") != std::string::npos, "control-C is SIGINT");
    auto pid = std::atoi(read_file(t.path("pid")).c_str());
    if (pid > 1)
        kill(pid, SIGKILL);
}

OCI_TEST(exec_detached_returns, "R-15.11", "R-15.18", "R-15.20")
{
    auto bundle = t.new_bundle();
    bundle.probes({ "serve" });
    auto id = t.start_serving(bundle);
    if (id.empty())
        return;
    auto done = t.exec(id, exec_process(bundle, { "serve" }), { "--detach", "--pid-file", t.path("pid") });
    auto pid = std::atoi(read_file(t.path("pid")).c_str());
    t.check("R-15.11", done.ok() && pid > 1 && process_exists(pid),
        "exec --detach " + done.describe() + ", pid file \"" + read_file(t.path("pid")) + "\"");
    t.equal("R-15.11", inode_of("/proc/" + std::to_string(pid) + "/ns/pid"),
        inode_of("/proc/" + std::to_string(number_at(t.state(id), "pid")) + "/ns/pid"), "it is in the container's pid namespace");
    auto listing = t.command({ "ps", "--format", "json", id });
    auto pids = parse_json(listing.output);
    t.check("R-15.20",
        pids.is_array() && std::find(pids.begin(), pids.end(), pid) != pids.end()
            && std::find(pids.begin(), pids.end(), number_at(t.state(id), "pid")) != pids.end(),
        "ps --format json: " + listing.describe());
    auto killed = t.command({ "kill", "--all", id, "KILL" });
    t.check("R-15.18", killed.ok() && wait_until([&] { return !process_exists(pid); }) && t.wait_for_status(id, "stopped"),
        "kill --all KILL " + killed.describe());
}

OCI_TEST(exec_needs_a_running_container, "R-15.12")
{
    auto bundle = t.new_bundle();
    bundle.probes({ "exit:0" });
    t.check("R-15.12", t.exec("no-such-container", exec_process(bundle, { "report" })).refused(), "an unknown id");
    auto id = t.new_id();
    if (!t.create(bundle, id).ok() || !t.start(id).ok() || !t.wait_for_status(id, "stopped"))
        return;
    t.check("R-15.12", t.exec(id, exec_process(bundle, { "report" })).refused(), "a stopped container");
}

OCI_TEST(exec_is_filtered, "R-15.14")
{
    auto bundle = t.new_bundle();
    bundle.config["linux"]["seccomp"] = { { "defaultAction", "SCMP_ACT_ALLOW" },
        { "syscalls", Json::array({ { { "names", { "mkdir", "mkdirat" } }, { "action", "SCMP_ACT_ERRNO" }, { "errnoRet", 77 } } }) } };
    bundle.probes({ "serve" });
    auto id = t.start_serving(bundle);
    if (id.empty())
        return;
    auto done = t.exec(id, exec_process(bundle, { "mkdir:/tmp/new", "report" }));
    t.equal("R-15.14", probe_errno(report_in(done.output), "mkdir:/tmp/new"), 77, "errno of mkdir in exec");
}

OCI_TEST(force_deletes_what_runs, "R-15.16")
{
    auto bundle = t.new_bundle();
    bundle.probes({ "serve" });
    auto id = t.start_serving(bundle);
    if (id.empty())
        return;
    auto pid = static_cast<int>(number_at(t.state(id), "pid"));
    auto done = t.remove(id, true);
    t.check("R-15.16", done.ok() && wait_until([&] { return !process_exists(pid); }) && t.state(id).is_null(),
        "delete --force of a running container " + done.describe());
    done = t.command({ "delete", "--force", "no-such-container" });
    t.check("R-15.16", done.ok(), "delete --force of an unknown one " + done.describe());
}

OCI_TEST(signals_have_names_and_numbers, "R-15.17")
{
    auto bundle = t.new_bundle();
    bundle.probes({ "serve" });
    auto id = t.start_serving(bundle);
    if (id.empty())
        return;
    for (auto [word, number] : { std::pair("10", 10), { "USR2", 12 }, { "SIGHUP", 1 }, { "35", 35 } }) {
        auto done = t.kill(id, word);
        t.check("R-15.17", done.ok() && t.wait_for_output(id, "signal " + std::to_string(number) + "\n"),
            std::string("kill ") + word + ": " + done.describe());
    }
    t.check("R-15.17", t.kill(id, "NONSENSE").refused(), "an unknown name");
    t.check("R-15.17", t.kill(id, "999").refused(), "a number that is no signal");
    t.equal("R-15.17", t.status(id), "running", "it still runs");
}

OCI_TEST(containers_are_listed, "R-15.19")
{
    auto bundle = t.new_bundle();
    auto id = t.new_id();
    if (!t.create(bundle, id).ok())
        return;
    t.equal("R-15.19", trimmed(t.command({ "list", "-q" }).output), id, "list -q");
    auto list = parse_json(t.command({ "list", "--format", "json" }).output);
    auto const& entry = at(list, std::size_t(0));
    t.check("R-15.19",
        text_at(entry, "id") == id && text_at(entry, "status") == "created" && text_at(entry, "bundle") == bundle.folder()
            && number_at(entry, "pid") > 1,
        "list --format json: " + one_line(show(list)));
    t.check("R-15.19", t.command({ "list" }).output.find(id) != std::string::npos, "list");
}

OCI_TEST(containers_can_be_frozen, "R-15.21")
{
    auto all = cgroup_hierarchies();
    if (find_hierarchy(all, "freezer") == nullptr && std::none_of(all.begin(), all.end(), [](auto const& one) { return one.unified; }))
        return t.skip_all("this host has no freezer");
    auto bundle = t.new_bundle();
    bundle.probes({ "serve" });
    auto id = t.start_serving(bundle);
    if (id.empty())
        return;
    auto done = t.command({ "pause", id });
    t.check("R-15.21", done.ok() && t.status(id) == "paused", "pause " + done.describe() + ", status \"" + t.status(id) + "\"");
    t.kill(id, "USR1");
    usleep(100'000);
    t.check("R-15.21", t.output_of(id).find("signal 10") == std::string::npos, "a frozen program does nothing");
    done = t.command({ "resume", id });
    t.check("R-15.21", done.ok() && t.status(id) == "running" && t.wait_for_output(id, "signal 10"), "resume " + done.describe());
}

OCI_TEST(limits_can_be_changed, "R-15.22", "R-15.23")
{
    auto bundle = t.new_bundle();
    bundle.config["linux"]["resources"] = { { "memory", { { "limit", 200 << 20 } } }, { "pids", { { "limit", 100 } } } };
    bundle.probes({ "serve" });
    auto id = t.start_serving(bundle);
    if (id.empty())
        return;
    Json resources = { { "memory", { { "limit", 150 << 20 } } }, { "pids", { { "limit", 60 } } },
        { "cpu", { { "shares", 262144 } } } }; // as a weight 10000 in every runtime's conversion
    auto done = t.command({ "update", "--resources", "-", id }, { .input = resources.dump() });
    auto pid = static_cast<int>(number_at(t.state(id), "pid"));
    auto value = [&](char const* controller, char const* legacy, char const* unified) {
        auto all = cgroup_hierarchies();
        auto const* hierarchy = find_hierarchy(all, controller);
        return hierarchy == nullptr ? "" : trimmed(read_file(cgroup_folder(pid, controller) + "/" + (hierarchy->unified ? unified : legacy)));
    };
    t.equal("R-15.22", value("memory", "memory.limit_in_bytes", "memory.max"), "157286400", "memory limit (" + done.describe() + ")");
    t.equal("R-15.22", value("pids", "pids.max", "pids.max"), "60", "pids limit");
    auto shares = value("cpu", "cpu.shares", "cpu.weight");
    t.check("R-15.22", shares == "262144" || shares == "10000", "cpu shares " + shares);
    done = t.command({ "events", "--stats", id });
    auto stats = last_json_line(done.output);
    auto const& data = at(stats, "data");
    t.check("R-15.23",
        text_at(stats, "type") == "stats" && text_at(stats, "id") == id && number_at(at(data, "pids"), "current") >= 1
            && number_at(at(at(data, "memory"), "usage"), "usage") > 0 && at(at(at(data, "cpu"), "usage"), "total").is_number(),
        "events --stats " + done.describe());
}

OCI_TEST(spec_writes_a_config_that_runs, "R-15.24")
{
    auto bundle = t.new_bundle();
    auto done = t.command({ "spec" }, { .directory = bundle.folder() });
    auto config = parse_json(read_file(bundle.folder() + "/config.json"));
    if (!t.check("R-15.24", done.ok() && config.is_object(), "spec " + done.describe()))
        return;
    auto cgroup = bundle.config["linux"]["cgroupsPath"];
    bundle.config = config;
    bundle.config["process"]["terminal"] = false;
    bundle.config["process"]["args"] = { "/oci-guest", "report" };
    bundle.config["linux"]["cgroupsPath"] = cgroup;
    t.check("R-15.24", !t.report(bundle).is_null(), "the config runs");
}

OCI_TEST(the_version_is_told, "R-15.25")
{
    auto const& text = t.settings().version_text;
    t.check("R-15.25", text.find(" version ") != std::string::npos && text.find(" version ") < text.find('\n'),
        "first line: " + text.substr(0, text.find('\n')));
    t.check("R-15.25", text.find("spec: 1.") != std::string::npos, "a line \"spec: 1...\"");
}

OCI_TEST(failures_are_logged_as_json, "R-15.26")
{
    auto bundle = t.new_bundle();
    bundle.config["process"]["cwd"] = "relative";
    bundle.config["root"]["path"] = "absent";
    bundle.save();
    auto log = t.path("log.json");
    auto id = t.new_id();
    auto done = t.command({ "--log", log, "--log-format", "json", "create", "--bundle", bundle.folder(), id });
    auto line = last_json_line(read_file(log));
    t.check("R-15.26", done.refused() && text_at(line, "level") == "error" && !text_at(line, "msg").empty() && !text_at(line, "time").empty(),
        "the last line of the log: " + one_line(read_file(log)));
}

OCI_TEST(unknown_words_are_errors, "R-15.33")
{
    t.check("R-15.33", t.command({ "nonsense" }).refused(), "an unknown command");
    t.check("R-15.33", t.command({ "state", "--nonsense", "x" }).refused(), "an unknown flag");
    t.check("R-15.33", t.command({ "--nonsense", "list" }).refused(), "an unknown flag before the command");
}
