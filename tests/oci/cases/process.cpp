// config.md, process and user: what the program finds when it begins.
#include "driver/console.h"
#include "driver/session.h"

#include <sched.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>

using namespace conformance;

namespace {

// The names' bits as /proc/PID/status prints them.
std::string capability_bits(std::vector<int> const& numbers)
{
    unsigned long long bits = 0;
    for (int number : numbers)
        bits |= 1ULL << number;
    char text[32];
    snprintf(text, sizeof(text), "%016llx", bits);
    return text;
}

} // namespace

OCI_TEST(a_terminal_is_on_all_three_streams, "R-6.1", "R-6.3", "R-9.9")
{
    auto bundle = t.new_bundle();
    bundle.config["process"]["terminal"] = true;
    bundle.config["process"]["consoleSize"] = { { "height", 31 }, { "width", 99 } };
    bundle.probes({ "stat:/dev/console", "open:w:/dev/console", "open:r:/dev/tty", "out:/report.json", "report", "serve" });
    ConsoleSocket console(t.path("console"));
    auto id = t.new_id();
    if (!t.create(bundle, id, { "--console-socket", console.path() }).ok())
        return;
    if (!t.check("R-6.1", console.receive(), "the terminal arrives over the console socket") || !t.start(id).ok())
        return;
    auto seen = console.read_until("serving");
    auto report = report_in(read_file(bundle.in_root("/report.json")));
    t.check("R-6.1", seen.find("serving") != std::string::npos, "output comes through the terminal");
    for (int fd = 0; fd < 3; ++fd) {
        auto const& stream = at(at(report, "terminal"), static_cast<std::size_t>(fd));
        t.check("R-6.1", flag_at(stream, "tty"), "descriptor " + std::to_string(fd) + " is a terminal");
        t.equal("R-6.1", at(stream, "device"), at(at(at(report, "terminal"), 0), "device"), "all three are the same terminal");
    }
    t.check("R-6.1", probe_ok(report, "open:r:/dev/tty"), "it is the controlling terminal");
    auto const& first = at(at(report, "terminal"), 0);
    t.equal("R-6.3", { at(first, "rows"), at(first, "columns") }, { 31, 99 }, "rows and columns");
    t.equal("R-9.9", text_at(result_of(report, "stat:/dev/console"), "type"), "c", "/dev/console is a character device");
    auto mount = mount_at(report, "/dev/console");
    t.check("R-9.9", text_at(mount, "type") == "devpts" && probe_ok(report, "open:w:/dev/console"), "/dev/console is a mount of the pseudoterminal");
    console.type("\x03");
    t.check("R-6.1", console.read_until("signal 2").find("signal 2") != std::string::npos, "control-C typed outside is SIGINT inside");
}

OCI_TEST(without_terminal_there_is_none, "R-6.2", "R-6.4")
{
    auto bundle = t.new_bundle();
    bundle.config["process"]["consoleSize"] = { { "height", 31 }, { "width", 99 } };
    bundle.probes({ "stat:/dev/console", "report" });
    auto report = t.report(bundle);
    if (report.is_null())
        return;
    for (std::size_t fd = 0; fd < 3; ++fd)
        t.check("R-6.2", !flag_at(at(at(report, "terminal"), fd), "tty"), "descriptor " + std::to_string(fd) + " is no terminal");
    t.check("R-6.4", true, "consoleSize without terminal is accepted");
}

OCI_TEST(the_working_directory_is_cwd, "R-6.5", "R-6.6", "R-15.30")
{
    auto bundle = t.new_bundle();
    bundle.config["process"]["cwd"] = "/home/deep";
    t.equal("R-6.5", text_at(t.report(bundle), "cwd"), "/home/deep", "cwd");
    bundle.config["process"]["cwd"] = "/made/for/you";
    t.equal("R-15.30", text_at(t.report(bundle), "cwd"), "/made/for/you", "cwd that did not exist");
    bundle.config["process"]["cwd"] = "home/deep";
    t.refuses("R-6.6", bundle, "a relative cwd");
    bundle.config["process"].erase("cwd");
    t.refuses("R-6.6", bundle, "no cwd");
}

