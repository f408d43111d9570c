// config-linux.md: namespaces new, joined and inherited; user mappings; clocks.
#include "driver/session.h"

#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <ctime>

using namespace conformance;

namespace {

// A process that only holds namespaces open until it goes out of scope.
class Holder {
public:
    explicit Holder(unsigned long flags)
        : m_pid(static_cast<pid_t>(syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0)))
    {
        if (m_pid == 0) {
            for (;;)
                pause();
        }
    }
    ~Holder()
    {
        if (m_pid > 0) {
            kill(m_pid, SIGKILL);
            waitpid(m_pid, nullptr, 0);
        }
    }
    Holder(Holder const&) = delete;
    Holder& operator=(Holder const&) = delete;

    std::string path(std::string const& type) const { return "/proc/" + std::to_string(m_pid) + "/ns/" + type; }
    int pid() const { return m_pid; }

private:
    pid_t m_pid;
};

std::string file_of(std::string const& type)
{
    return type == "network" ? "net" : type == "mount" ? "mnt" : type;
}

} // namespace

OCI_TEST(namespaces_without_path_are_new, "R-8.1", "R-8.2", "R-8.3", "R-8.4", "R-8.5", "R-8.7")
{
    auto bundle = t.new_bundle();
    bundle.set_namespace("cgroup");
    auto report = t.report(bundle);
    if (report.is_null())
        return;
    auto mine = namespaces_of("self");
    for (auto [type, requirement] :
        { std::pair("pid", "R-8.1"), { "net", "R-8.2" }, { "mnt", "R-8.3" }, { "ipc", "R-8.4" }, { "uts", "R-8.5" }, { "cgroup", "R-8.7" } }) {
        auto inode = number_at(at(report, "ns"), type);
        t.check(requirement, inode > 0 && inode != mine[type], std::string(type) + " namespace is new");
    }
    t.equal("R-8.1", number_at(report, "pid"), 1, "the program's pid");
    t.check("R-8.2", at(report, "network").size() <= 1, "network devices: " + one_line(show(at(report, "network"))));
    t.check("R-8.7", text_at(report, "cgroup").find(t.settings().mark) == std::string::npos,
        "/proc/self/cgroup hides the path above: " + one_line(text_at(report, "cgroup")));
}

OCI_TEST(namespaces_not_listed_are_inherited, "R-8.13")
{
    auto bundle = t.new_bundle();
    for (auto const* type : { "network", "ipc", "uts" })
        bundle.remove_namespace(type);
    bundle.config.erase("hostname");
    auto report = t.report(bundle);
    if (report.is_null())
        return;
    auto mine = namespaces_of("self");
    for (auto const* type : { "net", "ipc", "uts", "user", "cgroup", "time" })
        t.equal("R-8.13", number_at(at(report, "ns"), type), mine[type], type);
    auto second = t.new_bundle();
    second.remove_namespace("pid");
    auto id = t.new_id();
    if (!t.create(second, id).ok())
        return;
    t.equal("R-8.13", inode_of("/proc/" + std::to_string(number_at(t.state(id), "pid")) + "/ns/pid"), mine["pid"], "pid");
}

OCI_TEST(namespaces_with_path_are_joined, "R-8.9", "R-8.10", "R-8.21")
{
    Holder holder(CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP);
    if (!t.check("R-8.9", holder.pid() > 0, "namespaces to join were made"))
        return;
    for (auto const* type : { "network", "ipc", "uts", "cgroup" }) {
        auto requirement = type == std::string_view("cgroup") ? "R-8.21" : "R-8.9";
        auto bundle = t.new_bundle();
        bundle.set_namespace(type, holder.path(file_of(type)));
        if (type == std::string_view("uts"))
            bundle.config.erase("hostname");
        auto done = t.run(bundle);
        auto report = report_in(done.output);
        t.equal(requirement, number_at(at(report, "ns"), file_of(type)), inode_of(holder.path(file_of(type))),
            std::string(type) + " (" + done.describe() + ")");
    }
    Holder first_process(CLONE_NEWPID);
    auto bundle = t.new_bundle();
    bundle.set_namespace("pid", first_process.path("pid"));
    auto done = t.run(bundle);
    t.equal("R-8.10", number_at(at(report_in(done.output), "ns"), "pid"), inode_of(first_process.path("pid")), "pid (" + done.describe() + ")");
}

OCI_TEST(wrong_namespaces_are_refused, "R-8.11", "R-8.12", "R-8.14", "R-8.15", "R-8.16")
{
    Holder holder(CLONE_NEWNET | CLONE_NEWUTS);
    auto bundle = t.new_bundle();
    bundle.set_namespace("network", holder.path("uts"));
    t.refuses("R-8.11", bundle, "a uts namespace as network");
    bundle.set_namespace("network", "/etc/passwd");
    t.refuses("R-8.11", bundle, "a file that is no namespace");
    bundle.set_namespace("network", "proc/" + std::to_string(holder.pid()) + "/ns/net");
    t.refuses("R-8.12", bundle, "a relative path");
    bundle.set_namespace("network", "/proc/self/ns/absent");
    t.refuses("R-8.16", bundle, "a path that does not exist");
    bundle.set_namespace("network");
    bundle.config["linux"]["namespaces"].push_back({ { "type", "uts" } });
    t.refuses("R-8.14", bundle, "uts twice");
    auto second = t.new_bundle();
    second.set_namespace("nonsense");
    t.refuses("R-8.15", second, "an unknown type");
    auto third = t.new_bundle();
    third.config["linux"]["namespaces"].push_back({ { "path", "/proc/self/ns/net" } });
    t.refuses("R-8.15", third, "no type");
}

