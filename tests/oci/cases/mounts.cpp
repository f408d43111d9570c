// config.md, mounts: order, sources, every option that must or should be known.
#include "driver/session.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

using namespace conformance;

namespace {

// A folder with a file, and a tmpfs mounted at "sub" with another; the mount lives in this test's own mount namespace.
std::string make_source(Session& t, std::string const& name, unsigned long flags = 0)
{
    auto folder = t.path(name);
    mkdir(folder.c_str(), 0755);
    mkdir((folder + "/sub").c_str(), 0755);
    write_file(folder + "/file", "top");
    mount("probe", (folder + "/sub").c_str(), "tmpfs", 0, "mode=755");
    write_file(folder + "/sub/file", "below");
    if (symlink("file", (folder + "/link").c_str()) != 0 || symlink("file", (folder + "/sub/link").c_str()) != 0)
        t.note("cannot make a symbolic link");
    if (flags != 0)
        mount(nullptr, (folder + "/sub").c_str(), nullptr, MS_REMOUNT | MS_BIND | flags, nullptr);
    return folder;
}

// What a bind mount with these options looks like from inside, at /x and /x/sub.
struct Pair {
    Json report;
    Json top;
    Json below;
};

Pair bind_with(Session& t, std::string const& source, std::vector<std::string> const& options, std::vector<std::string> probes = {})
{
    auto bundle = t.new_bundle();
    bundle.add_mount("/x", "bind", source, options);
    probes.emplace_back("report");
    bundle.probes(probes);
    auto report = t.report(bundle);
    return { report, mount_at(report, "/x"), mount_at(report, "/x/sub") };
}

std::string optional_of(Json const& mount)
{
    return show(at(mount, "optional"));
}

} // namespace

OCI_TEST(mounts_are_made_in_order, "R-5.1", "R-5.2", "R-5.3", "R-5.4", "R-5.5", "R-15.32")
{
    auto bundle = t.new_bundle();
    auto source = make_source(t, "src");
    mkdir((bundle.folder() + "/beside").c_str(), 0755);
    write_file(bundle.folder() + "/beside/here", "bundle");
    bundle.add_mount("/a", "tmpfs", "tmpfs", { "mode=755" });
    bundle.add_mount("/a/b", "bind", source, { "rbind" });
    bundle.add_mount("/c/d", "none", source, { "rbind" });
    bundle.add_mount("/c", "tmpfs", "tmpfs", { "mode=755" });
    bundle.add_mount("/relative", "bind", "beside", { "bind" });
    bundle.add_mount("/etc/one-file", "bind", source + "/file", { "bind", "ro" });
    bundle.add_mount("/odd", "tmpfs", source, { "bind" });
    bundle.probes({ "read:/a/b/file", "read:/c/d/file", "read:/relative/here", "read:/etc/one-file", "read:/odd/file", "report" });
    auto report = t.report(bundle);
    if (report.is_null())
        return;
    t.equal("R-5.1", text_at(result_of(report, "read:/a/b/file"), "text"), "top", "a mount on a mount listed before");
    t.equal("R-5.1", probe_errno(report, "read:/c/d/file"), ENOENT, "a mount that a later one covers is hidden");
    t.equal("R-5.3", text_at(result_of(report, "read:/relative/here"), "text"), "bundle", "source relative to the bundle");
    t.equal("R-5.4", text_at(result_of(report, "read:/etc/one-file"), "text"), "top", "a single file");
    t.equal("R-5.4", text_at(result_of(report, "read:/a/b/file"), "text"), "top", "a folder");
    t.equal("R-5.5", text_at(result_of(report, "read:/odd/file"), "text"), "top", "type tmpfs with option bind is a bind mount");
    t.check("R-15.32", !mount_at(report, "/c").is_null() && !mount_at(report, "/a/b").is_null(), "destinations that did not exist were made");
    auto second = t.new_bundle();
    second.add_mount("data", "tmpfs", "tmpfs", {});
    t.equal("R-5.2", text_at(mount_at(t.report(second), "/data"), "type"), "tmpfs", "destination \"data\"");
}