OCI_TEST(the_environment_is_env, "R-6.7")
{
    auto bundle = t.new_bundle();
    bundle.config["process"]["env"] = { "PATH=/bin", "EMPTY=", "WITH=equals=and blanks", "LINE=a\nb", "UTF=\xc3\xa4" };
    auto report = t.report(bundle, {});
    if (report.is_null())
        return;
    Json got = Json::array();
    for (auto const& entry : at(report, "env")) {
        if (!entry.is_string() || !entry.get<std::string>().starts_with("HOME="))
            got.push_back(entry);
    }
    t.equal("R-6.7", got, bundle.config["process"]["env"], "environment");
}

OCI_TEST(the_program_is_found_as_execvp_does, "R-6.8", "R-6.9", "R-6.10", "R-6.11")
{
    auto bundle = t.new_bundle();
    bundle.config["process"]["args"] = { "oci-guest", "", "with blank", "report" };
    bundle.config["process"]["env"] = { "PATH=/nowhere:/" };
    auto report = t.report(bundle);
    t.check("R-6.9", !report.is_null(), "oci-guest is found through PATH of env");
    t.equal("R-6.10", at(report, "args"), bundle.config["process"]["args"], "args");
    bundle.config["process"]["env"] = { "PATH=/bin" };
    t.refuses_by_start("R-6.9", bundle, "a program that PATH does not have");
    bundle.config["process"]["args"] = { "/absent" };
    t.refuses_by_start("R-6.11", bundle, "a program that does not exist");
    bundle.config["process"]["args"] = { "/etc/passwd" };
    t.refuses_by_start("R-6.11", bundle, "a file that cannot be executed");
    bundle.config["process"]["args"] = Json::array();
    t.refuses_by_start("R-6.8", bundle, "args is empty");
    bundle.config["process"].erase("args");
    t.refuses_by_start("R-6.8", bundle, "no args");
}

OCI_TEST(limits_are_set, "R-6.12", "R-6.13", "R-6.14", "R-6.15")
{
    auto bundle = t.new_bundle();
    Json list = Json::array();
    list.push_back({ { "type", "RLIMIT_NOFILE" }, { "soft", 700 }, { "hard", 900 } });
    list.push_back({ { "type", "RLIMIT_CORE" }, { "soft", 0 }, { "hard", 4096 } });
    list.push_back({ { "type", "RLIMIT_AS" }, { "soft", 1ULL << 40 }, { "hard", 1ULL << 41 } });
    list.push_back({ { "type", "RLIMIT_CPU" }, { "soft", 100 }, { "hard", 200 } });
    list.push_back({ { "type", "RLIMIT_STACK" }, { "soft", 4 << 20 }, { "hard", 8 << 20 } });
    bundle.config["process"]["rlimits"] = list;
    auto report = t.report(bundle);
    if (!report.is_null()) {
        for (auto const& limit : list) {
            auto const& got = at(at(report, "rlimits"), text_at(limit, "type"));
            t.equal("R-6.13", at(got, "soft"), limit["soft"], text_at(limit, "type") + " soft");
            t.equal("R-6.14", at(got, "hard"), limit["hard"], text_at(limit, "type") + " hard");
        }
    }
    bundle.config["process"]["rlimits"] = Json::array({ { { "type", "RLIMIT_NONSENSE" }, { "soft", 1 }, { "hard", 1 } } });
    t.refuses("R-6.12", bundle, "an unknown rlimit");
    bundle.config["process"]["rlimits"] = { list[0], list[0] };
    t.refuses("R-6.15", bundle, "the same rlimit twice");
}

