// config-linux.md, control groups: the place, and every limit as the kernel's files show it.
#include "driver/session.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <algorithm>
#include <csignal>
#include <filesystem>

using namespace conformance;

namespace {

struct Setting {
    char const* file;
    std::string value;
};

// A created container and its files in every hierarchy.
class Limited {
public:
    Limited(Session& session, Json const& resources)
        : t(session)
        , m_bundle(session.new_bundle())
    {
        m_bundle.config["linux"]["resources"] = resources;
        auto id = t.new_id();
        m_done = t.create(m_bundle, id);
        if (m_done.ok())
            m_pid = static_cast<int>(number_at(t.state(id), "pid"));
        m_id = id;
    }

    Finished const& done() const { return m_done; }
    std::string const& id() const { return m_id; }
    int pid() const { return m_pid; }

    // The file must hold this value; which file depends on the version of the hierarchy.
    void expect(char const* requirement, std::string const& controller, Setting const& legacy, Setting const& unified) const
    {
        auto all = cgroup_hierarchies();
        auto const* hierarchy = find_hierarchy(all, controller);
        if (hierarchy == nullptr)
            return t.skip(requirement, "this host has no controller " + controller);
        auto const& setting = hierarchy->unified ? unified : legacy;
        if (*setting.file == '\0')
            return t.skip(requirement, "version 2 has no such limit");
        auto path = cgroup_folder(m_pid, controller) + "/" + setting.file;
        if (m_pid > 1 && access(path.c_str(), F_OK) != 0)
            return t.skip(requirement, std::string("this kernel has no ") + setting.file);
        if (m_pid <= 1)
            return static_cast<void>(t.check(requirement, false, "create failed: " + m_done.describe()));
        t.equal(requirement, trimmed(read_file(path)), setting.value, setting.file);
    }

private:
    Session& t;
    Bundle m_bundle;
    Finished m_done;
    std::string m_id;
    int m_pid = -1;
};

bool lacks(Session& t, char const* requirement, std::string const& controller)
{
    auto all = cgroup_hierarchies();
    if (find_hierarchy(all, controller) != nullptr)
        return false;
    t.skip(requirement, "this host has no controller " + controller);
    return true;
}

// "254:0" of a real disk, else of a loop device.
std::pair<int, int> block_device()
{
    std::error_code error;
    std::pair<int, int> result { 7, 0 };
    for (auto const& entry : std::filesystem::directory_iterator("/sys/block", error)) {
        auto name = entry.path().filename().string();
        int major = 0, minor = 0;
        if (!name.starts_with("loop") && !name.starts_with("zram") && !name.starts_with("ram")
            && sscanf(read_file(entry.path().string() + "/dev").c_str(), "%d:%d", &major, &minor) == 2)
            result = { major, minor };
    }
    return result;
}

Json device_node(std::string const& path, char const* type, int major, int minor)
{
    return { { "path", path }, { "type", type }, { "major", major }, { "minor", minor }, { "fileMode", 0666 } };
}

Json device_rule(bool allow, char const* type, int major, int minor, char const* access)
{
    return { { "allow", allow }, { "type", type }, { "major", major }, { "minor", minor }, { "access", access } };
}

} // namespace