OCI_TEST(wrong_mounts_are_refused, "R-5.6", "R-5.7", "R-5.8")
{
    auto bundle = t.new_bundle();
    bundle.config["mounts"].push_back({ { "type", "tmpfs" }, { "source", "tmpfs" } });
    t.refuses("R-5.6", bundle, "no destination");
    auto second = t.new_bundle();
    second.add_mount("/x", "bind", t.path("absent"), { "bind" });
    t.refuses("R-5.7", second, "an absent bind source");
    auto third = t.new_bundle();
    third.add_mount("/x", "nonsensefs", "none", {});
    t.refuses("R-5.8", third, "an unknown file system type");
}

OCI_TEST(mount_options_have_their_effect, "R-5.10", "R-5.11", "R-5.12", "R-5.13", "R-5.14", "R-5.15", "R-5.16", "R-5.17", "R-5.18", "R-5.19",
    "R-5.20", "R-5.45")
{
    struct Row {
        char const* requirement;
        std::vector<std::string> options;
        char const* present; // in the mount table; empty: nothing
        char const* absent;
    };
    std::vector<Row> const rows = { { "R-5.10", { "ro" }, "ro", "" }, { "R-5.10", { "ro", "rw" }, "rw", "ro" },
        { "R-5.11", { "nosuid" }, "nosuid", "" }, { "R-5.11", { "nosuid", "suid" }, "", "nosuid" }, { "R-5.12", { "nodev" }, "nodev", "" },
        { "R-5.12", { "nodev", "dev" }, "", "nodev" }, { "R-5.13", { "noexec" }, "noexec", "" }, { "R-5.13", { "noexec", "exec" }, "", "noexec" },
        { "R-5.14", { "noatime" }, "noatime", "relatime" }, { "R-5.14", { "noatime", "atime" }, "", "noatime" },
        { "R-5.15", { "nodiratime" }, "nodiratime", "" }, { "R-5.15", { "nodiratime", "diratime" }, "", "nodiratime" },
        { "R-5.16", { "relatime" }, "relatime", "noatime" }, { "R-5.16", { "norelatime" }, "", "noatime" },
        { "R-5.17", { "strictatime" }, "", "relatime" }, { "R-5.17", { "strictatime", "nostrictatime" }, "", "noatime" },
        { "R-5.18", { "sync" }, "sync", "" }, { "R-5.18", { "sync", "async" }, "", "sync" }, { "R-5.19", { "dirsync" }, "dirsync", "" },
        { "R-5.20", { "lazytime" }, "lazytime", "" }, { "R-5.20", { "lazytime", "nolazytime" }, "", "lazytime" },
        { "R-5.45", { "size=128k" }, "size=128k", "" }, { "R-5.45", { "mode=711", "nr_inodes=77" }, "nr_inodes=77", "" } };
    auto bundle = t.new_bundle();
    for (std::size_t index = 0; index < rows.size(); ++index)
        bundle.add_mount("/m" + std::to_string(index), "tmpfs", "tmpfs", rows[index].options);
    auto report = t.report(bundle);
    if (report.is_null())
        return;
    for (std::size_t index = 0; index < rows.size(); ++index) {
        auto const& row = rows[index];
        auto mount = mount_at(report, "/m" + std::to_string(index));
        bool good
            = !mount.is_null() && (*row.present == '\0' || has_option(mount, row.present)) && (*row.absent == '\0' || !has_option(mount, row.absent));
        t.check(row.requirement, good, show(row.options) + " gives " + text_at(mount, "options") + " - " + text_at(mount, "super"));
    }
}

OCI_TEST(harmless_mount_options_are_known, "R-5.21")
{
    for (auto const* option : { "iversion", "noiversion", "silent", "loud", "defaults" }) {
        auto bundle = t.new_bundle();
        bundle.add_mount("/m", "tmpfs", "tmpfs", { option });
        auto done = t.run(bundle);
        t.check("R-5.21", !report_in(done.output).is_null(), std::string(option) + ": " + done.describe());
    }
}

