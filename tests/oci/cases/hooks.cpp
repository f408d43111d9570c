// config.md, hooks: when, where and with what each kind runs.
#include "driver/session.h"

#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <sstream>

using namespace conformance;

namespace {

// Lines that hooks and the program appended to one file, which is /hooks.log inside.
std::vector<Json> lines_of(std::string const& file)
{
    std::vector<Json> lines;
    std::istringstream text(read_file(file));
    for (std::string line; std::getline(text, line);)
        lines.push_back(parse_json(line));
    return lines;
}

Json line_of(std::vector<Json> const& lines, std::string_view label)
{
    for (auto const& line : lines) {
        if (text_at(line, "label") == label)
            return line;
    }
    return {};
}

std::string labels(std::string const& file)
{
    std::string result;
    for (auto const& line : lines_of(file))
        result += (result.empty() ? "" : " ") + (line.is_object() ? text_at(line, "label") : line.is_string() ? line.get<std::string>() : "?");
    return result;
}

Json state_of(Json const& line)
{
    return parse_json(text_at(line, "stdin"));
}

std::string log_of(Bundle const& bundle)
{
    return bundle.in_root("/hooks.log");
}

// A hook of this kind that logs under a label; startContainer hooks live inside the root.
void add_logger(
    Session& t, Bundle& bundle, std::string const& kind, std::string const& label, std::string const& mode = "", Json const& extra = Json::object())
{
    bool inside = kind == "startContainer";
    std::vector<std::string> arguments = { inside ? "/oci-guest" : t.settings().guest, "hook", inside ? "/hooks.log" : log_of(bundle), label };
    if (!mode.empty())
        arguments.push_back(mode);
    bundle.add_hook(kind, arguments[0], arguments, extra);
}

constexpr char const* kinds[] = { "prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop" };

bool same_namespaces(Json const& line, std::map<std::string, long> const& wanted, std::initializer_list<char const*> types)
{
    for (auto const* type : types) {
        if (number_at(at(line, "ns"), type) != wanted.at(type))
            return false;
    }
    return true;
}

} // namespace