OCI_TEST(the_place_of_the_control_group, "R-10.1", "R-10.2", "R-10.3", "R-10.4", "R-10.5")
{
    auto all = cgroup_hierarchies();
    if (all.empty())
        return t.skip_all("this host has no control groups");
    auto place_of = [&](Bundle const& bundle) -> std::string {
        auto id = t.new_id();
        if (!t.create(bundle, id).ok())
            return "";
        auto controller = find_hierarchy(all, "pids") != nullptr ? "pids" : "memory";
        auto place = cgroup_folder(static_cast<int>(number_at(t.state(id), "pid")), controller);
        t.remove(id, true);
        return place;
    };
    auto bundle = t.new_bundle();
    auto wanted = text_at(bundle.config["linux"], "cgroupsPath");
    auto place = place_of(bundle);
    if (place.empty())
        return;
    t.check("R-10.1", place.ends_with(wanted) && place.size() - wanted.size() <= std::string("/sys/fs/cgroup/pids").size() + 8,
        "place of " + wanted + ": " + place);
    t.check("R-10.5", place.ends_with(wanted), "the process is there while created");
    t.equal("R-10.2", place_of(bundle), place, "the place of the same path again");
    auto relative = t.new_id();
    bundle.config["linux"]["cgroupsPath"] = relative;
    auto first = place_of(bundle), second = place_of(bundle);
    t.check("R-10.3", first.find(relative) != std::string::npos && first == second, "relative path: " + first + ", then " + second);
    bundle.config["linux"].erase("cgroupsPath");
    auto chosen = place_of(bundle);
    t.check("R-10.4", chosen.find(t.settings().mark) != std::string::npos, "without cgroupsPath: " + chosen);
}

OCI_TEST(memory_limits, "R-10.9", "R-10.11", "R-10.12", "R-10.15")
{
    if (lacks(t, "R-10.9", "memory"))
        return t.skip_all("this host has no controller memory");
    Limited some(t, { { "memory", { { "limit", 100 << 20 }, { "reservation", 50 << 20 } } } });
    some.expect("R-10.9", "memory", { "memory.limit_in_bytes", "104857600" }, { "memory.max", "104857600" });
    some.expect("R-10.11", "memory", { "memory.soft_limit_in_bytes", "52428800" }, { "memory.low", "52428800" });
    Limited swap(t, { { "memory", { { "limit", 100 << 20 }, { "swap", 150 << 20 } } } });
    swap.expect("R-10.12", "memory", { "memory.memsw.limit_in_bytes", "157286400" }, { "memory.swap.max", "52428800" });
    Limited unlimited(t, { { "memory", { { "limit", -1 }, { "swap", -1 } } } });
    unlimited.expect("R-10.15", "memory", { "memory.limit_in_bytes", "9223372036854771712" }, { "memory.max", "max" });
}

OCI_TEST(memory_behaviour, "R-10.13", "R-10.14", "R-10.16")
{
    auto all = cgroup_hierarchies();
    auto const* memory = find_hierarchy(all, "memory");
    if (memory == nullptr || memory->unified)
        return t.skip_all("only version 1 has these");
    Limited swappiness(t, { { "memory", { { "swappiness", 33 } } } });
    swappiness.expect("R-10.13", "memory", { "memory.swappiness", "33" }, { "", "" });
    Limited oom(t, { { "memory", { { "limit", 100 << 20 }, { "disableOOMKiller", true } } } });
    auto control = read_file(cgroup_folder(oom.pid(), "memory") + "/memory.oom_control");
    t.check("R-10.14", control.find("oom_kill_disable 1") != std::string::npos,
        "memory.oom_control: " + one_line(control) + (oom.done().ok() ? "" : oom.done().describe()));
    Limited tcp(t, { { "memory", { { "limit", 100 << 20 }, { "kernelTCP", 10 << 20 } } } });
    tcp.expect("R-10.16", "memory", { "memory.kmem.tcp.limit_in_bytes", "10485760" }, { "", "" });
}

OCI_TEST(limits_are_enforced, "R-10.10", "R-10.28", "R-10.29")
{
    if (!lacks(t, "R-10.10", "memory")) {
        auto bundle = t.new_bundle();
        bundle.config["linux"]["resources"]["memory"] = { { "limit", 48 << 20 }, { "swap", 48 << 20 } };
        bundle.probes({ "memory:10", "memory:150", "report" });
        auto report = t.report(bundle);
        t.check("R-10.10", probe_ok(report, "memory:10"), "10 MiB of 48 can be used");
        t.equal("R-10.10", number_at(result_of(report, "memory:150"), "signal"), SIGKILL, "what ends a process that uses 150 MiB of 48");
    }
    if (lacks(t, "R-10.28", "pids") || lacks(t, "R-10.29", "pids"))
        return;
    Limited pids(t, { { "pids", { { "limit", 77 } } } });
    pids.expect("R-10.28", "pids", { "pids.max", "77" }, { "pids.max", "77" });
    auto bundle = t.new_bundle();
    bundle.config["linux"]["resources"]["pids"] = { { "limit", 12 } };
    bundle.probes({ "forks:40", "report" });
    auto report = t.report(bundle);
    auto const& forks = result_of(report, "forks:40");
    t.check("R-10.29", number_at(forks, "errno") == EAGAIN && number_at(forks, "count") < 12, "40 forks with a limit of 12: " + show(forks));
}

