// features.md, features-linux.md: the document, and that it promises nothing that the runtime refuses.
#include "driver/console.h"
#include "driver/report.h"
#include "driver/session.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <set>

using namespace conformance;

namespace {

// The document; null, and every requirement skipped, where the runtime has none (it may).
Json features_of(Session& t)
{
    auto done = t.command({ "features" });
    auto document = parse_json(done.output);
    if (!done.ok() || !document.is_object())
        t.skip_all("the runtime has no features document, which is allowed");
    return done.ok() ? document : Json();
}

std::vector<std::string> words_in(Json const& list)
{
    std::vector<std::string> words;
    for (auto const& word : list) {
        if (word.is_string())
            words.push_back(word.get<std::string>());
    }
    return words;
}

bool only_keys(Json const& object, std::set<std::string> const& known, std::string& strange)
{
    if (!object.is_object())
        return true;
    for (auto const& [key, value] : object.items()) {
        if (!known.contains(key))
            strange += (strange.empty() ? "" : ", ") + key;
    }
    return strange.empty();
}

} // namespace

OCI_TEST(the_document_is_well_formed, "R-14.1", "R-14.2", "R-14.10", "R-14.11", "R-14.14")
{
    auto document = features_of(t);
    if (document.is_null())
        return;
    auto first = text_at(document, "ociVersionMin"), last = text_at(document, "ociVersionMax");
    for (auto const& version : { first, last })
        t.check("R-14.1", std::count(version.begin(), version.end(), '.') >= 2, "version \"" + version + "\"");
    t.check("R-14.2", compare_versions(first, last) <= 0, first + " to " + last);
    std::string strange;
    only_keys(document, { "ociVersionMin", "ociVersionMax", "hooks", "mountOptions", "linux", "annotations", "potentiallyUnsafeConfigAnnotations" },
        strange);
    only_keys(at(document, "linux"),
        { "namespaces", "capabilities", "cgroup", "seccomp", "apparmor", "selinux", "intelRdt", "memoryPolicy", "mountExtensions", "netDevices" },
        strange);
    only_keys(at(at(document, "linux"), "cgroup"), { "v1", "v2", "systemd", "systemdUser", "rdma" }, strange);
    only_keys(at(at(document, "linux"), "seccomp"), { "enabled", "actions", "operators", "archs", "knownFlags", "supportedFlags" }, strange);
    t.check("R-14.10", strange.empty(), strange.empty() ? "only known properties" : "unknown: " + strange);
    bool texts = true;
    for (auto const& value : at(document, "annotations"))
        texts = texts && value.is_string();
    t.check("R-14.11", texts, "annotations are strings");
    bool types = true;
    for (auto const* key : { "hooks", "mountOptions" })
        types = types && (at(document, key).is_null() || at(document, key).is_array());
    for (auto const* key : { "namespaces", "capabilities" })
        types = types && (at(at(document, "linux"), key).is_null() || at(at(document, "linux"), key).is_array());
    for (auto const& value : at(at(document, "linux"), "cgroup"))
        types = types && (value.is_boolean() || value.is_null());
    t.check("R-14.14", types, "lists are lists, flags are flags");
}

OCI_TEST(promised_versions_are_accepted, "R-14.3")
{
    auto document = features_of(t);
    if (document.is_null())
        return;
    for (auto const* key : { "ociVersionMin", "ociVersionMax" }) {
        auto bundle = t.new_bundle();
        bundle.config["ociVersion"] = text_at(document, key);
        auto done = t.run(bundle);
        t.check("R-14.3", done.ok(), std::string(key) + " " + text_at(document, key) + ": " + done.describe());
    }
}