OCI_TEST(each_capability_set_is_as_configured, "R-6.16", "R-6.17", "R-6.18", "R-6.19", "R-6.20")
{
    auto bundle = t.new_bundle();
    // CAP_CHOWN 0, CAP_FOWNER 3, CAP_KILL 5, CAP_NET_BIND_SERVICE 10, CAP_SYS_CHROOT 18
    bundle.config["process"]["capabilities"] = { { "bounding", { "CAP_CHOWN", "CAP_FOWNER", "CAP_KILL", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT" } },
        { "permitted", { "CAP_CHOWN", "CAP_FOWNER", "CAP_KILL", "CAP_NET_BIND_SERVICE" } }, { "inheritable", { "CAP_KILL", "CAP_NET_BIND_SERVICE" } },
        { "effective", { "CAP_CHOWN", "CAP_KILL", "CAP_NET_BIND_SERVICE" } }, { "ambient", { "CAP_NET_BIND_SERVICE", "CAP_KILL" } } };
    // A user other than root: root's execve would fill permitted and effective from the bounding set (capabilities(7)).
    bundle.config["process"]["user"] = { { "uid", 1000 }, { "gid", 1000 } };
    auto report = t.report(bundle);
    if (report.is_null())
        return;
    auto const& status = at(report, "status");
    t.equal("R-6.17", text_at(status, "CapBnd"), capability_bits({ 0, 3, 5, 10, 18 }), "bounding");
    t.equal("R-6.18", text_at(status, "CapInh"), capability_bits({ 5, 10 }), "inheritable");
    t.equal("R-6.20", text_at(status, "CapAmb"), capability_bits({ 5, 10 }), "ambient");
    // Across execve of a user's program permitted and effective are what ambient gives.
    t.equal("R-6.19", text_at(status, "CapPrm"), capability_bits({ 5, 10 }), "permitted of a user, after execve");
    t.equal("R-6.16", text_at(status, "CapEff"), capability_bits({ 5, 10 }), "effective of a user, after execve");
    bundle.config["process"]["user"] = { { "uid", 0 }, { "gid", 0 } };
    bundle.config["process"]["capabilities"]
        = { { "bounding", { "CAP_CHOWN", "CAP_KILL" } }, { "permitted", { "CAP_CHOWN", "CAP_KILL" } }, { "effective", { "CAP_CHOWN", "CAP_KILL" } } };
    report = t.report(bundle);
    t.equal("R-6.19", text_at(at(report, "status"), "CapPrm"), capability_bits({ 0, 5 }), "permitted of root");
    t.equal("R-6.16", text_at(at(report, "status"), "CapEff"), capability_bits({ 0, 5 }), "effective of root");
    bundle.config["process"].erase("capabilities");
    report = t.report(bundle);
    t.equal("R-6.16", text_at(at(report, "status"), "CapEff"), capability_bits({}), "effective without capabilities");
    t.equal("R-6.17", text_at(at(report, "status"), "CapBnd"), capability_bits({}), "bounding without capabilities");
}

OCI_TEST(capabilities_that_cannot_be_had_are_warnings, "R-6.21", "R-6.22")
{
    auto bundle = t.new_bundle();
    for (auto const* set : { "bounding", "effective", "permitted" })
        bundle.config["process"]["capabilities"][set].push_back("CAP_NONSENSE");
    auto done = t.run(bundle);
    t.check("R-6.21", !report_in(done.output).is_null(), "an unknown capability: " + done.describe());
    t.check("R-6.22", done.errors.find("CAP_NONSENSE") != std::string::npos, "the warning names it: \"" + one_line(done.errors) + "\"");
    if (has_capability(24)) {
        t.skip("R-6.21", "this host grants CAP_SYS_RESOURCE");
        return;
    }
    auto second = t.new_bundle();
    for (auto const* set : { "bounding", "effective", "permitted" })
        second.config["process"]["capabilities"][set].push_back("CAP_SYS_RESOURCE");
    done = t.run(second);
    t.check("R-6.21", !report_in(done.output).is_null(), "CAP_SYS_RESOURCE, which the runtime itself lacks: " + done.describe());
}

OCI_TEST(no_new_privileges_is_set_only_when_asked, "R-6.23", "R-6.24")
{
    auto bundle = t.new_bundle();
    bundle.config["process"]["noNewPrivileges"] = true;
    t.equal("R-6.23", text_at(at(t.report(bundle), "status"), "NoNewPrivs"), "1", "NoNewPrivs");
    bundle.config["process"].erase("noNewPrivileges");
    t.equal("R-6.24", text_at(at(t.report(bundle), "status"), "NoNewPrivs"), "0", "NoNewPrivs");
}

OCI_TEST(the_oom_score_is_set_only_when_asked, "R-6.25", "R-6.26")
{
    auto bundle = t.new_bundle();
    bundle.config["process"]["oomScoreAdj"] = 321;
    t.equal("R-6.25", trimmed(text_at(t.report(bundle), "oom_score_adj")), "321", "oom_score_adj");
    bundle.config["process"]["oomScoreAdj"] = 0;
    write_file("/proc/self/oom_score_adj", "55");
    t.equal("R-6.26", trimmed(read_file("/proc/self/oom_score_adj")), "55", "the driver's own value");
    bundle.config["process"].erase("oomScoreAdj");
    t.equal("R-6.26", trimmed(text_at(t.report(bundle), "oom_score_adj")), "55", "oom_score_adj of the caller stays");
}

OCI_TEST(the_scheduler_is_applied, "R-6.27", "R-6.28", "R-6.29")
{
    auto bundle = t.new_bundle();
    auto& scheduler = bundle.config["process"]["scheduler"];
    scheduler = { { "policy", "SCHED_BATCH" }, { "nice", 5 } };
    auto sched = at(t.report(bundle), "sched");
    t.equal("R-6.27", { at(sched, "policy"), at(sched, "nice") }, { SCHED_BATCH, 5 }, "policy and nice of SCHED_BATCH");
    scheduler = { { "policy", "SCHED_OTHER" } };
    sched = at(t.report(bundle), "sched");
    t.equal("R-6.28", { at(sched, "policy"), at(sched, "nice"), at(sched, "priority") }, { SCHED_OTHER, 0, 0 }, "defaults");
    scheduler = { { "policy", "SCHED_OTHER" }, { "nice", 3 }, { "flags", { "SCHED_FLAG_RESET_ON_FORK" } } };
    // The flag is dropped in children and kept across execve, so the program itself shows it.
    sched = at(t.report(bundle), "sched");
    t.equal("R-6.29", number_at(sched, "flags") & 1, 1, "SCHED_FLAG_RESET_ON_FORK");
    scheduler = { { "policy", "SCHED_NONSENSE" } };
    t.refuses("R-6.29", bundle, "an unknown policy");
    // The cpu controller of version 1 has no real-time share for new groups, so no cgroup of its own here.
    scheduler = { { "policy", "SCHED_FIFO" }, { "priority", 7 } };
    auto fifo = t.run(bundle);
    auto report = report_in(fifo.output);
    if (report.is_null() && fifo.errors.find("ermitted") != std::string::npos)
        t.check("R-6.27", true, "real-time policies are not to be had in this control group");
    else
        t.equal("R-6.27", { at(at(report, "sched"), "policy"), at(at(report, "sched"), "priority") }, { SCHED_FIFO, 7 },
            "policy and priority of SCHED_FIFO: " + one_line(fifo.errors));
}

OCI_TEST(deadline_scheduling, "R-6.44")
{
    auto bundle = t.new_bundle();
    bundle.config["process"]["scheduler"]
        = { { "policy", "SCHED_DEADLINE" }, { "runtime", 1000000 }, { "deadline", 10000000 }, { "period", 20000000 } };
    auto done = t.run(bundle);
    auto report = report_in(done.output);
    if (report.is_null()) {
        t.skip_all("the kernel refuses SCHED_DEADLINE here: " + one_line(done.errors, 120));
        return;
    }
    auto policy = number_at(at(report, "sched"), "policy");
    if (policy != 6 && t.settings().claimed_version.starts_with("1.0"))
        t.skip_all("asked for since 1.1, the runtime claims " + t.settings().claimed_version);
    else
        t.equal("R-6.44", policy, 6, "policy");
}

OCI_TEST(the_io_priority_is_applied, "R-6.30", "R-6.31")
{
    auto bundle = t.new_bundle();
    auto& priority = bundle.config["process"]["ioPriority"];
    priority = { { "class", "IOPRIO_CLASS_BE" }, { "priority", 6 } };
    auto sched = at(t.report(bundle), "sched");
    t.equal("R-6.30", { at(sched, "io_class"), at(sched, "io_priority") }, { 2, 6 }, "class and priority");
    priority = { { "class", "IOPRIO_CLASS_IDLE" }, { "priority", 0 } };
    t.equal("R-6.30", at(at(t.report(bundle), "sched"), "io_class"), 3, "class idle");
    priority = { { "class", "IOPRIO_CLASS_NONSENSE" }, { "priority", 0 } };
    t.refuses("R-6.31", bundle, "an unknown class");
}

OCI_TEST(exec_affinity_concerns_exec_only, "R-6.32", "R-6.33")
{
    if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
        return t.skip_all("one processor only");
    auto bundle = t.new_bundle();
    bundle.config["process"]["execCPUAffinity"] = { { "initial", "0" }, { "final", "1" } };
    bundle.probes({ "report", "serve" });
    auto id = t.start_serving(bundle);
    if (id.empty())
        return;
    auto report = report_in(t.output_of(id));
    t.check("R-6.33", at(at(report, "sched"), "affinity").size() > 1, "the first process may use " + show(at(at(report, "sched"), "affinity")));
    auto process = bundle.config["process"];
    process["args"] = { "/oci-guest", "report" };
    auto done = t.exec(id, process);
    t.equal("R-6.32", at(at(report_in(done.output), "sched"), "affinity"), Json::array({ 1 }), "affinity of the process of exec");
}

OCI_TEST(the_user_is_as_configured, "R-6.35", "R-6.36", "R-6.37", "R-6.38")
{
    auto bundle = t.new_bundle();
    bundle.config["process"]["user"] = { { "uid", 1000 }, { "gid", 1001 }, { "additionalGids", { 5, 4242, 77 } }, { "umask", 027 } };
    bundle.config["process"]["env"] = { "PATH=/bin", "HOME=/" };
    auto ids = at(t.report(bundle), "ids");
    t.equal("R-6.35", at(ids, "uid"), { 1000, 1000, 1000 }, "real, effective and saved uid");
    t.equal("R-6.35", at(ids, "gid"), { 1001, 1001, 1001 }, "real, effective and saved gid");
    auto groups = at(ids, "groups");
    std::sort(groups.begin(), groups.end());
    Json without_own = Json::array();
    for (auto const& group : groups) {
        if (group != 1001)
            without_own.push_back(group);
    }
    t.equal("R-6.36", without_own, { 5, 77, 4242 }, "supplementary groups");
    t.equal("R-6.37", at(ids, "umask"), 027, "umask");
    bundle.config["process"]["user"] = { { "uid", 1000 }, { "gid", 1001 } };
    ids = at(t.report(bundle), "ids");
    groups = at(ids, "groups");
    t.check(
        "R-6.36", groups.is_array() && (groups.empty() || groups == Json::array({ 1001 })), "without additionalGids the groups are " + show(groups));
    t.equal("R-6.38", at(ids, "umask"), 022, "umask when none is given");
    bundle.config["process"].erase("user");
    bundle.config["process"]["user"] = { { "uid", 0 }, { "gid", 0 }, { "umask", 0 } };
    t.equal("R-6.37", at(at(t.report(bundle), "ids"), "umask"), 0, "umask 0");
}

OCI_TEST(host_and_domain_name_are_seen_inside_only, "R-6.39", "R-6.40")
{
    utsname before {}, after {};
    uname(&before);
    auto bundle = t.new_bundle();
    bundle.config["hostname"] = "inside-host";
    bundle.config["domainname"] = "inside.domain";
    auto report = t.report(bundle);
    uname(&after);
    t.equal("R-6.39", text_at(report, "hostname"), "inside-host", "hostname inside");
    t.equal("R-6.40", text_at(report, "domainname"), "inside.domain", "domainname inside");
    t.check("R-6.39", std::string_view(before.nodename) == after.nodename, "the host keeps its name");
    t.check("R-6.40", std::string_view(before.domainname) == after.domainname, "the host keeps its domain name");
}

OCI_TEST(security_labels, "R-6.41", "R-6.42", "R-6.43")
{
    auto bundle = t.new_bundle();
    if (has_apparmor()) {
        bundle.config["process"]["apparmorProfile"] = "unconfined";
        t.check("R-6.41", !t.report(bundle).is_null(), "profile unconfined is applied");
        bundle.config["process"]["apparmorProfile"] = "oci-conformance-no-such-profile";
        t.refuses_by_start("R-6.43", bundle, "an AppArmor profile that is not loaded");
    } else {
        t.skip("R-6.41", "this host has no AppArmor");
        bundle.config["process"]["apparmorProfile"] = "oci-conformance";
        t.refuses_by_start("R-6.43", bundle, "an AppArmor profile on a host without AppArmor");
    }
    t.skip("R-6.42", has_selinux() ? "needs a policy that the suite does not bring" : "this host has no SELinux");
}