OCI_TEST(hooks_run_in_order_and_in_their_namespaces, "R-7.6", "R-7.7", "R-7.8", "R-7.9", "R-7.10", "R-7.11", "R-7.12", "R-7.13", "R-7.14", "R-7.15",
    "R-2.20")
{
    auto bundle = t.new_bundle();
    bundle.config["annotations"] = { { "com.example.hook", "yes" } };
    for (auto const* kind : kinds) {
        add_logger(t, bundle, kind, std::string(kind) + "1");
        add_logger(t, bundle, kind, std::string(kind) + "2");
    }
    bundle.probes({ "append:/hooks.log:\"program\"", "serve" });
    auto id = t.new_id();
    if (!t.create(bundle, id).ok())
        return;
    auto pid = number_at(t.state(id), "pid");
    auto runtime_spaces = namespaces_of("self"), container_spaces = namespaces_of(std::to_string(pid));
    auto created = labels(log_of(bundle));
    for (auto const* kind : { "prestart", "createRuntime", "createContainer" })
        t.check("R-7.6", created.find(std::string(kind) + "1 " + kind + "2") != std::string::npos,
            std::string(kind) + " hooks in order, within create: " + created);
    t.check("R-7.8", created.find("prestart2 createRuntime1") != std::string::npos, "prestart before createRuntime: " + created);
    t.check("R-7.10", created.find("createRuntime2 createContainer1") != std::string::npos, "createRuntime before createContainer: " + created);
    if (!t.start(id).ok())
        return;
    auto started = labels(log_of(bundle));
    t.check("R-7.12", created.find("poststart") == std::string::npos && started.find("poststart2") != std::string::npos,
        "poststart hooks ran within start: " + started);
    t.wait_for_output(id, "serving");
    started = labels(log_of(bundle));
    t.check("R-7.12", started.find("startContainer2") < started.find("poststart1"), "poststart hooks ran after startContainer hooks: " + started);
    t.check("R-7.11", created.find("startContainer") == std::string::npos, "startContainer hooks did not run within create: " + created);
    t.check("R-7.11", started.find("startContainer2") < started.find("program"), "startContainer hooks ran before the program: " + started);
    for (auto const* kind : { "startContainer", "poststart" })
        t.check("R-7.6", started.find(std::string(kind) + "1") < started.find(std::string(kind) + "2"),
            std::string(kind) + " hooks in order: " + started);
    t.kill(id, "KILL");
    t.wait_for_status(id, "stopped");
    t.check("R-7.13", labels(log_of(bundle)).find("poststop") == std::string::npos, "no poststop hook before delete");
    t.remove(id);
    auto lines = lines_of(log_of(bundle));
    t.check("R-2.20", labels(log_of(bundle)).ends_with("poststop1 poststop2"), "delete calls poststop hooks: " + labels(log_of(bundle)));
    for (auto const* kind : kinds) {
        auto state = state_of(line_of(lines, std::string(kind) + "1"));
        t.check("R-7.7",
            text_at(state, "id") == id && text_at(state, "bundle") == bundle.folder() && !text_at(state, "ociVersion").empty()
                && text_at(at(state, "annotations"), "com.example.hook") == "yes",
            std::string(kind) + " reads on standard input: " + one_line(text_at(line_of(lines, std::string(kind) + "1"), "stdin")));
    }
    auto status = [&](std::string const& label) { return text_at(state_of(line_of(lines, label)), "status"); };
    for (auto const* label : { "prestart1", "createRuntime1", "createContainer1" })
        t.check("R-7.14", status(label) == "creating" || status(label) == "created", std::string(label) + " sees status \"" + status(label) + "\"");
    auto starting = status("startContainer1"); // a word of the runtime's own is allowed for a state of its own
    t.check("R-7.14", !starting.empty() && starting != "running" && starting != "stopped" && starting != "creating",
        "startContainer sees status \"" + starting + "\"");
    t.equal("R-7.14", status("poststart1"), "running", "status in poststart");
    t.equal("R-7.14", status("poststop1"), "stopped", "status in poststop");
    auto everything = { "mnt", "net", "ipc", "uts", "pid" };
    t.check("R-7.8", same_namespaces(line_of(lines, "prestart1"), runtime_spaces, everything), "prestart runs in the runtime's namespaces");
    t.check("R-7.9", same_namespaces(line_of(lines, "createRuntime1"), runtime_spaces, everything), "createRuntime runs in the runtime's namespaces");
    t.check("R-7.12", same_namespaces(line_of(lines, "poststart1"), runtime_spaces, everything), "poststart runs in the runtime's namespaces");
    t.check("R-7.13", same_namespaces(line_of(lines, "poststop1"), runtime_spaces, everything), "poststop runs in the runtime's namespaces");
    auto inner = line_of(lines, "createContainer1");
    t.check("R-7.10", same_namespaces(inner, container_spaces, { "mnt", "net", "ipc", "uts" }), "createContainer runs in the container's namespaces");
    t.check("R-7.10", !flag_at(inner, "root_has_guest"), "createContainer runs before the root changes");
    inner = line_of(lines, "startContainer1");
    t.check("R-7.11", same_namespaces(inner, container_spaces, everything), "startContainer runs in the container's namespaces");
    t.check("R-7.11", flag_at(inner, "root_has_guest"), "startContainer runs in the container's root");
    auto seen = at(line_of(lines, "createRuntime1"), "container_ns");
    t.check("R-7.9", number_at(seen, "net") == container_spaces["net"] && number_at(seen, "net") != runtime_spaces["net"],
        "in createRuntime the pid of the state is already in the container's network namespace");
    auto hook_pid = [&](std::string const& label) { return number_at(state_of(line_of(lines, label)), "pid"); };
    t.equal("R-7.15", hook_pid("createRuntime1"), pid, "pid in createRuntime");
    t.equal("R-7.15", hook_pid("poststart1"), pid, "pid in poststart");
    t.equal("R-7.15", hook_pid("startContainer1"), 1, "pid in startContainer");
}

OCI_TEST(hooks_get_their_arguments_and_environment, "R-7.2", "R-7.3", "R-7.17")
{
    auto bundle = t.new_bundle();
    auto log = log_of(bundle);
    bundle.add_hook(
        "createRuntime", t.settings().guest, { "any-name", "hook", log, "named", "", "last word" }, { { "env", { "HOOK=1", "EMPTY=" } } });
    bundle.add_hook("createRuntime", t.settings().guest, { "any-name", "hook", log, "bare" });
    auto id = t.new_id();
    bundle.save();
    if (!t.create(bundle, id, {}, { .environment = { "OCI_CONFORMANCE_SECRET=1" } }).ok())
        return;
    auto lines = lines_of(log);
    t.equal("R-7.2", at(line_of(lines, "named"), "args"), { "any-name", "hook", log, "named", "", "last word" }, "args");
    t.equal("R-7.3", at(line_of(lines, "named"), "env"), { "HOOK=1", "EMPTY=" }, "env");
    auto bare = show(at(line_of(lines, "bare"), "env"));
    t.check("R-7.17", bare.find("OCI_CONFORMANCE_SECRET") == std::string::npos, "a hook without env does not see the runtime's own environment");
}