OCI_TEST(bind_and_rbind_differ, "R-5.22")
{
    auto source = make_source(t, "src");
    auto alone = bind_with(t, source, { "bind" }, { "read:/x/file", "read:/x/sub/file" });
    t.equal("R-5.22", text_at(result_of(alone.report, "read:/x/file"), "text"), "top", "bind: the file of the mount");
    t.check("R-5.22", !probe_ok(alone.report, "read:/x/sub/file") && alone.below.is_null(), "bind: nothing of the mount below");
    auto all = bind_with(t, source, { "rbind" }, { "read:/x/sub/file" });
    t.equal("R-5.22", text_at(result_of(all.report, "read:/x/sub/file"), "text"), "below", "rbind: the file of the mount below");
}

OCI_TEST(remount_changes_a_mount, "R-5.23")
{
    auto bundle = t.new_bundle();
    bundle.add_mount("/m", "tmpfs", "tmpfs", { "mode=755" });
    bundle.add_mount("/m", "tmpfs", "tmpfs", { "remount", "ro" });
    bundle.probes({ "create:/m/x:x", "report" });
    auto report = t.report(bundle);
    t.equal("R-5.23", probe_errno(report, "create:/m/x:x"), EROFS, "writing after remount,ro");
}

OCI_TEST(flags_of_a_bind_mount_are_enforced, "R-5.24", "R-5.12", "R-5.13")
{
    auto source = make_source(t, "src");
    mknod((source + "/null").c_str(), S_IFCHR | 0666, makedev(1, 3));
    std::error_code error;
    std::filesystem::copy_file(t.settings().busybox, source + "/true", error);
    std::vector<std::string> const probes { "create:/x/new:x", "open:r:/x/null", "exec:/x/true" };
    auto strict = bind_with(t, source, { "bind", "ro", "nosuid", "nodev", "noexec" }, probes);
    for (auto const* option : { "ro", "nosuid", "nodev", "noexec" })
        t.check("R-5.24", has_option(strict.top, option), std::string(option) + " in " + text_at(strict.top, "options"));
    t.equal("R-5.24", probe_errno(strict.report, "create:/x/new:x"), EROFS, "writing through a read-only bind mount");
    t.equal("R-5.12", probe_errno(strict.report, "open:r:/x/null"), EACCES, "opening a device on a nodev mount");
    t.equal("R-5.13", probe_errno(strict.report, "exec:/x/true"), EACCES, "executing on a noexec mount");
    auto loose = bind_with(t, source, { "bind" }, probes);
    t.check("R-5.24", probe_ok(loose.report, "create:/x/new:x"), "writing through a plain bind mount");
    t.check("R-5.12", probe_ok(loose.report, "open:r:/x/null"), "opening a device on a plain bind mount");
    t.check("R-5.13", probe_ok(loose.report, "exec:/x/true") || number_at(result_of(loose.report, "exec:/x/true"), "exit") >= 0,
        "executing on a plain bind mount");
}

OCI_TEST(propagation_of_mounts, "R-5.25", "R-5.26", "R-5.27", "R-5.28")
{
    auto source = make_source(t, "src");
    mount(source.c_str(), source.c_str(), nullptr, MS_BIND | MS_REC, nullptr);
    mount(nullptr, source.c_str(), nullptr, MS_SHARED | MS_REC, nullptr);
    for (auto const* word : { "private", "rprivate" }) {
        auto seen = bind_with(t, source, { "rbind", word });
        t.check("R-5.25", optional_of(seen.top) == "[]", std::string(word) + ": " + optional_of(seen.top));
        t.check("R-5.25", *word != 'r' || optional_of(seen.below) == "[]", std::string(word) + ", below: " + optional_of(seen.below));
    }
    for (auto const* word : { "shared", "rshared" }) {
        auto seen = bind_with(t, source, { "rbind", word });
        t.check("R-5.26", optional_of(seen.top).find("shared:") != std::string::npos, std::string(word) + ": " + optional_of(seen.top));
        t.check("R-5.26", *word != 'r' || word == std::string_view("shared") || optional_of(seen.below).find("shared:") != std::string::npos,
            std::string(word) + ", below: " + optional_of(seen.below));
    }
    for (auto const* word : { "slave", "rslave" }) {
        auto seen = bind_with(t, source, { "rbind", word });
        auto top = optional_of(seen.top);
        t.check("R-5.27", top.find("master:") != std::string::npos && top.find("shared:") == std::string::npos, std::string(word) + ": " + top);
        t.check("R-5.27", *word != 'r' || optional_of(seen.below).find("master:") != std::string::npos,
            std::string(word) + ", below: " + optional_of(seen.below));
    }
    for (auto const* word : { "unbindable", "runbindable" }) {
        auto seen = bind_with(t, source, { "rbind", word });
        t.check("R-5.28", optional_of(seen.top).find("unbindable") != std::string::npos, std::string(word) + ": " + optional_of(seen.top));
        t.check("R-5.28", *word != 'r' || optional_of(seen.below).find("unbindable") != std::string::npos,
            std::string(word) + ", below: " + optional_of(seen.below));
    }
}