OCI_TEST(promised_hooks_run, "R-14.4")
{
    auto document = features_of(t);
    if (document.is_null())
        return;
    auto bundle = t.new_bundle();
    auto kinds = words_in(at(document, "hooks"));
    for (auto const& kind : kinds) {
        bool inside = kind == "startContainer";
        std::vector<std::string> arguments { "guest", "hook", inside ? "/hooks.log" : bundle.in_root("/hooks.log"), kind };
        bundle.add_hook(kind, inside ? "/oci-guest" : t.settings().guest, arguments);
    }
    auto done = t.run(bundle);
    auto log = read_file(bundle.in_root("/hooks.log"));
    for (auto const& kind : kinds)
        t.check("R-14.4", log.find("\"label\":\"" + kind + "\"") != std::string::npos, kind + " ran (" + done.describe() + ")");
}

OCI_TEST(promised_mount_options_are_recognized, "R-14.5", "R-14.12")
{
    auto document = features_of(t);
    if (document.is_null())
        return;
    // Each option on a mount of its own. tmpfs does not take those that ask the file system for something of its own (acl, iversion), nor remount,
    // so they go on a bind mount, where the runtime still has to know them: an unknown word there would be refused by the kernel as data, or ignored.
    // The words about links of sources and destinations are crun's, and mean something for binds only.
    auto with_options = [&](std::vector<std::string> const& chosen) {
        auto bundle = t.new_bundle();
        for (auto const& option : chosen) {
            bool binds = option == "bind" || option == "rbind";
            bool kernel_decides = binds || option == "acl" || option == "noacl" || option == "iversion" || option == "noiversion"
                || option == "copy-symlink" || option == "src-nofollow" || option == "dest-nofollow";
            auto words = binds || !kernel_decides ? std::vector<std::string> { option } : std::vector<std::string> { "bind", option };
            bundle.add_mount("/o-" + option, kernel_decides ? "bind" : "tmpfs", kernel_decides ? t.settings().folder : "tmpfs", words);
        }
        return t.run(bundle);
    };
    // remount needs a mount, idmap needs mappings, and the kernel no longer knows mandatory locks.
    auto options = words_in(at(document, "mountOptions"));
    std::erase_if(
        options, [](auto const& word) { return word == "remount" || word == "idmap" || word == "ridmap" || word == "mand" || word == "nomand"; });
    if (with_options(options).ok())
        t.check("R-14.5", true, "all at once");
    else
        for (auto const& option : options) {
            auto done = with_options({ option });
            t.check("R-14.5", done.ok(), option + ": " + done.describe());
        }
    auto idmap = at(at(at(document, "linux"), "mountExtensions"), "idmap");
    if (idmap.is_null())
        return t.skip("R-14.12", "the document says nothing on idmap");
    auto mapped = t.new_bundle();
    mapped.add_mount("/x", "bind", t.settings().folder, { "bind", "idmap" });
    Json map = Json::array({ { { "containerID", 0 }, { "hostID", 4200 }, { "size", 100 } } });
    mapped.config["mounts"].back()["uidMappings"] = map;
    mapped.config["mounts"].back()["gidMappings"] = map;
    t.equal("R-14.12", flag_at(idmap, "enabled"), t.run(mapped).ok(), "mountExtensions.idmap.enabled, and that such a mount works");
}

OCI_TEST(promised_namespaces_and_capabilities_are_recognized, "R-14.6", "R-14.7")
{
    auto document = features_of(t);
    if (document.is_null())
        return;
    auto spaces = words_in(at(at(document, "linux"), "namespaces"));
    auto bundle = t.new_bundle();
    for (auto const& space : spaces) {
        if (space != "user")
            bundle.set_namespace(space);
    }
    auto done = t.run(bundle);
    t.check("R-14.6", !spaces.empty() && done.ok(), show(spaces) + ": " + done.describe());
    auto second = t.new_bundle();
    auto capabilities = words_in(at(at(document, "linux"), "capabilities"));
    // Recognizing is asked for, granting is not: inheritable and ambient stay empty, and what the host lacks is left out.
    Json granted = Json::array();
    for (auto const& capability : capabilities) {
        if (capability != "CAP_SYS_RESOURCE" || has_capability(24))
            granted.push_back(capability);
    }
    second.config["process"]["capabilities"] = { { "bounding", granted }, { "permitted", granted }, { "effective", granted } };
    done = t.run(second);
    auto bits = std::strtoull(text_at(at(report_in(done.output), "status"), "CapEff").c_str(), nullptr, 16);
    t.check("R-14.7", __builtin_popcountll(bits) == static_cast<int>(granted.size()),
        std::to_string(granted.size()) + " capabilities asked for, " + std::to_string(__builtin_popcountll(bits)) + " granted: " + done.describe());
}