OCI_TEST(hooks_are_checked, "R-7.1", "R-7.4", "R-7.16")
{
    auto bundle = t.new_bundle();
    bundle.add_hook("createRuntime", "relative/hook", { "hook" });
    t.refuses("R-7.1", bundle, "a relative path");
    auto second = t.new_bundle();
    add_logger(t, second, "createRuntime", "zero", "", { { "timeout", 0 } });
    t.refuses("R-7.4", second, "timeout 0");
    auto third = t.new_bundle();
    add_logger(t, third, "createRuntime", "negative", "", { { "timeout", -1 } });
    t.refuses("R-7.4", third, "timeout -1");
    auto fourth = t.new_bundle();
    fourth.add_hook("createRuntime", "/absent/hook", { "hook" });
    t.refuses("R-7.16", fourth, "a hook that does not exist");
}

OCI_TEST(a_timeout_ends_a_hook, "R-7.5")
{
    auto bundle = t.new_bundle();
    add_logger(t, bundle, "createRuntime", "slow", "sleep", { { "timeout", 1 } });
    auto begin = std::chrono::steady_clock::now();
    t.refuses("R-7.5", bundle, "a hook that sleeps 20 s with a timeout of 1 s");
    auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin).count();
    t.check("R-7.5", took < 5000, "it took " + std::to_string(took) + " ms");
}

OCI_TEST(failing_hooks_before_start_end_the_container, "R-2.13", "R-2.14", "R-2.15")
{
    for (auto [kind, requirement] : { std::pair("prestart", "R-2.13"), { "createRuntime", "R-2.14" }, { "createContainer", "R-2.15" } }) {
        auto bundle = t.new_bundle();
        add_logger(t, bundle, kind, "bad", "fail");
        add_logger(t, bundle, kind, "never");
        bundle.probes({ "append:/hooks.log:\"program\"" });
        t.refuses(requirement, bundle, std::string("a failing ") + kind + " hook");
        auto seen = labels(log_of(bundle));
        t.check(requirement, seen.starts_with("bad") && seen.find("program") == std::string::npos,
            std::string(kind) + ", the program never runs: " + seen);
        t.check(requirement,
            cgroups_named(text_at(bundle.config["linux"], "cgroupsPath").substr(text_at(bundle.config["linux"], "cgroupsPath").rfind('/') + 1))
                .empty(),
            "no control group is left");
    }
}

OCI_TEST(a_failing_start_hook_ends_the_container, "R-2.16")
{
    auto bundle = t.new_bundle();
    add_logger(t, bundle, "startContainer", "bad", "fail");
    bundle.probes({ "append:/hooks.log:\"program\"", "serve" });
    auto id = t.new_id();
    if (!t.create(bundle, id).ok())
        return;
    t.check("R-2.16", t.command({ "start", id }).refused(), "start is an error");
    wait_until([&] { return t.status(id) != "running"; }, std::chrono::seconds(1));
    t.check("R-2.16", labels(log_of(bundle)).find("program") == std::string::npos, "the program never ran");
    auto status = t.status(id);
    t.check("R-2.16", status.empty() || status == "stopped", "afterwards the status is \"" + status + "\"");
}

OCI_TEST(a_failing_poststart_hook_is_an_error, "R-2.18")
{
    auto bundle = t.new_bundle();
    add_logger(t, bundle, "poststart", "bad", "fail");
    bundle.probes({ "serve" });
    auto id = t.new_id();
    if (!t.create(bundle, id).ok())
        return;
    t.check("R-2.18", t.command({ "start", id }).refused(), "start is an error");
    t.check("R-2.18", wait_until([&] { return t.status(id) != "running"; }, std::chrono::seconds(2)),
        "the container is stopped, its status is \"" + t.status(id) + "\"");
}

OCI_TEST(failing_poststop_hooks_do_not_stop_the_deletion, "R-2.21")
{
    auto bundle = t.new_bundle();
    add_logger(t, bundle, "poststop", "bad", "fail");
    add_logger(t, bundle, "poststop", "next");
    bundle.probes({ "exit:0" });
    auto id = t.new_id();
    if (!t.create(bundle, id).ok() || !t.start(id).ok() || !t.wait_for_status(id, "stopped"))
        return;
    auto done = t.remove(id);
    t.check("R-2.21", done.ok(), "delete " + done.describe());
    t.check("R-2.21", t.state(id).is_null(), "the container is gone");
    t.equal("R-2.21", labels(log_of(bundle)), "bad next", "the other hooks still run");
}
