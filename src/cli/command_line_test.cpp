#include "cli/command_line.h"
#include "cli/commands/table.h"
#include "cli/duration.h"
#include "cli/isolation_choice.h"
#include "cli/session.h"
#include "cli/settings.h"
#include "cli/version.h"

#include <gtest/gtest.h>

using namespace bulkhead;
using namespace bulkhead::cli;

namespace {

using Words = std::vector<char const*>;

// Parses as main() does, up to the point where the command would run. The command's name on success, else the error.
std::string parse(Words const& words)
{
    Command program("bulkhead", "");
    Session session(add_global_flags(program), "bulkhead");
    auto rest = program.parse_flags(words);
    if (rest.is_error())
        return rest.error().message;
    if (rest.value().empty())
        return "no command";
    for (auto const& row : command_table()) {
        if (row.name != rest.value().front())
            continue;
        CommandLine line(session);
        row.add(line);
        auto& command = line.commands().front();
        auto arguments = command.parse_flags(rest.value().subspan(1));
        if (arguments.is_error())
            return arguments.error().message;
        auto taken = command.parse_arguments(arguments.value());
        return taken.is_error() ? taken.error().message : command.name();
    }
    return "unknown command";
}

Words behind_shim_globals(Words words)
{
    Words all { "--root", "/run/docker/runtime-runc/moby", "--log", "/b/log.json", "--log-format", "json", "--debug", "--systemd-cgroup", "--criu",
        "/usr/sbin/criu" };
    all.insert(all.end(), words.begin(), words.end());
    return all;
}

} // namespace

TEST(EngineFlags, what_docker_and_the_runc_shim_pass_is_understood)
{
    std::vector<Words> const lines {
        { "create", "--bundle", "/b", "--pid-file", "/b/init.pid", "--console-socket", "/s", "--no-pivot", "--no-new-keyring", "--preserve-fds", "2",
            "id" },
        { "create", "--bundle", "/b", "--pid-file", "/b/init.pid", "id" },
        { "start", "id" },
        { "state", "id" },
        { "pause", "id" },
        { "resume", "id" },
        { "delete", "id" },
        { "delete", "--force", "id" },
        { "kill", "id", "9" },
        { "kill", "--all", "id", "9" },
        { "exec", "--process", "/tmp/runc-process1", "--console-socket", "/s", "--detach", "--pid-file", "/f", "id" },
        { "ps", "--format", "json", "id" },
        { "ps", "--format", "table", "id", "-ef" },
        { "update", "--resources", "-", "id" },
        { "checkpoint", "--image-path", "/i", "--work-path", "/w", "--parent-path", "../p", "--tcp-established", "--ext-unix-sk", "--shell-job",
            "--page-server", "1.2.3.4:5", "--file-locks", "--manage-cgroups-mode", "soft", "--empty-ns", "network", "--leave-running", "--pre-dump",
            "id" },
        { "restore", "--image-path", "/i", "--work-path", "/w", "--tcp-established", "--ext-unix-sk", "--shell-job", "--file-locks",
            "--manage-cgroups-mode", "soft", "--empty-ns", "network", "--detach", "--pid-file", "/f", "--console-socket", "/s", "--no-pivot",
            "-no-subreaper", "--bundle", "/b", "id" },
        { "run", "--bundle", "/b", "--pid-file", "/f", "--detach", "id" },
        { "list", "--format=json" },
        { "events", "--stats", "id" },
        { "events", "--interval=5s", "id" },
        { "features" },
    };
    for (auto const& words : lines)
        EXPECT_EQ(parse(behind_shim_globals(words)), words.front());
}

TEST(EngineFlags, what_podman_and_conmon_pass_is_understood)
{
    std::vector<Words> const lines {
        { "--systemd-cgroup", "--log-format=json", "--log", "/u/oci-log", "create", "--bundle", "/u", "--pid-file", "/u/pidfile", "--no-pivot",
            "--no-new-keyring", "--preserve-fds", "3", "--console-socket", "/s", "id" },
        { "exec", "--pid-file", "/f", "--process", "/p", "--detach", "--tty", "--preserve-fds", "1", "--console-socket", "/s", "id" },
        { "restore", "--bundle", "/b", "--pid-file", "/f", "--no-pivot", "--no-new-keyring", "--detach", "--image-path", "/i", "--work-path", "/w",
            "id" },
        { "kill", "id", "15" },
        { "delete", "--force", "id" },
        { "update", "--resources=/r.json", "id" },
        { "checkpoint", "--image-path", "/i", "--work-path", "/w", "id" },
    };
    for (auto const& words : lines) {
        auto answer = parse(words);
        EXPECT_NE(std::find_if(words.begin(), words.end(), [&](auto const* word) { return answer == word; }), words.end()) << answer;
    }
}

