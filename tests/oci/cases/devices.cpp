// config-linux.md and runtime-linux.md: default file systems, device nodes, links, descriptors.
#include "driver/session.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

using namespace conformance;

namespace {

Json device(std::string const& path, std::string const& type, int major, int minor)
{
    return { { "path", path }, { "type", type }, { "major", major }, { "minor", minor } };
}

Json numbers_of(Json const& report, std::string const& path)
{
    auto const& facts = result_of(report, "stat:" + path);
    return { text_at(facts, "type"), number_at(facts, "major"), number_at(facts, "minor") };
}

} // namespace

OCI_TEST(default_file_systems_and_devices, "R-9.1", "R-9.8", "R-9.10", "R-9.11", "R-9.12")
{
    auto bundle = t.new_bundle();
    bundle.config["process"]["user"] = { { "uid", 1000 }, { "gid", 1000 } };
    std::vector<std::string> probes;
    for (auto const* name : { "null", "zero", "full", "random", "urandom", "tty", "ptmx", "fd", "stdin", "stdout", "stderr" })
        probes.push_back(std::string("stat:/dev/") + name);
    for (auto const* probe : { "open:rw:/dev/null", "open:rw:/dev/zero", "open:rw:/dev/full", "open:r:/dev/random", "open:r:/dev/urandom",
             "write:/dev/full:x", "open:rw:/dev/ptmx", "stat:/dev/pts/ptmx", "list:/dev/pts", "report" })
        probes.emplace_back(probe);
    bundle.probes(probes);
    auto report = t.report(bundle);
    if (report.is_null())
        return;
    for (auto [path, type] : { std::pair("/proc", "proc"), { "/sys", "sysfs" }, { "/dev/pts", "devpts" }, { "/dev/shm", "tmpfs" } })
        t.equal("R-9.1", text_at(mount_at(report, path), "type"), type, path);
    for (auto [name, major, minor] :
        { std::tuple("null", 1, 3), { "zero", 1, 5 }, { "full", 1, 7 }, { "random", 1, 8 }, { "urandom", 1, 9 }, { "tty", 5, 0 } }) {
        auto path = std::string("/dev/") + name;
        t.equal("R-9.8", numbers_of(report, path), { "c", major, minor }, path);
        t.equal("R-9.8", number_at(result_of(report, "stat:" + path), "mode") & 0666, 0666, path + " mode");
    }
    for (auto const* probe : { "open:rw:/dev/null", "open:rw:/dev/zero", "open:rw:/dev/full", "open:r:/dev/random", "open:r:/dev/urandom" })
        t.check("R-9.8", probe_ok(report, probe), std::string(probe) + " by a user, errno " + std::to_string(probe_errno(report, probe)));
    t.equal("R-9.8", probe_errno(report, "write:/dev/full:x"), ENOSPC, "writing to /dev/full");
    auto const& ptmx = result_of(report, "stat:/dev/ptmx");
    bool link = text_at(ptmx, "type") == "l" && (text_at(ptmx, "target") == "pts/ptmx" || text_at(ptmx, "target") == "/dev/pts/ptmx");
    bool same = at(ptmx, "inode") == at(result_of(report, "stat:/dev/pts/ptmx"), "inode")
        && at(ptmx, "device") == at(result_of(report, "stat:/dev/pts/ptmx"), "device");
    t.check("R-9.10", link || same, "/dev/ptmx: " + one_line(show(ptmx)));
    t.check("R-9.10", probe_ok(report, "open:rw:/dev/ptmx"), "a pseudoterminal can be opened by a user");
    t.equal("R-9.10", at(result_of(report, "list:/dev/pts"), "names"), Json::array({ "ptmx" }), "a new /dev/pts holds ptmx only");
    for (auto [name, target] :
        { std::pair("fd", "/proc/self/fd"), { "stdin", "/proc/self/fd/0" }, { "stdout", "/proc/self/fd/1" }, { "stderr", "/proc/self/fd/2" } })
        t.equal("R-9.11", text_at(result_of(report, std::string("stat:/dev/") + name), "target"), target, std::string("/dev/") + name);
    auto open_ones = at(report, "fds");
    for (auto const* standard : { "0", "1", "2" })
        open_ones.erase(standard);
    t.check("R-9.12", open_ones.empty(), "other descriptors: " + one_line(show(open_ones)));
}

