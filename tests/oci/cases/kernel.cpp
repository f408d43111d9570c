// config-linux.md: intelRdt, sysctl, memory policy, network devices; propagation, masked and read-only paths, personality.
#include "driver/session.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

using namespace conformance;

OCI_TEST(resctrl, "R-11.1", "R-11.2", "R-11.3", "R-11.4")
{
    if (has_mount("resctrl"))
        return t.skip_all("a mounted resctrl is the host's; the suite does not change it");
    auto bundle = t.new_bundle();
    bundle.config["linux"]["intelRdt"] = { { "closID", "conformance" }, { "l3CacheSchema", "L3:0=f" } };
    t.refuses("R-11.1", bundle, "intelRdt without resctrl");
    bundle.config["linux"]["intelRdt"] = { { "closID", "conformance" } };
    t.refuses("R-11.1", bundle, "intelRdt with closID alone, without resctrl");
    t.skip_all("this host has no resctrl");
}

OCI_TEST(sysctls, "R-11.5", "R-11.6", "R-11.7")
{
    auto bundle = t.new_bundle();
    bundle.config["linux"]["sysctl"] = { { "net.ipv4.ip_default_ttl", "33" }, { "kernel.msgmax", "4097" } };
    bundle.probes({ "read:/proc/sys/net/ipv4/ip_default_ttl", "read:/proc/sys/kernel/msgmax", "report" });
    auto report = t.report(bundle);
    t.equal("R-11.5", trimmed(text_at(result_of(report, "read:/proc/sys/net/ipv4/ip_default_ttl"), "text")), "33", "net.ipv4.ip_default_ttl");
    t.equal("R-11.5", trimmed(text_at(result_of(report, "read:/proc/sys/kernel/msgmax"), "text")), "4097", "kernel.msgmax");
    bundle.config["linux"]["sysctl"] = { { "net/ipv4/ip_default_ttl", "44" } };
    report = t.report(bundle);
    t.equal("R-11.5", trimmed(text_at(result_of(report, "read:/proc/sys/net/ipv4/ip_default_ttl"), "text")), "44", "net/ipv4/ip_default_ttl");
    bundle.config["linux"]["sysctl"] = { { "net.ipv4.nonsense", "1" } };
    t.refuses("R-11.6", bundle, "net.ipv4.nonsense");
    bundle.config["linux"]["sysctl"] = { { "vm.swappiness", trimmed(read_file("/proc/sys/vm/swappiness")) } };
    t.refuses("R-11.7", bundle, "vm.swappiness");
    bundle.remove_namespace("network");
    bundle.config["linux"]["sysctl"] = { { "net.ipv4.ip_default_ttl", trimmed(read_file("/proc/sys/net/ipv4/ip_default_ttl")) } };
    t.refuses("R-11.7", bundle, "net.ipv4.ip_default_ttl in the host's network namespace");
}

OCI_TEST(memory_policies, "R-11.8", "R-11.9")
{
    auto bundle = t.new_bundle();
    bundle.config["linux"]["memoryPolicy"] = { { "mode", "MPOL_BIND" }, { "nodes", "0" } };
    auto sched = at(t.report(bundle), "sched");
    t.equal("R-11.8", { number_at(sched, "memory_mode"), number_at(sched, "memory_nodes") }, { 2, 1 }, "mode and nodes");
    bundle.config["linux"]["memoryPolicy"] = { { "mode", "MPOL_NONSENSE" }, { "nodes", "0" } };
    t.refuses("R-11.9", bundle, "an unknown mode");
}

OCI_TEST(network_devices_are_moved, "R-11.10", "R-11.11", "R-11.12", "R-11.13")
{
    // The "host" of this test is a network namespace of its own: a runtime that breaks cannot take a real device away.
    if (unshare(CLONE_NEWNET) != 0)
        return t.skip_all("cannot make a network namespace");
    auto ip = [](std::vector<std::string> words) {
        words.insert(words.begin(), "ip");
        return run_program({ .arguments = words }).ok();
    };
    if (!ip({ "link", "add", "oct0", "type", "veth", "peer", "name", "oct1" }))
        return t.skip_all("cannot make a veth pair (no `ip`, or no veth in the kernel)");
    ip({ "link", "set", "oct0", "mtu", "1400" });
    ip({ "address", "add", "10.77.0.1/24", "dev", "oct0" });
    auto bundle = t.new_bundle();
    bundle.config["linux"]["netDevices"] = { { "oct0", { { "name", "inside0" } } } };
    auto devices = at(t.report(bundle), "network");
    t.check("R-11.10", at(devices, "inside0").is_object() && flag_at(at(devices, "inside0"), "up"), "devices inside: " + one_line(show(devices)));
    t.equal("R-11.11", { number_at(at(devices, "inside0"), "mtu"), text_at(at(devices, "inside0"), "address") }, { 1400, "10.77.0.1" },
        "MTU and address");
    auto second = t.new_bundle();
    second.config["linux"]["netDevices"] = { { "oct-absent", Json::object() } };
    t.refuses("R-11.12", second, "a device that does not exist");
    ip({ "link", "add", "oct2", "type", "veth", "peer", "name", "oct3" });
    auto third = t.new_bundle();
    third.config["linux"]["netDevices"] = { { "oct2", { { "name", "lo" } } } };
    t.refuses("R-11.13", third, "the name lo");
}