OCI_TEST(a_limit_below_the_usage_is_refused, "R-10.17")
{
    if (lacks(t, "R-10.17", "memory"))
        return;
    auto bundle = t.new_bundle();
    bundle.config["linux"]["resources"]["memory"] = { { "limit", 200 << 20 }, { "checkBeforeUpdate", true } };
    auto id = t.start_serving(bundle);
    bundle.probes({ "serve" });
    if (id.empty())
        id = t.start_serving(bundle);
    if (id.empty())
        return;
    auto done = t.command(
        { "update", "--resources", "-", id }, { .input = Json { { "memory", { { "limit", 4096 }, { "checkBeforeUpdate", true } } } }.dump() });
    t.check("R-10.17", done.refused(), "update to 4096 bytes: " + done.describe());
    t.equal("R-10.17", t.status(id), "running", "the container lives");
}

OCI_TEST(cpu_limits, "R-10.18", "R-10.19", "R-10.20", "R-10.21")
{
    if (lacks(t, "R-10.18", "cpu"))
        return t.skip_all("this host has no controller cpu");
    // How shares become a weight has changed between runtimes; on the largest they agree.
    Limited some(t, { { "cpu", { { "shares", 262144 }, { "quota", 30000 }, { "period", 60000 } } } });
    some.expect("R-10.18", "cpu", { "cpu.shares", "262144" }, { "cpu.weight", "10000" });
    some.expect("R-10.19", "cpu", { "cpu.cfs_quota_us", "30000" }, { "cpu.max", "30000 60000" });
    some.expect("R-10.19", "cpu", { "cpu.cfs_period_us", "60000" }, { "cpu.max", "30000 60000" });
    Limited burst(t, { { "cpu", { { "quota", 30000 }, { "period", 60000 }, { "burst", 20000 } } } });
    burst.expect("R-10.20", "cpu", { "cpu.cfs_burst_us", "20000" }, { "cpu.max.burst", "20000" });
    Limited idle(t, { { "cpu", { { "idle", 1 } } } });
    idle.expect("R-10.21", "cpu", { "cpu.idle", "1" }, { "cpu.idle", "1" });
}

OCI_TEST(processors_and_memory_nodes, "R-10.22")
{
    if (lacks(t, "R-10.22", "cpuset"))
        return;
    auto last = sysconf(_SC_NPROCESSORS_ONLN) - 1;
    auto bundle = t.new_bundle();
    bundle.config["linux"]["resources"]["cpu"] = { { "cpus", std::to_string(last) }, { "mems", "0" } };
    auto report = t.report(bundle);
    t.equal("R-10.22", at(at(report, "sched"), "affinity"), Json::array({ last }), "processors the program may use");
    Limited set(t, { { "cpu", { { "cpus", "0" }, { "mems", "0" } } } });
    set.expect("R-10.22", "cpuset", { "cpuset.cpus", "0" }, { "cpuset.cpus", "0" });
    set.expect("R-10.22", "cpuset", { "cpuset.mems", "0" }, { "cpuset.mems", "0" });
}