OCI_TEST(a_user_namespace_maps_ids, "R-8.6", "R-8.17", "R-8.18", "R-10.34")
{
    auto bundle = t.new_bundle();
    bundle.map_users(200000, 65536);
    write_file(bundle.in_root("/of-nobody"), "");
    if (chown(bundle.in_root("/of-nobody").c_str(), 201000, 201000) != 0 || chmod(bundle.in_root("/of-nobody").c_str(), 0600) != 0)
        return;
    struct stat before {
    }, after {};
    stat(bundle.in_root("/etc/passwd").c_str(), &before);
    bundle.probes({ "stat:/of-nobody", "stat:/etc/passwd", "create:/made:x", "report", "serve" });
    auto id = t.start_serving(bundle);
    if (id.empty())
        return;
    auto report = report_in(t.output_of(id));
    auto inode = number_at(at(report, "ns"), "user");
    t.check("R-8.6", inode > 0 && inode != namespaces_of("self")["user"], "the user namespace is new");
    for (auto const* map : { "uid_map", "gid_map" }) {
        long inside = -1, outside = -1, count = -1;
        sscanf(text_at(at(report, "ids"), map).c_str(), "%ld %ld %ld", &inside, &outside, &count);
        t.check("R-8.17", inside == 0 && outside == 200000 && count == 65536, std::string(map) + ": " + one_line(text_at(at(report, "ids"), map)));
    }
    t.equal("R-8.17", number_at(result_of(report, "stat:/of-nobody"), "uid"), 1000, "an id seen inside");
    struct stat made { };
    stat(bundle.in_root("/made").c_str(), &made);
    t.equal("R-8.17", made.st_uid, 200000, "owner on the host of a file made by the container's root");
    stat(bundle.in_root("/etc/passwd").c_str(), &after);
    t.check("R-8.18", before.st_uid == after.st_uid && before.st_gid == after.st_gid, "ownership in the root file system is unchanged");
    auto folder = cgroup_folder(static_cast<int>(number_at(t.state(id), "pid")), "memory");
    auto hierarchies = cgroup_hierarchies();
    auto const* memory = find_hierarchy(hierarchies, "memory");
    if (memory == nullptr || memory->unified)
        return t.skip("R-10.34", "no version 1 hierarchy here");
    struct stat group { };
    stat(folder.c_str(), &group);
    t.equal("R-10.34", group.st_uid, 0, "owner of the control group");
}

OCI_TEST(a_user_namespace_can_be_joined, "R-8.20")
{
    Holder holder(CLONE_NEWUSER);
    auto process = "/proc/" + std::to_string(holder.pid());
    if (!write_file(process + "/uid_map", "0 0 65536") || !write_file(process + "/gid_map", "0 0 65536"))
        return t.skip_all("cannot map ids of a user namespace here");
    auto bundle = t.new_bundle();
    bundle.set_namespace("user", holder.path("user"));
    auto done = t.run(bundle);
    t.equal("R-8.20", number_at(at(report_in(done.output), "ns"), "user"), inode_of(holder.path("user")), "user (" + done.describe() + ")");
}

OCI_TEST(clocks_can_be_shifted, "R-8.8", "R-8.19")
{
    auto bundle = t.new_bundle();
    bundle.set_namespace("time");
    bundle.config["linux"]["timeOffsets"] = { { "monotonic", { { "secs", 50000 }, { "nanosecs", 0 } } }, { "boottime", { { "secs", 90000 } } } };
    auto done = t.run(bundle);
    auto report = report_in(done.output);
    t.note("run " + done.describe());
    if (report.is_null())
        return;
    auto inode = number_at(at(report, "ns"), "time");
    t.check("R-8.8", inode > 0 && inode != namespaces_of("self")["time"], "the time namespace is new");
    timespec monotonic {}, boot {};
    clock_gettime(CLOCK_MONOTONIC, &monotonic);
    clock_gettime(CLOCK_BOOTTIME, &boot);
    auto shift = [&](char const* clock, long now) { return number_at(at(report, "clocks"), clock) - now; };
    t.check("R-8.19", std::abs(shift("monotonic", monotonic.tv_sec) - 50000) < 10,
        "monotonic is ahead by " + std::to_string(shift("monotonic", monotonic.tv_sec)) + " s");
    t.check("R-8.19", std::abs(shift("boottime", boot.tv_sec) - 90000) < 10,
        "boottime is ahead by " + std::to_string(shift("boottime", boot.tv_sec)) + " s");
}
