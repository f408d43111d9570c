// config.md: the version, the root, what is unknown and what is wrong.
#include "driver/report.h"
#include "driver/session.h"

#include <sys/stat.h>
#include <unistd.h>

using namespace conformance;

OCI_TEST(the_version_must_be_a_semantic_version, "R-4.1", "R-4.3")
{
    auto bundle = t.new_bundle();
    bundle.config.erase("ociVersion");
    t.refuses("R-4.1", bundle, "no ociVersion");
    for (auto const* version : { "", "one", "1", "v1.0.0" }) {
        bundle.config["ociVersion"] = version;
        t.refuses("R-4.1", bundle, std::string("ociVersion \"") + version + "\"");
    }
    bundle.config["ociVersion"] = 1;
    t.refuses("R-4.1", bundle, "ociVersion 1, a number");
    bundle.config["ociVersion"] = "2.0.0";
    t.refuses("R-4.3", bundle, "ociVersion 2.0.0");
}

OCI_TEST(older_versions_are_accepted, "R-4.2")
{
    auto bundle = t.new_bundle();
    for (auto const* version : { "1.0.0", "1.0.1", "1.0.2", "1.0.2-dev", "1.1.0", "1.2.0", "1.2.1", "1.3.0" }) {
        if (compare_versions(version, t.settings().claimed_version) > 0)
            continue;
        bundle.config["ociVersion"] = version;
        auto done = t.run(bundle);
        t.check("R-4.2", done.ok(), std::string("ociVersion ") + version + ": " + done.describe());
    }
}

OCI_TEST(the_root_must_be_a_folder, "R-4.4", "R-4.6")
{
    auto bundle = t.new_bundle();
    auto root = bundle.config["root"];
    bundle.config.erase("root");
    t.refuses("R-4.4", bundle, "no root");
    bundle.config["root"] = { { "readonly", false } };
    t.refuses("R-4.4", bundle, "root without path");
    bundle.config["root"] = { { "path", "absent" } };
    t.refuses("R-4.6", bundle, "a root that does not exist");
    bundle.config["root"] = { { "path", "config.json" } };
    t.refuses("R-4.6", bundle, "a root that is a file");
}

OCI_TEST(the_root_path_is_absolute_or_counts_from_the_bundle, "R-4.5", "R-4.8")
{
    auto bundle = t.new_bundle();
    bundle.probes({ "create:/written:x", "report" });
    mkdir(t.path("elsewhere").c_str(), 0755);
    bundle.save();
    auto done = t.run(bundle, "", {}, { .directory = t.path("elsewhere") });
    t.check("R-4.5", !report_in(done.output).is_null(), "relative path, other working directory: " + done.describe());
    auto report = report_in(done.output);
    t.check("R-4.8", probe_ok(report, "create:/written:x"), "the root is writable");
    t.check("R-4.8", access(bundle.in_root("/written").c_str(), F_OK) == 0, "what is written inside lands in the bundle's root");
    bundle.config["root"]["path"] = bundle.root();
    report = t.report(bundle);
    t.check("R-4.5", !report.is_null(), "absolute path");
}

OCI_TEST(a_read_only_root_cannot_be_written, "R-4.7")
{
    auto bundle = t.new_bundle();
    bundle.config["root"]["readonly"] = true;
    bundle.probes({ "create:/written:x", "mkdir:/home/new", "write:/etc/passwd:x", "create:/dev/shm/x:x", "report" });
    auto report = t.report(bundle);
    if (report.is_null())
        return;
    for (auto const* probe : { "create:/written:x", "mkdir:/home/new", "write:/etc/passwd:x" })
        t.equal("R-4.7", probe_errno(report, probe), EROFS, std::string("errno of ") + probe);
    t.check("R-4.7", has_option(mount_at(report, "/"), "ro"), "the mount of / is ro");
    t.check("R-4.7", probe_ok(report, "create:/dev/shm/x:x"), "mounts in it stay writable");
}

OCI_TEST(unknown_properties_are_ignored, "R-4.9", "R-4.13")
{
    auto bundle = t.new_bundle();
    Json odd = { { "a", { 1, "two", nullptr } } };
    bundle.config["unknownThing"] = odd;
    bundle.config["process"]["unknownThing"] = odd;
    bundle.config["process"]["user"]["unknownThing"] = 1;
    bundle.config["root"]["unknownThing"] = true;
    bundle.config["mounts"][0]["unknownThing"] = "x";
    bundle.config["linux"]["unknownThing"] = odd;
    bundle.config["linux"]["namespaces"][0]["unknownThing"] = odd;
    bundle.config["linux"]["resources"] = { { "unknownThing", odd }, { "memory", { { "unknownThing", 1 } } } };
    bundle.config["hooks"] = { { "unknownHook", Json::array() } };
    auto done = t.run(bundle);
    t.check("R-4.9", done.ok() && !report_in(done.output).is_null(), "unknown properties everywhere: " + done.describe());
    auto annotated = t.new_bundle();
    annotated.config["annotations"] = { { "org.opencontainers.image.unknown", "x" }, { "dev.example.other", "y" } };
    done = t.run(annotated);
    t.check("R-4.13", done.ok(), "unknown annotations: " + done.describe());
}

OCI_TEST(invalid_values_are_errors, "R-4.10", "R-4.11", "R-4.12")
{
    auto wrong = [&](std::string const& what, auto change) {
        auto bundle = t.new_bundle();
        change(bundle.config);
        t.refuses("R-4.10", bundle, what);
    };
    wrong("args is text", [](Json& config) { config["process"]["args"] = "/oci-guest"; });
    wrong("cwd is a number", [](Json& config) { config["process"]["cwd"] = 7; });
    wrong("uid is text", [](Json& config) { config["process"]["user"]["uid"] = "0"; });
    wrong("uid is negative", [](Json& config) { config["process"]["user"]["uid"] = -1; });
    wrong("mounts is an object", [](Json& config) { config["mounts"] = Json::object(); });
    wrong("namespaces is text", [](Json& config) { config["linux"]["namespaces"] = "pid"; });
    wrong("readonly is text", [](Json& config) { config["root"]["readonly"] = "yes"; });
    auto bundle = t.new_bundle();
    for (auto const* text : { "", "{", "[]", "not json", "{\"ociVersion\": \"1.0.2\"" }) {
        write_file(bundle.folder() + "/config.json", text);
        auto done = t.command({ "create", "--bundle", bundle.folder(), t.new_id() });
        t.check("R-4.10", done.refused(), std::string("config.json is \"") + text + "\": " + done.describe());
    }
    bundle.config["annotations"] = { { "key", 5 } };
    t.refuses("R-4.11", bundle, "an annotation that is a number");
    bundle.config["annotations"] = { { "", "value" } };
    t.refuses("R-4.12", bundle, "an annotation with an empty key");
}