OCI_TEST(real_time_shares, "R-10.23")
{
    auto all = cgroup_hierarchies();
    auto const* cpu = find_hierarchy(all, "cpu");
    if (cpu == nullptr || cpu->unified)
        return t.skip_all("only version 1 has these");
    // The kernel gives a group real-time only out of its parent's; try by hand what the runtime is asked to do.
    auto name = t.new_id() + "-try";
    auto folder = cpu->mount_point + "/" + name;
    mkdir(folder.c_str(), 0755);
    bool possible = write_file(folder + "/cpu.rt_period_us", "1000000") && write_file(folder + "/cpu.rt_runtime_us", "20000");
    rmdir(folder.c_str());
    if (!possible)
        return t.skip_all("this kernel gives no real-time share to groups");
    auto bundle = t.new_bundle();
    bundle.config["linux"]["cgroupsPath"] = "/" + t.new_id() + "-rt";
    bundle.config["linux"]["resources"]["cpu"] = { { "realtimeRuntime", 20000 }, { "realtimePeriod", 1000000 } };
    auto id = t.new_id();
    auto done = t.create(bundle, id);
    if (!done.ok())
        return;
    auto group = cgroup_folder(static_cast<int>(number_at(t.state(id), "pid")), "cpu");
    t.equal("R-10.23", trimmed(read_file(group + "/cpu.rt_runtime_us")), "20000", "cpu.rt_runtime_us");
    t.equal("R-10.23", trimmed(read_file(group + "/cpu.rt_period_us")), "1000000", "cpu.rt_period_us");
}

OCI_TEST(block_io_limits, "R-10.24", "R-10.25")
{
    auto all = cgroup_hierarchies();
    auto const* hierarchy = find_hierarchy(all, "blkio");
    if (hierarchy == nullptr)
        hierarchy = find_hierarchy(all, "io");
    if (hierarchy == nullptr)
        return t.skip_all("this host has no controller blkio or io");
    auto disk = block_device();
    auto limit = [&](long rate) { return Json::array({ { { "major", disk.first }, { "minor", disk.second }, { "rate", rate } } }); };
    Limited some(t,
        { { "blockIO",
            { { "throttleReadBpsDevice", limit(1048576) }, { "throttleWriteBpsDevice", limit(2097152) }, { "throttleReadIOPSDevice", limit(300) },
                { "throttleWriteIOPSDevice", limit(400) } } } });
    auto device = std::to_string(disk.first) + ":" + std::to_string(disk.second);
    if (hierarchy->unified) {
        some.expect("R-10.24", "io", {}, { "io.max", device + " rbps=1048576 wbps=2097152 riops=300 wiops=400" });
    } else {
        some.expect("R-10.24", "blkio", { "blkio.throttle.read_bps_device", device + " 1048576" }, {});
        some.expect("R-10.24", "blkio", { "blkio.throttle.write_bps_device", device + " 2097152" }, {});
        some.expect("R-10.24", "blkio", { "blkio.throttle.read_iops_device", device + " 300" }, {});
        some.expect("R-10.24", "blkio", { "blkio.throttle.write_iops_device", device + " 400" }, {});
    }
    if (!hierarchy->unified && access((hierarchy->mount_point + "/blkio.weight").c_str(), F_OK) != 0
        && access((hierarchy->mount_point + "/blkio.bfq.weight").c_str(), F_OK) != 0)
        return t.skip("R-10.25", "this kernel has no blkio.weight (no disk uses the BFQ scheduler)");
    Limited weight(t, { { "blockIO", { { "weight", 300 } } } });
    if (hierarchy->unified)
        return weight.expect("R-10.25", "io", {}, { "io.bfq.weight", "default 300" });
    bool bfq = access((hierarchy->mount_point + "/blkio.weight").c_str(), F_OK) != 0;
    weight.expect("R-10.25", "blkio", { bfq ? "blkio.bfq.weight" : "blkio.weight", "300" }, {});
}

