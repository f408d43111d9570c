// runtime.md and bundle.md: operations in the right and in the wrong order.
#include "driver/session.h"

#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

using namespace conformance;

namespace {

bool is_semantic_version(std::string const& text)
{
    int dots = 0;
    for (char letter : text.substr(0, text.find_first_of("-+"))) {
        if (letter == '.')
            ++dots;
        else if (letter < '0' || letter > '9')
            return false;
    }
    return dots == 2;
}

} // namespace

OCI_TEST(the_whole_life_of_a_container, "R-2.1", "R-2.2", "R-2.3", "R-2.5", "R-2.6", "R-2.7", "R-2.8", "R-2.9", "R-2.11", "R-2.17", "R-2.24", "R-3.3",
    "R-3.6", "R-3.7", "R-3.9", "R-3.14", "R-3.18", "R-3.24", "R-2.19", "R-3.26")
{
    auto bundle = t.new_bundle();
    bundle.config["annotations"] = { { "com.example.key", "value" }, { "com.example.empty", "" } };
    bundle.probes({ "create:/ran:yes", "report", "serve" });
    auto id = t.new_id();
    if (!t.create(bundle, id).ok())
        return;
    auto state = t.state(id);
    t.equal("R-3.9", text_at(state, "status"), "created", "status after create");
    t.check("R-2.2", is_semantic_version(text_at(state, "ociVersion")), "ociVersion is \"" + text_at(state, "ociVersion") + "\"");
    t.equal("R-2.3", text_at(state, "id"), id, "id");
    t.equal("R-2.7", text_at(state, "bundle"), bundle.folder(), "bundle");
    for (auto const* key : { "com.example.key", "com.example.empty" })
        t.equal("R-2.8", at(at(state, "annotations"), key), bundle.config["annotations"][key], key);
    t.check("R-2.9", state.is_object() && at(state, "pid").is_number_integer(), "types of the state: " + one_line(show(state)));
    auto pid = static_cast<int>(number_at(state, "pid"));
    t.check("R-2.6", pid > 1 && process_exists(pid), "pid " + std::to_string(pid) + " is a process while created");
    auto mine = namespaces_of("self"), theirs = namespaces_of(std::to_string(pid));
    for (auto const* type : { "pid", "net", "ipc", "uts", "mnt" })
        t.check(
            "R-3.6", theirs[type] > 0 && theirs[type] != mine[type], std::string("after create the process is in a new namespace of type ") + type);
    bool ran = access(bundle.in_root("/ran").c_str(), F_OK) == 0;
    t.check("R-2.11", !ran, "the program has not run before start");
    t.check("R-3.7", inode_of("/proc/" + std::to_string(pid) + "/exe") != inode_of(bundle.in_root("/oci-guest")),
        "the process is not the program of process.args before start");
    if (!t.start(id).ok())
        return;
    t.check("R-2.17", t.wait_for_output(id, "serving"), "the program runs after start");
    state = t.state(id);
    t.equal("R-3.14", text_at(state, "status"), "running", "status after start");
    t.equal("R-2.6", number_at(state, "pid"), pid, "the pid stays the same while running");
    t.equal("R-3.3", text_at(state, "id"), id, "state while running");
    t.check("R-3.18", t.kill(id, "USR1").ok() && t.wait_for_output(id, "signal 10"), "SIGUSR1 arrives");
    t.check("R-3.18", t.kill(id, "TERM").ok(), "kill TERM succeeds");
    t.check("R-2.24", t.wait_for_status(id, "stopped"), "status after the end is \"" + t.status(id) + "\"");
    t.check("R-2.5", t.status(id) == "stopped", "created, running and stopped are used");
    t.check("R-2.1", t.remove(id).ok(), "every operation worked for the creator");
    t.check("R-3.24", t.state(id).is_null(), "after delete the container is unknown");
    t.check("R-2.19", cgroups_named(std::filesystem::path(text_at(bundle.config["linux"], "cgroupsPath")).filename()).empty(),
        "no control group is left");
    t.check("R-2.19", !process_exists(pid), "no process is left");
    t.check("R-2.19", read_file("/proc/self/mountinfo").find(bundle.folder()) == std::string::npos, "no mount is left");
    t.check("R-3.26", t.create(bundle, id).ok(), "the id can be used again");
}

OCI_TEST(a_bundle_needs_its_config, "R-1.1")
{
    auto bundle = t.new_bundle();
    auto id = t.new_id();
    t.check("R-1.1", t.command({ "create", "--bundle", bundle.folder(), id }).refused(), "create without config.json is an error");
    write_file(bundle.folder() + "/Config.json", bundle.config.dump());
    t.check("R-1.1", t.command({ "create", "--bundle", bundle.folder(), id }).refused(), "create with Config.json only is an error");
    t.check("R-1.1", t.command({ "create", "--bundle", t.path("absent"), id }).refused(), "create with a bundle that does not exist is an error");
}