TEST(EngineFlags, what_cri_o_passes_is_understood)
{
    EXPECT_EQ(parse({ "--root=/run/r", "--systemd-cgroup", "create", "--bundle", "/b", "--pid-file", "/f", "id" }), "create");
    EXPECT_EQ(parse({ "--root", "/run/r", "restore", "--lsm-profile=selinux:x", "--lsm-mount-context=y", "--bundle", "/b", "--pid-file", "/f",
                  "--detach", "--image-path", "/i", "--work-path", "/w", "id" }),
        "restore");
    EXPECT_EQ(parse({ "--root", "/run/r", "kill", "id", "SIGTERM" }), "kill");
    EXPECT_EQ(parse({ "--root", "/run/r", "kill", "-a", "id", "9" }), "kill");
    EXPECT_EQ(parse({ "--root", "/run/r", "exec", "--process", "/p", "id" }), "exec");
    EXPECT_EQ(parse({ "--root", "/run/r", "checkpoint", "--file-locks", "--image-path", "/i", "--work-path", "/w", "--leave-running", "id" }),
        "checkpoint");
    EXPECT_EQ(parse({ "--rootless=", "state", "id" }), "state");
}

TEST(CommandLine, flags_end_at_the_first_argument)
{
    Command command("exec", "");
    auto const& tty = command.flag("tty,t", "");
    auto const& id = command.argument("id", "");
    auto const& rest = command.rest("command", "");
    Words words { "-t", "web", "ls", "-l", "--tty=false" };
    auto arguments = command.parse_flags(words);
    ASSERT_TRUE(arguments.is_ok());
    ASSERT_TRUE(command.parse_arguments(arguments.value()).is_ok());
    EXPECT_TRUE(tty);
    EXPECT_EQ(id, "web");
    EXPECT_EQ(rest, (std::vector<std::string> { "ls", "-l", "--tty=false" }));
}

TEST(CommandLine, go_s_ways_to_write_a_flag_are_all_the_same)
{
    for (Words const& words : { Words { "--bundle", "/b" }, Words { "--bundle=/b" }, Words { "-bundle", "/b" }, Words { "-bundle=/b" },
             Words { "-b", "/b" }, Words { "-b=/b" } }) {
        Command command("run", "");
        auto const& bundle = command.text("bundle,b", "", "");
        ASSERT_TRUE(command.parse_flags(words).is_ok());
        EXPECT_EQ(bundle, "/b");
    }
}

TEST(CommandLine, a_truth_flag_takes_a_value_only_behind_an_equals_sign)
{
    Command command("run", "");
    auto const& keep = command.flag("keep", "");
    auto const& detach = command.flag("detach,d", "");
    EXPECT_TRUE(command.parse_flags(Words { "--keep=true", "-d=false" }).is_ok());
    EXPECT_TRUE(keep);
    EXPECT_FALSE(detach);
    EXPECT_TRUE(command.was_given(&detach));
    EXPECT_TRUE(command.parse_flags(Words { "--keep=maybe" }).is_error());
}

TEST(CommandLine, values_may_look_like_flags)
{
    Command command("update", "");
    auto const& swap = command.text("memory-swap", "", "");
    auto const& count = command.number("count", "", "");
    ASSERT_TRUE(command.parse_flags(Words { "--memory-swap", "-1", "--count", "-5" }).is_ok());
    EXPECT_EQ(swap, "-1");
    EXPECT_EQ(count, -5);
    EXPECT_TRUE(command.parse_flags(Words { "--count", "5x" }).is_error());
}

TEST(CommandLine, unknown_flags_missing_values_and_wrong_arguments_are_errors)
{
    EXPECT_NE(parse({ "state", "--bogus", "id" }).find("-bogus"), std::string::npos);
    EXPECT_NE(parse({ "--bogus" }).find("-bogus"), std::string::npos);
    EXPECT_NE(parse({ "create", "--bundle" }).find("--bundle"), std::string::npos);
    EXPECT_NE(parse({ "state" }).find("container-id"), std::string::npos);
    EXPECT_NE(parse({ "state", "a", "b" }).find("too many"), std::string::npos);
    EXPECT_NE(parse({ "kill", "id", "9", "--all" }).find("before arguments"), std::string::npos);
    EXPECT_NE(parse({ "features", "x" }).find("too many"), std::string::npos);
}