OCI_TEST(promised_seccomp_words_are_recognized, "R-14.8", "R-14.9")
{
    auto document = features_of(t);
    if (document.is_null())
        return;
    auto const& seccomp = at(at(document, "linux"), "seccomp");
    auto accepted = [&](char const* requirement, Json const& filter, std::string const& what) {
        auto bundle = t.new_bundle();
        bundle.config["linux"]["seccomp"] = filter;
        auto done = t.run(bundle);
        t.check(requirement, done.ok(), what + ": " + done.describe());
    };
    Json base = { { "defaultAction", "SCMP_ACT_ALLOW" }, { "syscalls", Json::array() } };
    auto with_rules = base;
    // One name for each action and operator, of calls that the guest does not make.
    std::vector<std::string> const names { "acct", "swapon", "swapoff", "reboot", "quotactl", "settimeofday", "adjtimex", "init_module",
        "delete_module", "kexec_load", "add_key", "request_key", "vhangup", "mlockall", "munlockall", "setdomainname", "syslog", "ptrace" };
    std::size_t next = 0;
    for (auto const& action : words_in(at(seccomp, "actions"))) {
        if (action != "SCMP_ACT_NOTIFY" && next < names.size())
            with_rules["syscalls"].push_back({ { "names", { names[next++] } }, { "action", action } });
    }
    for (auto const& operation : words_in(at(seccomp, "operators"))) {
        if (next < names.size())
            with_rules["syscalls"].push_back({ { "names", { names[next++] } }, { "action", "SCMP_ACT_ERRNO" },
                { "args", Json::array({ { { "index", 0 }, { "value", 1 }, { "valueTwo", 1 }, { "op", operation } } }) } });
    }
    // A rule that says what the default says is one that libseccomp refuses; ALLOW is therefore the default here.
    accepted("R-14.8", with_rules, "every action and operator");
    auto with_architectures = base;
    with_architectures["architectures"] = at(seccomp, "archs");
    with_architectures["syscalls"].push_back({ { "names", { "acct" } }, { "action", "SCMP_ACT_ERRNO" } });
    // Big-endian and little-endian architectures cannot share one filter: one at a time.
    for (auto const& architecture : words_in(at(seccomp, "archs"))) {
        with_architectures["architectures"] = Json::array({ architecture });
        if (architecture.find("X86") != std::string::npos || architecture.find("AARCH64") != std::string::npos
            || architecture.find("ARM") != std::string::npos)
            accepted("R-14.8", with_architectures, architecture);
    }
    auto flags = words_in(at(seccomp, "supportedFlags"));
    if (flags.empty())
        return t.skip("R-14.9", "the document lists no supported flags");
    int listener = listen_on(t.path("listener"));
    for (auto const& flag : flags) {
        auto with_flag = base;
        with_flag["flags"] = Json::array({ flag });
        with_flag["syscalls"].push_back({ { "names", { "acct" } }, { "action", "SCMP_ACT_ERRNO" } });
        // seccomp(2): this flag is for filters with a listener only. The socket's backlog takes the connection.
        if (flag == "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV") {
            with_flag["syscalls"].push_back({ { "names", { "swapon" } }, { "action", "SCMP_ACT_NOTIFY" } });
            with_flag["listenerPath"] = t.path("listener");
        }
        accepted("R-14.9", with_flag, flag);
    }
    close(listener);
}