OCI_TEST(huge_page_network_and_rdma_limits, "R-10.26", "R-10.27", "R-10.30")
{
    if (!lacks(t, "R-10.26", "hugetlb")) {
        Limited huge(t, { { "hugepageLimits", Json::array({ { { "pageSize", "2MB" }, { "limit", 4194304 } } }) } });
        auto all = cgroup_hierarchies();
        bool hybrid = find_hierarchy(all, "hugetlb")->unified && std::any_of(all.begin(), all.end(), [](auto const& one) { return !one.unified; });
        if (hybrid && huge.done().refused())
            t.skip("R-10.26", "hugetlb is on version 2 of a hybrid host, and the runtime refuses it: " + one_line(huge.done().errors, 120));
        else
            huge.expect("R-10.26", "hugetlb", { "hugetlb.2MB.limit_in_bytes", "4194304" }, { "hugetlb.2MB.max", "4194304" });
    }
    if (!lacks(t, "R-10.27", "net_cls")) {
        Limited network(t, { { "network", { { "classID", 1048577 } } } });
        network.expect("R-10.27", "net_cls", { "net_cls.classid", "1048577" }, {});
    }
    if (!lacks(t, "R-10.30", "rdma")) {
        Limited rdma(t, { { "rdma", { { "mlx5_1", { { "hcaHandles", 3 } } } } } });
        t.check("R-10.30", rdma.done().ok() || rdma.done().refused(), "rdma: " + rdma.done().describe());
    }
}

OCI_TEST(limits_of_absent_controllers_are_errors, "R-10.33", "R-10.32")
{
    auto all = cgroup_hierarchies();
    bool tried = false;
    if (find_hierarchy(all, "net_cls") == nullptr) {
        auto bundle = t.new_bundle();
        bundle.config["linux"]["resources"]["network"] = { { "classID", 1048577 } };
        t.refuses("R-10.33", bundle, "network.classID without net_cls");
        tried = true;
    }
    if (find_hierarchy(all, "rdma") == nullptr) {
        auto bundle = t.new_bundle();
        bundle.config["linux"]["resources"]["rdma"] = { { "mlx5_1", { { "hcaHandles", 3 } } } };
        t.refuses("R-10.33", bundle, "rdma without the controller");
        tried = true;
    }
    if (!tried)
        t.skip("R-10.33", "this host has every controller");
    auto bundle = t.new_bundle();
    bundle.config["linux"]["resources"]["unified"] = { { "nonsense.max", "1" } };
    t.refuses("R-10.32", bundle, "unified with a controller that does not exist");
}

OCI_TEST(unified_files_are_written, "R-10.31", "R-10.35")
{
    auto all = cgroup_hierarchies();
    auto const* memory = find_hierarchy(all, "memory");
    if (memory == nullptr || !memory->unified)
        return t.skip_all("memory is not on version 2 here");
    Limited some(t, { { "unified", { { "memory.high", "104857600" }, { "pids.max", "55" } } } });
    some.expect("R-10.31", "memory", {}, { "memory.high", "104857600" });
    some.expect("R-10.31", "pids", {}, { "pids.max", "55" });
    auto bundle = t.new_bundle();
    bundle.map_users(200000, 65536);
    bundle.set_namespace("cgroup");
    bundle.add_mount("/sys/fs/cgroup", "cgroup", "cgroup", { "rw" });
    auto id = t.new_id();
    if (!t.create(bundle, id).ok())
        return;
    auto folder = cgroup_folder(static_cast<int>(number_at(t.state(id), "pid")), "memory");
    struct stat facts { };
    for (auto const* file : { "", "/cgroup.procs", "/cgroup.subtree_control", "/cgroup.threads" }) {
        stat((folder + file).c_str(), &facts);
        t.equal("R-10.35", facts.st_uid, 200000, "owner of " + folder + file);
    }
    stat((folder + "/memory.max").c_str(), &facts);
    t.equal("R-10.35", facts.st_uid, 0, "owner of memory.max");
}