TEST(CommandLine, every_command_has_help_with_its_flags)
{
    Command program("bulkhead", "");
    Session session(add_global_flags(program), "bulkhead");
    for (auto const& row : command_table()) {
        CommandLine line(session);
        row.add(line);
        ASSERT_EQ(line.commands().size(), 1U);
        EXPECT_EQ(line.commands().front().name(), row.name);
        EXPECT_NE(line.commands().front().help().find("USAGE"), std::string::npos);
    }
}

TEST(Version, the_lines_are_those_that_engines_parse)
{
    auto text = version_text();
    EXPECT_TRUE(text.starts_with("bulkhead version " + version_number() + "\ncommit: "));
    EXPECT_NE(text.find("\nspec: 1.3.0\n"), std::string::npos);
}

TEST(IsolationChoice, the_first_of_flag_name_annotation_settings_decides)
{
    IsolationWishes wishes;
    EXPECT_EQ(choose_isolation(wishes).value(), "namespaces");
    wishes.settings.isolation = "userns";
    EXPECT_EQ(choose_isolation(wishes).value(), "userns");
    wishes.settings.allow_annotation = true;
    wishes.annotations = { { "dev.bulkhead.isolation", "microvm" } };
    EXPECT_EQ(choose_isolation(wishes).value(), "microvm");
    wishes.program_name = "bulkhead-sentry";
    EXPECT_EQ(choose_isolation(wishes).value(), "sentry");
    wishes.flag = "namespaces";
    EXPECT_EQ(choose_isolation(wishes).value(), "namespaces");
}

TEST(IsolationChoice, an_annotation_never_weakens_and_needs_leave)
{
    IsolationWishes wishes;
    wishes.annotations = { { "dev.bulkhead.isolation", "sentry" } };
    EXPECT_TRUE(choose_isolation(wishes).is_error());
    wishes.settings = { .isolation = "microvm", .allow_annotation = true };
    EXPECT_NE(choose_isolation(wishes).error().message.find("weaker"), std::string::npos);
    wishes.annotations = { { "dev.bulkhead.isolation", "nonsense" } };
    EXPECT_TRUE(choose_isolation(wishes).is_error());
}

TEST(IsolationChoice, what_is_known_but_not_built_in_says_so)
{
    EXPECT_TRUE(find_isolation("namespaces").is_ok());
    auto missing = find_isolation("nonsense");
    ASSERT_TRUE(missing.is_error());
    EXPECT_NE(missing.error().message.find("unknown isolation"), std::string::npos);
}

TEST(Settings, both_members_are_read)
{
    auto settings = parse_settings("[runtime]\nisolation = \"sentry\"\nallow_annotation = true\n[other]\nx = 1\n", "f");
    ASSERT_TRUE(settings.is_ok()) << settings.error().message;
    EXPECT_EQ(settings.value().isolation, "sentry");
    EXPECT_TRUE(settings.value().allow_annotation);
    EXPECT_FALSE(parse_settings("", "f").value().isolation);
}

TEST(Settings, mistakes_name_file_and_place)
{
    EXPECT_NE(parse_settings("[runtime]\nisolation = 5\n", "/etc/x.toml").error().message.find("/etc/x.toml: runtime.isolation"), std::string::npos);
    EXPECT_NE(parse_settings("[runtime]\nisolatoin = \"sentry\"\n", "f").error().message.find("isolatoin"), std::string::npos);
    EXPECT_NE(parse_settings("a = b\n", "f").error().message.find("line 1"), std::string::npos);
    EXPECT_TRUE(read_settings("/no/such/file").is_ok());
}

TEST(Durations, are_read_as_go_writes_them)
{
    EXPECT_EQ(parse_duration("5s"), 5000);
    EXPECT_EQ(parse_duration("1m30s"), 90'000);
    EXPECT_EQ(parse_duration("250ms"), 250);
    EXPECT_EQ(parse_duration("1.5s"), 1500);
    EXPECT_EQ(parse_duration("2h"), 7'200'000);
    for (auto const* text : { "", "5", "s", "-5s", "5x", "1e9s", "99999999999999999h" })
        EXPECT_FALSE(parse_duration(text)) << text;
}

TEST(Sizes, have_units_of_1024)
{
    EXPECT_EQ(parse_size("1048576"), 1048576);
    EXPECT_EQ(parse_size("512m"), 536'870'912);
    EXPECT_EQ(parse_size("2GiB"), 2'147'483'648);
    EXPECT_EQ(parse_size("1kb"), 1024);
    EXPECT_EQ(parse_size("-1"), -1);
    for (auto const* text : { "", "m", "-2", "5x", "5mx", "1bb", "99999999999p" })
        EXPECT_FALSE(parse_size(text)) << text;
}