OCI_TEST(propagation_of_the_root, "R-13.1", "R-13.2", "R-13.3", "R-13.4", "R-13.5")
{
    auto seen = [&](char const* word) {
        auto bundle = t.new_bundle();
        // The bundle lies on a shared mount, so that each word makes a difference.
        mount(bundle.folder().c_str(), bundle.folder().c_str(), nullptr, MS_BIND, nullptr);
        mount(nullptr, bundle.folder().c_str(), nullptr, MS_SHARED, nullptr);
        bundle.config["linux"]["rootfsPropagation"] = word;
        return show(at(mount_at(t.report(bundle), "/"), "optional"));
    };
    auto shared = seen("shared");
    t.check("R-13.1", shared.find("shared:") != std::string::npos, "shared: " + shared);
    auto slave = seen("slave");
    t.check("R-13.2", slave.find("master:") != std::string::npos && slave.find("shared:") == std::string::npos, "slave: " + slave);
    t.equal("R-13.3", seen("private"), "[]", "private");
    auto unbindable = seen("unbindable");
    t.check("R-13.4", unbindable.find("unbindable") != std::string::npos, "unbindable: " + unbindable);
    auto bundle = t.new_bundle();
    bundle.config["linux"]["rootfsPropagation"] = "nonsense";
    t.refuses("R-13.5", bundle, "an unknown word");
}

OCI_TEST(masked_paths_give_nothing, "R-13.6", "R-13.7", "R-13.13")
{
    auto bundle = t.new_bundle();
    write_file(bundle.in_root("/home/deep/secret"), "secret");
    write_file(bundle.in_root("/etc/secret"), "secret");
    bundle.config["linux"]["maskedPaths"] = { "/proc/kcore", "/proc/keys", "/home/deep", "/etc/secret", "/proc/absent", "/absent/path" };
    bundle.probes({ "open:r:/proc/kcore", "open:r:/proc/keys", "list:/home/deep", "open:r:/home/deep/secret", "open:r:/etc/secret",
        "create:/home/deep/new:x", "report" });
    auto done = t.run(bundle);
    auto report = report_in(done.output);
    t.check("R-13.13", !report.is_null(), "masked paths that do not exist: " + done.describe());
    if (report.is_null())
        return t.note("run " + done.describe());
    for (auto const* probe : { "open:r:/proc/kcore", "open:r:/proc/keys", "open:r:/etc/secret" }) {
        auto const& result = result_of(report, probe);
        t.check("R-13.6", !flag_at(result, "ok") || number_at(result, "bytes") == 0, std::string(probe) + ": " + show(result));
    }
    t.check("R-13.6", at(result_of(report, "list:/home/deep"), "names").empty(), "a masked folder is empty");
    t.check("R-13.6", !probe_ok(report, "open:r:/home/deep/secret"), "a file in a masked folder cannot be opened");
    t.check("R-13.6", !probe_ok(report, "create:/home/deep/new:x"), "a masked folder cannot be written");
    auto second = t.new_bundle();
    second.config["linux"]["maskedPaths"] = Json::array({ "etc/passwd" });
    t.refuses("R-13.7", second, "a relative path");
}

OCI_TEST(read_only_paths_cannot_be_written, "R-13.8", "R-13.9", "R-13.13", "R-13.14")
{
    auto bundle = t.new_bundle();
    write_file(bundle.in_root("/etc/fixed"), "fixed");
    bundle.add_mount("/data", "tmpfs", "tmpfs", { "mode=755", "nosuid" });
    bundle.config["linux"]["readonlyPaths"] = { "/proc/sys", "/etc/fixed", "/data", "/absent/path" };
    bundle.probes({ "write:/proc/sys/net/ipv4/ip_default_ttl:44", "write:/etc/fixed:x", "create:/data/x:x", "read:/etc/fixed",
        "read:/proc/sys/kernel/ostype", "report" });
    auto done = t.run(bundle);
    auto report = report_in(done.output);
    t.check("R-13.13", !report.is_null(), "read-only paths that do not exist: " + done.describe());
    if (report.is_null())
        return t.note("run " + done.describe());
    for (auto const* probe : { "write:/proc/sys/net/ipv4/ip_default_ttl:44", "write:/etc/fixed:x", "create:/data/x:x" })
        t.equal("R-13.8", probe_errno(report, probe), EROFS, std::string("errno of ") + probe);
    t.check("R-13.8", probe_ok(report, "read:/etc/fixed") && probe_ok(report, "read:/proc/sys/kernel/ostype"), "they can still be read");
    t.check("R-13.14", has_option(mount_at(report, "/proc/sys"), "nosuid") && has_option(mount_at(report, "/proc/sys"), "noexec"),
        "flags of the mount around them stay: " + text_at(mount_at(report, "/proc/sys"), "options"));
    auto second = t.new_bundle();
    second.config["linux"]["readonlyPaths"] = Json::array({ "etc/passwd" });
    t.refuses("R-13.9", second, "a relative path");
}

OCI_TEST(labels_of_mounts, "R-13.10")
{
    t.skip_all(has_selinux() ? "needs a policy that the suite does not bring" : "this host has no SELinux");
}

OCI_TEST(the_personality_is_applied, "R-13.11", "R-13.12")
{
    auto bundle = t.new_bundle();
    bundle.config["linux"]["personality"] = { { "domain", "LINUX32" } };
    auto report = t.report(bundle);
    t.check("R-13.11", number_at(report, "personality") == 8 && text_at(report, "machine") != "x86_64" && text_at(report, "machine") != "aarch64",
        "uname says " + text_at(report, "machine") + ", personality is " + std::to_string(number_at(report, "personality")));
    bundle.config["linux"]["personality"] = { { "domain", "LINUX" } };
    t.equal("R-13.11", number_at(t.report(bundle), "personality"), 0, "personality LINUX");
    bundle.config["linux"]["personality"] = { { "domain", "NONSENSE" } };
    t.refuses("R-13.12", bundle, "an unknown domain");
}