OCI_TEST(configured_devices_are_there, "R-9.2", "R-9.3", "R-9.5", "R-9.6")
{
    auto bundle = t.new_bundle();
    auto fuse = device("/dev/fuse", "c", 10, 229), loop = device("/dev/some/loop", "b", 7, 0), outside = device("/etc/autofs", "c", 10, 235);
    fuse.update({ { "fileMode", 0640 }, { "uid", 7 }, { "gid", 8 } });
    loop["fileMode"] = 0604;
    auto unbuffered = device("/dev/control", "u", 10, 237);
    bundle.config["linux"]["devices"] = { fuse, loop, outside, unbuffered, { { "path", "/dev/pipe" }, { "type", "p" }, { "fileMode", 0622 } } };
    bundle.probes({ "stat:/dev/fuse", "stat:/dev/some/loop", "stat:/etc/autofs", "stat:/dev/control", "stat:/dev/pipe", "report" });
    auto report = t.report(bundle);
    if (report.is_null()) {
        // One that cannot do every type at once still shows the others.
        bundle.config["linux"]["devices"] = { fuse, loop, outside };
        bundle.probes({ "stat:/dev/fuse", "stat:/dev/some/loop", "stat:/etc/autofs", "report" });
        report = t.report(bundle);
        if (report.is_null())
            return;
    }
    t.equal("R-9.2", numbers_of(report, "/dev/fuse"), { "c", 10, 229 }, "/dev/fuse");
    t.equal("R-9.2", numbers_of(report, "/dev/some/loop"), { "b", 7, 0 }, "/dev/some/loop");
    auto const& facts = result_of(report, "stat:/dev/fuse");
    t.equal(
        "R-9.3", { number_at(facts, "mode"), number_at(facts, "uid"), number_at(facts, "gid") }, { 0640, 7, 8 }, "mode, uid and gid of /dev/fuse");
    t.equal("R-9.3", number_at(result_of(report, "stat:/dev/some/loop"), "mode"), 0604, "mode of /dev/some/loop");
    t.equal("R-9.5", numbers_of(report, "/etc/autofs"), { "c", 10, 235 }, "/etc/autofs");
    t.equal("R-9.6", text_at(result_of(report, "stat:/dev/pipe"), "type"), "p", "/dev/pipe");
    t.equal("R-9.6", numbers_of(report, "/dev/control"), { "c", 10, 237 }, "/dev/control");
}

OCI_TEST(wrong_devices_are_refused, "R-9.4", "R-9.7", "R-9.13")
{
    auto bundle = t.new_bundle();
    bundle.config["linux"]["devices"] = Json::array({ device("/etc/passwd", "c", 10, 229) });
    t.refuses("R-9.4", bundle, "a device where a plain file is");
    auto second = t.new_bundle();
    second.config["linux"]["devices"] = Json::array({ { { "path", "/dev/fuse" }, { "type", "c" } } });
    t.refuses("R-9.7", second, "no numbers");
    auto third = t.new_bundle();
    third.config["linux"]["devices"] = Json::array({ device("/dev/fuse", "x", 10, 229) });
    t.refuses("R-9.13", third, "type x");
}

OCI_TEST(devices_not_listed_cannot_be_used, "R-9.14")
{
    auto bundle = t.new_bundle();
    bundle.config["linux"]["resources"]["devices"] = Json::array({ { { "allow", false }, { "access", "rwm" } } });
    bundle.probes({ "mknod:/tmp/loop:b:7:0", "open:r:/tmp/loop", "mknod:/tmp/fuse:c:10:229", "open:rw:/tmp/fuse", "mknod:/tmp/null:c:1:3",
        "open:rw:/tmp/null", "report" });
    auto report = t.report(bundle);
    if (report.is_null())
        return;
    t.check("R-9.14", !probe_ok(report, "open:r:/tmp/loop"),
        "a loop device made inside, errno " + std::to_string(probe_errno(report, "open:r:/tmp/loop")));
    t.check("R-9.14", !probe_ok(report, "open:rw:/tmp/fuse"), "a fuse device made inside");
}

OCI_TEST(listen_fds_are_passed, "R-9.15", "R-15.28", "R-15.38")
{
    auto bundle = t.new_bundle();
    bundle.save();
    int file = open("/etc/hostname", O_RDONLY | O_CLOEXEC);
    if (file < 0)
        file = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
    auto done = t.run(bundle, "", { "--preserve-fds", "1" }, { .descriptors = { file } });
    auto fds = at(report_in(done.output), "fds");
    t.check("R-15.28", text_at(fds, "3").starts_with("/etc/"), "descriptor 3 with --preserve-fds 1: " + one_line(show(fds)));
    t.check("R-15.28", fds.size() == 4, "and no other: " + one_line(show(fds)));
    done = t.run(bundle, "", {}, { .environment = { "LISTEN_FDS=1" }, .descriptors = { file } });
    auto report = report_in(done.output);
    t.check("R-9.15", text_at(at(report, "fds"), "3").starts_with("/etc/"), "descriptor 3 with LISTEN_FDS=1: " + one_line(show(at(report, "fds"))));
    t.check("R-15.38", show(at(report, "env")).find("LISTEN_FDS=1") != std::string::npos, "environment: " + one_line(show(at(report, "env"))));
    close(file);
}