OCI_TEST(commands_need_an_id, "R-3.1", "R-3.4", "R-3.10", "R-3.16", "R-3.20")
{
    auto bundle = t.new_bundle();
    bundle.save();
    t.check("R-3.1", t.command({ "state" }).refused(), "state");
    t.check("R-3.4", t.command({ "create", "--bundle", bundle.folder() }).refused(), "create");
    t.check("R-3.10", t.command({ "start" }).refused(), "start");
    t.check("R-3.16", t.command({ "kill" }).refused(), "kill");
    t.check("R-3.20", t.command({ "delete" }).refused(), "delete");
}

OCI_TEST(unknown_containers_are_errors, "R-3.2", "R-3.11", "R-3.21", "R-3.27", "R-15.27")
{
    auto id = t.new_id();
    auto state = t.command({ "state", id });
    t.check("R-3.2", state.refused(), "state");
    t.check("R-15.27", state.errors.find("does not exist") != std::string::npos, "state says: " + one_line(state.errors));
    t.check("R-3.11", t.command({ "start", id }).refused(), "start");
    t.check("R-3.27", t.command({ "kill", id, "TERM" }).refused(), "kill");
    t.check("R-3.21", t.command({ "delete", id }).refused(), "delete");
}

OCI_TEST(an_id_is_used_once, "R-2.4")
{
    auto bundle = t.new_bundle();
    bundle.probes({ "serve" });
    auto id = t.start_serving(bundle);
    if (id.empty())
        return;
    auto pid = number_at(t.state(id), "pid");
    auto other = t.new_bundle();
    other.save();
    t.check("R-2.4", t.command({ "create", "--bundle", other.folder(), id }).refused(), "the second create is an error");
    auto state = t.state(id);
    t.check("R-2.4", text_at(state, "status") == "running" && number_at(state, "pid") == pid && text_at(state, "bundle") == bundle.folder(),
        "the first container is untouched: " + one_line(show(state)));
}

OCI_TEST(invalid_ids_are_refused, "R-3.5")
{
    auto bundle = t.new_bundle();
    bundle.save();
    for (std::string const id : { "", "..", "a/b", "../outside" }) {
        auto done = t.command({ "create", "--bundle", bundle.folder(), id });
        t.check("R-3.5", done.refused(), "create with id \"" + id + "\": " + done.describe());
        if (done.ok())
            t.command({ "delete", "--force", id });
    }
}

OCI_TEST(config_changes_after_create_have_no_effect, "R-2.12")
{
    auto bundle = t.new_bundle();
    auto id = t.new_id();
    if (!t.create(bundle, id).ok())
        return;
    bundle.config["process"]["args"] = { "/oci-guest", "exit:3" };
    bundle.config["process"]["env"] = { "CHANGED=1" };
    bundle.config["hostname"] = "changed";
    bundle.config["process"]["user"]["uid"] = 77;
    bundle.save();
    if (!t.start(id).ok())
        return;
    t.wait_for_status(id, "stopped");
    auto report = report_in(t.output_of(id));
    t.check("R-2.12", !report.is_null(), "the program of the first config ran");
    t.equal("R-2.12", text_at(report, "hostname"), "conformance", "hostname");
    t.equal("R-2.12", at(at(report, "ids"), "uid"), { 0, 0, 0 }, "uid");
    t.check("R-2.12", show(at(report, "env")).find("CHANGED") == std::string::npos, "env");
}

OCI_TEST(start_twice_is_an_error, "R-3.12", "R-3.13", "R-3.17")
{
    auto bundle = t.new_bundle();
    bundle.probes({ "append:/count:once", "serve" });
    auto id = t.start_serving(bundle);
    if (id.empty())
        return;
    auto pid = number_at(t.state(id), "pid");
    t.check("R-3.12", t.command({ "start", id }).refused(), "start of a running container is an error");
    t.check("R-3.12", number_at(t.state(id), "pid") == pid && t.status(id) == "running", "it still runs");
    t.equal("R-3.12", read_file(bundle.in_root("/count")), "once\n", "the program ran once");
    t.kill(id, "KILL");
    if (!t.wait_for_status(id, "stopped"))
        return;
    t.check("R-3.13", t.command({ "start", id }).refused(), "start of a stopped container is an error");
    t.check("R-3.13", t.status(id) == "stopped", "it stays stopped");
    t.equal("R-3.13", read_file(bundle.in_root("/count")), "once\n", "the program ran once");
    t.check("R-3.17", t.kill(id, "TERM").refused(), "kill of a stopped container is an error");
}