OCI_TEST(symbolic_links_can_be_refused_on_a_mount, "R-5.30")
{
    auto source = make_source(t, "src");
    auto strict = bind_with(t, source, { "bind", "nosymfollow" }, { "read:/x/link", "read:/x/file" });
    t.equal("R-5.30", probe_errno(strict.report, "read:/x/link"), ELOOP, "a link on a nosymfollow mount");
    t.check("R-5.30", probe_ok(strict.report, "read:/x/file"), "a file on a nosymfollow mount");
    auto loose = bind_with(t, source, { "bind", "nosymfollow", "symfollow" }, { "read:/x/link" });
    t.check("R-5.30", probe_ok(loose.report, "read:/x/link"), "a link after symfollow");
}

OCI_TEST(recursive_options_reach_mounts_below, "R-5.31", "R-5.32", "R-5.33", "R-5.34", "R-5.35", "R-5.36", "R-5.37")
{
    struct Row {
        char const* requirement;
        char const* option;
        unsigned long before; // flags of the mount below in the source
        char const* present;
        char const* absent;
    };
    static constexpr Row rows[] = { { "R-5.31", "rro", 0, "ro", "" }, { "R-5.31", "rrw", MS_RDONLY, "rw", "ro" },
        { "R-5.32", "rnosuid", 0, "nosuid", "" }, { "R-5.32", "rsuid", MS_NOSUID, "", "nosuid" }, { "R-5.33", "rnodev", 0, "nodev", "" },
        { "R-5.33", "rdev", MS_NODEV, "", "nodev" }, { "R-5.34", "rnoexec", 0, "noexec", "" }, { "R-5.34", "rexec", MS_NOEXEC, "", "noexec" },
        { "R-5.35", "rnoatime", 0, "noatime", "relatime" }, { "R-5.35", "ratime", MS_NOATIME, "", "noatime" },
        { "R-5.35", "rrelatime", MS_NOATIME, "relatime", "noatime" }, { "R-5.35", "rnorelatime", MS_RELATIME, "", "noatime" },
        { "R-5.35", "rstrictatime", 0, "", "relatime" }, { "R-5.35", "rnostrictatime", MS_STRICTATIME, "", "noatime" },
        { "R-5.36", "rnodiratime", 0, "nodiratime", "" }, { "R-5.36", "rdiratime", MS_NODIRATIME, "", "nodiratime" },
        { "R-5.37", "rnosymfollow", 0, "nosymfollow", "" }, { "R-5.37", "rsymfollow", 256 /* MS_NOSYMFOLLOW */, "", "nosymfollow" } };
    for (auto const& row : rows) {
        auto seen = bind_with(t, make_source(t, std::string("src-") + row.option, row.before), { "rbind", row.option });
        for (auto const* mount : { &seen.top, &seen.below }) {
            bool good = !mount->is_null() && (*row.present == '\0' || has_option(*mount, row.present))
                && (*row.absent == '\0' || !has_option(*mount, row.absent));
            auto text = mount->is_null() ? "no such mount" : text_at(*mount, "options");
            t.check(row.requirement, good, std::string(row.option) + (mount == &seen.below ? ", below: " : ": ") + text);
        }
    }
}