OCI_TEST(the_device_list_is_applied, "R-10.6", "R-10.7", "R-10.8")
{
    auto bundle = t.new_bundle();
    bundle.config["linux"]["devices"] = { device_node("/dev/fuse", "c", 10, 229), device_node("/dev/control", "c", 10, 237),
        device_node("/dev/autofs", "c", 10, 235), device_node("/dev/loop0", "b", 7, 0) };
    auto& rules = bundle.config["linux"]["resources"]["devices"];
    Json const deny_all = { { "allow", false }, { "access", "rwm" } };
    std::vector<std::string> const probes { "open:r:/dev/fuse", "open:w:/dev/fuse", "open:r:/dev/control", "open:w:/dev/control",
        "open:r:/dev/autofs", "open:r:/dev/loop0", "open:rw:/dev/null", "report" };
    bundle.probes(probes);
    // A later rule takes back part of an earlier one; an earlier denial does not outlive a later permission.
    rules = { deny_all, device_rule(true, "c", 10, 229, "rw"), device_rule(false, "c", 10, 229, "w"), device_rule(false, "c", 10, 237, "rw"),
        device_rule(true, "c", 10, 237, "rw") };
    auto done = t.run(bundle);
    auto report = report_in(done.output);
    auto says = [&](char const* requirement, char const* probe, bool wanted) {
        auto const& result = result_of(report, probe);
        t.check(requirement, !result.is_null() && flag_at(result, "ok") == wanted,
            std::string(probe) + " should " + (wanted ? "work" : "fail") + ", errno " + std::to_string(number_at(result, "errno"))
                + (report.is_null() ? " (" + done.describe() + ")" : ""));
    };
    says("R-10.6", "open:r:/dev/fuse", true);
    says("R-10.6", "open:w:/dev/fuse", false);
    says("R-10.6", "open:w:/dev/control", true);
    says("R-10.6", "open:r:/dev/autofs", false);
    says("R-10.8", "open:r:/dev/loop0", false);
    says("R-10.8", "open:rw:/dev/null", true);
    rules = { deny_all, device_rule(true, "c", 10, 229, "r"), device_rule(true, "c", 10, 237, "w") };
    done = t.run(bundle);
    report = report_in(done.output);
    says("R-10.7", "open:r:/dev/fuse", true);
    says("R-10.7", "open:w:/dev/fuse", false);
    says("R-10.7", "open:r:/dev/control", false);
    says("R-10.7", "open:w:/dev/control", true);
    rules = Json::array({ { { "allow", true }, { "access", "rwm" } } });
    done = t.run(bundle);
    report = report_in(done.output);
    says("R-10.8", "open:r:/dev/loop0", true);
    says("R-10.8", "open:r:/dev/autofs", true);
    rules = { deny_all, { { "allow", true }, { "type", "c" }, { "major", 10 }, { "access", "rw" } } };
    done = t.run(bundle);
    report = report_in(done.output);
    says("R-10.8", "open:r:/dev/autofs", true);
    says("R-10.8", "open:r:/dev/loop0", false);
}

OCI_TEST(a_cgroup_mount_shows_the_own_groups, "R-10.38")
{
    auto bundle = t.new_bundle();
    bundle.set_namespace("cgroup");
    bundle.add_mount("/sys/fs/cgroup", "cgroup", "cgroup", { "nosuid", "noexec", "nodev", "ro" });
    bundle.probes({ "read:/sys/fs/cgroup/pids/cgroup.procs", "read:/sys/fs/cgroup/cgroup.procs", "mkdir:/sys/fs/cgroup/pids/x",
        "mkdir:/sys/fs/cgroup/x", "report" });
    auto report = t.report(bundle);
    if (report.is_null())
        return;
    auto procs = text_at(result_of(report, "read:/sys/fs/cgroup/pids/cgroup.procs"), "text")
        + text_at(result_of(report, "read:/sys/fs/cgroup/cgroup.procs"), "text");
    t.check("R-10.38", procs.starts_with("1\n"), "cgroup.procs of the own group: " + one_line(procs));
    // On version 1 /sys/fs/cgroup is only the folder that holds the hierarchies; on version 2 it is the hierarchy.
    auto const* probe = probe_ok(report, "read:/sys/fs/cgroup/pids/cgroup.procs") ? "mkdir:/sys/fs/cgroup/pids/x" : "mkdir:/sys/fs/cgroup/x";
    t.check("R-10.38", !probe_ok(report, probe), std::string(probe) + " must fail on a read-only cgroup mount");
}