OCI_TEST(delete_spares_what_lives, "R-3.22", "R-3.23", "R-3.19")
{
    auto bundle = t.new_bundle();
    bundle.probes({ "serve" });
    auto id = t.new_id();
    if (!t.create(bundle, id).ok())
        return;
    auto deleted = t.command({ "delete", id });
    auto status = t.status(id);
    t.check("R-3.23", deleted.refused() && status == "created",
        "delete of a created container: " + deleted.describe() + ", then its status is \"" + status + "\"");
    if (status != "created" && !t.create(bundle, id).ok())
        return;
    if (!t.start(id).ok() || !t.wait_for_output(id, "serving"))
        return;
    t.check("R-3.22", t.command({ "delete", id }).refused(), "delete of a running container is an error");
    t.equal("R-3.22", t.status(id), "running", "it still runs");
    auto created = t.new_id();
    auto second = t.new_bundle();
    if (!t.create(second, created).ok())
        return;
    t.check("R-3.19", t.kill(created, "KILL").ok() && t.wait_for_status(created, "stopped"), "kill KILL ends a created container");
}

OCI_TEST(delete_spares_what_create_did_not_make, "R-3.25")
{
    auto bundle = t.new_bundle();
    mkdir(t.path("source").c_str(), 0755);
    write_file(t.path("source") + "/file", "kept");
    bundle.add_mount("/mnt/there", "bind", t.path("source"), { "rbind", "rw" });
    bundle.probes({ "create:/mnt/there/new:x", "create:/inside:x" });
    auto done = t.run(bundle);
    if (!t.check("R-3.25", done.ok(), "run " + done.describe()))
        return;
    for (auto const& file :
        { bundle.folder() + "/config.json", bundle.in_root("/oci-guest"), bundle.in_root("/inside"), t.path("source/file"), t.path("source/new") })
        t.check("R-3.25", access(file.c_str(), F_OK) == 0, file + " is still there");
}

OCI_TEST(without_process_there_is_no_start, "R-3.15")
{
    auto bundle = t.new_bundle();
    bundle.config.erase("process");
    t.refuses_by_start("R-3.15", bundle, "no process");
}

OCI_TEST(a_failed_create_leaves_nothing, "R-2.10", "R-2.22", "R-3.8")
{
    auto bundle = t.new_bundle();
    bundle.add_mount("/data", "bind", t.path("absent"), { "rbind" });
    auto before = children_of(getpid()).size();
    t.refuses("R-2.10", bundle, "a bind source that does not exist");
    t.refuses("R-3.8", bundle, "a property that cannot be applied");
    t.check("R-2.22", cgroups_named(std::filesystem::path(text_at(bundle.config["linux"], "cgroupsPath")).filename()).empty(),
        "no control group is left");
    t.check("R-2.22", wait_until([&] { return children_of(getpid()).size() <= before; }, std::chrono::seconds(1)), "no process is left");
    t.check("R-2.22", read_file("/proc/self/mountinfo").find(bundle.folder()) == std::string::npos, "no mount is left");
    std::error_code error;
    int left = 0;
    for (auto const& entry : std::filesystem::directory_iterator(t.path("state"), error))
        left += entry.path().filename().string().find("oct") != std::string::npos ? 1 : 0;
    t.equal("R-2.22", left, 0, "state folders left");
}

OCI_TEST(a_killed_container_is_stopped_and_deletable, "R-2.24", "R-15.35", "R-15.36")
{
    auto bundle = t.new_bundle();
    bundle.probes({ "serve" });
    auto id = t.start_serving(bundle);
    if (id.empty())
        return;
    auto exec = bundle.config["process"];
    exec["args"] = { "/oci-guest", "serve" };
    auto pid_file = t.path("exec.pid");
    t.exec(id, exec, { "--detach", "--pid-file", pid_file });
    auto second = std::atoi(read_file(pid_file).c_str());
    auto pid = static_cast<int>(number_at(t.state(id), "pid"));
    if (pid > 1)
        kill(pid, SIGKILL);
    t.check("R-2.24", t.wait_for_status(id, "stopped"), "killed from outside, the status is \"" + t.status(id) + "\"");
    t.check("R-15.35", second > 1 && wait_until([&] { return !process_exists(second); }), "the process of exec is gone with the first one");
    auto done = t.remove(id);
    t.check("R-15.36", done.ok(), "delete " + done.describe());
}

OCI_TEST(two_containers_live_side_by_side, "R-15.34")
{
    auto first = t.new_bundle(), second = t.new_bundle();
    first.probes({ "serve" });
    second.probes({ "serve" });
    auto one = t.start_serving(first), two = t.start_serving(second);
    if (one.empty() || two.empty())
        return;
    t.kill(one, "TERM");
    t.check("R-15.34", t.wait_for_status(one, "stopped") && t.status(two) == "running", "ending one leaves the other running");
    t.remove(one);
    t.check("R-15.34", t.status(two) == "running" && t.kill(two, "USR1").ok() && t.wait_for_output(two, "signal 10"), "the other still answers");
}