OCI_TEST(tmpcopyup_keeps_what_lay_below, "R-5.40")
{
    auto bundle = t.new_bundle();
    write_file(bundle.in_root("/data/kept"), "kept");
    mkdir(bundle.in_root("/data/folder").c_str(), 0751);
    chmod(bundle.in_root("/data/folder").c_str(), 0751);
    write_file(bundle.in_root("/data/folder/deep"), "deep");
    bundle.add_mount("/data", "tmpfs", "tmpfs", { "tmpcopyup", "nosuid" });
    bundle.probes({ "read:/data/kept", "read:/data/folder/deep", "stat:/data/folder", "create:/data/new:x", "report" });
    auto report = t.report(bundle);
    t.equal("R-5.40", text_at(result_of(report, "read:/data/kept"), "text"), "kept", "a file is copied");
    t.equal("R-5.40", text_at(result_of(report, "read:/data/folder/deep"), "text"), "deep", "a file in a folder is copied");
    t.equal("R-5.40", number_at(result_of(report, "stat:/data/folder"), "mode"), 0751, "modes are kept");
    t.check("R-5.40", text_at(mount_at(report, "/data"), "type") == "tmpfs" && has_option(mount_at(report, "/data"), "nosuid"),
        "it is a tmpfs with its options");
    t.check("R-5.40", access(bundle.in_root("/data/new").c_str(), F_OK) != 0, "what is written stays in the tmpfs");
}

OCI_TEST(id_mapped_mounts, "R-5.41", "R-5.42", "R-5.43", "R-5.44")
{
    auto source = make_source(t, "src");
    Json map = Json::array({ { { "containerID", 0 }, { "hostID", 4200 }, { "size", 100 } } });
    auto mapped = [&](char const* option, bool users, bool groups) {
        auto bundle = t.new_bundle();
        bundle.add_mount("/x", "bind", source, { "rbind", option });
        if (users)
            bundle.config["mounts"].back()["uidMappings"] = map;
        if (groups)
            bundle.config["mounts"].back()["gidMappings"] = map;
        bundle.probes({ "stat:/x/file", "stat:/x/sub/file", "report" });
        return bundle;
    };
    auto report = t.report(mapped("idmap", true, true));
    auto owner = [&](char const* probe) { return Json { number_at(result_of(report, probe), "uid"), number_at(result_of(report, probe), "gid") }; };
    t.equal("R-5.41", owner("stat:/x/file"), { 4200, 4200 }, "owner of a file of root");
    t.equal("R-5.41", owner("stat:/x/sub/file"), { 0, 0 }, "owner on the mount below, which idmap leaves alone");
    report = t.report(mapped("ridmap", true, true));
    t.equal("R-5.44", owner("stat:/x/file"), { 4200, 4200 }, "owner of a file of root");
    t.equal("R-5.44", owner("stat:/x/sub/file"), { 4200, 4200 }, "owner on the mount below");
    t.refuses("R-5.42", mapped("idmap", false, false), "idmap without mappings or user namespace");
    t.refuses("R-5.42", mapped("ridmap", false, false), "ridmap without mappings or user namespace");
    t.refuses("R-5.43", mapped("idmap", true, false), "uidMappings without gidMappings");
    t.refuses("R-5.43", mapped("idmap", false, true), "gidMappings without uidMappings");
}

OCI_TEST(destinations_stay_inside_the_root, "R-15.31", "R-15.37")
{
    auto bundle = t.new_bundle();
    mkdir(t.path("outside").c_str(), 0755);
    if (symlink(t.path("outside").c_str(), bundle.in_root("/escape").c_str()) != 0
        || symlink("../../../../../../../../tmp", bundle.in_root("/up").c_str()) != 0)
        return;
    auto source = make_source(t, "src");
    bundle.add_mount("/escape/in", "bind", source, { "bind" });
    bundle.add_mount("/up/in", "bind", source, { "bind" });
    bundle.probes({ "read:/escape/in/file", "report" });
    auto done = t.run(bundle);
    auto report = report_in(done.output);
    t.check("R-15.31", report.is_null() ? done.refused() : text_at(result_of(report, "read:/escape/in/file"), "text") == "top",
        "a destination through a link is made inside, or refused: " + done.describe());
    t.check("R-15.31", std::filesystem::is_empty(t.path("outside")), "nothing is made outside");
    auto second = t.new_bundle();
    std::filesystem::remove_all(second.in_root("/proc"));
    if (symlink("/etc", second.in_root("/proc").c_str()) == 0)
        t.refuses("R-15.37", second, "a proc mount over a symbolic link");
}
