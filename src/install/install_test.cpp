#include "install/install.h"

#include "base/file.h"
#include "install/engine_config.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace bulkhead;
using namespace bulkhead::install;

namespace {

std::vector<RuntimeEntry> const ours { { "bulkhead", "/usr/local/bin/bulkhead" } };

int remove_entry(char const* path, struct stat const*, int, FTW*)
{
    return ::remove(path);
}

class Folder {
public:
    Folder()
    {
        std::array<char, 40> path { "/tmp/bulkhead-install-test-XXXXXX" };
        m_path = ::mkdtemp(path.data());
    }
    ~Folder() { ::nftw(m_path.c_str(), remove_entry, 16, FTW_DEPTH | FTW_PHYS); }
    Folder(Folder const&) = delete;
    Folder& operator=(Folder const&) = delete;
    std::string operator/(std::string const& name) const { return m_path + "/" + name; }

    void write(std::string const& name, std::string_view text) const
    {
        File file(::open((*this / name).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755));
        ASSERT_TRUE(write_all(file, text).is_ok());
    }
    std::string read(std::string const& name) const
    {
        auto text = read_file(*this / name);
        return text.is_ok() ? text.value() : "(none)";
    }
    Request request(Engine engine) const
    {
        return { .engine = engine,
            .isolations = { "namespaces" },
            .config_path = *this / "config",
            .binary_path = {},
            .own_program = *this / "program",
            .prefix = *this / "prefix" };
    }

private:
    std::string m_path;
};

} // namespace

TEST(DockerConfig, an_absent_file_becomes_one_with_the_runtime)
{
    EXPECT_EQ(docker_with("", ours).value(),
        "{\n    \"runtimes\": {\n        \"bulkhead\": {\n            \"path\": \"/usr/local/bin/bulkhead\"\n        }\n    }\n}\n");
}

TEST(DockerConfig, everything_else_in_the_file_stays)
{
    auto text = MUST(docker_with(
        R"({"log-driver":"none","big":12345678901234567890123,"nothing":null,"runtimes":{"other":{"path":"/x","runtimeArgs":["-a"]}}})", ours));
    for (auto const* part : { "\"log-driver\": \"none\"", "12345678901234567890123", "\"nothing\": null", "\"other\"", "\"-a\"", "\"bulkhead\"" })
        EXPECT_NE(text.find(part), std::string::npos) << part << " in " << text;
}

TEST(DockerConfig, a_broken_file_is_refused)
{
    EXPECT_TRUE(docker_with("{\"a\": ", ours).is_error());
    EXPECT_TRUE(docker_with("{\"runtimes\": []}", ours).is_error());
    EXPECT_TRUE(docker_with("[]", ours).is_error());
}

TEST(DockerConfig, doing_it_twice_changes_nothing)
{
    auto once = MUST(docker_with("{\"debug\":true}", ours));
    EXPECT_EQ(docker_with(once, ours).value(), once);
}

TEST(DockerConfig, only_our_runtimes_are_taken_out)
{
    auto text = MUST(docker_with("{\"runtimes\":{\"other\":{\"path\":\"/x\"}}}", ours));
    auto without = MUST(docker_without(text, { "bulkhead" }));
    EXPECT_EQ(without.find("bulkhead"), std::string::npos);
    EXPECT_NE(without.find("other"), std::string::npos);
}

TEST(DockerConfig, a_default_runtime_is_not_taken_out)
{
    EXPECT_EQ(docker_without(R"({"default-runtime":"bulkhead","runtimes":{"bulkhead":{"path":"/b"}}})", { "bulkhead" }).error().code, Errno::busy);
}

TEST(PodmanConfig, runtimes_that_speak_json_already_still_do)
{
    auto plain = MUST(podman_drop_in(ours, {}));
    EXPECT_NE(plain.find("\"crun\", \"runc\""), std::string::npos);
    EXPECT_NE(plain.find("\"bulkhead\"]"), std::string::npos);
    EXPECT_NE(plain.find("\"bulkhead\" = [\"/usr/local/bin/bulkhead\"]"), std::string::npos);
    auto own = MUST(podman_drop_in(ours, { "[engine]\nruntime_supports_json = [\"special\"]\n" }));
    EXPECT_NE(own.find("[\"special\", \"bulkhead\"]"), std::string::npos);
}

TEST(ContainerdConfig, the_block_follows_the_version_of_the_file)
{
    EXPECT_NE(containerd_with("", ours).value().find("version = 2"), std::string::npos);
    EXPECT_NE(containerd_with("version = 2\n", ours).value().find("\"io.containerd.grpc.v1.cri\".containerd.runtimes.bulkhead]"), std::string::npos);
    EXPECT_NE(
        containerd_with("version = 3\n", ours).value().find("\"io.containerd.cri.v1.runtime\".containerd.runtimes.bulkhead]"), std::string::npos);
    EXPECT_NE(containerd_with("oom_score = 0\n", ours).value().find("[plugins.cri.containerd.runtimes.bulkhead]"), std::string::npos);
}

TEST(ContainerdConfig, control_groups_are_made_as_for_runc)
{
    auto text = MUST(
        containerd_with("version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runc.options]\nSystemdCgroup = true\n", ours));
    EXPECT_NE(text.rfind("SystemdCgroup = true"), text.find("SystemdCgroup = true"));
}

TEST(ContainerdConfig, a_runtime_of_that_name_that_is_not_ours_is_left_alone)
{
    EXPECT_EQ(containerd_with("version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.bulkhead]\nruntime_type = \"x\"\n", ours)
                  .error()
                  .code,
        Errno::exist);
    EXPECT_TRUE(containerd_with("version = = 2\n", ours).is_error());
}

TEST(ContainerdConfig, taking_the_block_out_gives_the_old_text_back)
{
    for (std::string before : { "version = 2\n\n[plugins]\n  [plugins.\"io.containerd.grpc.v1.cri\"]\n    x = 1\n", "version = 2\n", "" }) {
        auto with = MUST(containerd_with(before, ours));
        EXPECT_EQ(containerd_with(with, ours).value(), with);
        EXPECT_EQ(containerd_without(with).value(), before);
    }
}

TEST(Install, programs_and_configuration_come_and_go_together)
{
    Folder folder;
    folder.write("program", "#!the program");
    folder.write("config", "{\"debug\":true}");
    ASSERT_TRUE(install::install(folder.request(Engine::docker)).is_ok());
    EXPECT_EQ(folder.read("prefix/bin/bulkhead"), "#!the program");
    EXPECT_NE(folder.read("config").find("prefix/bin/bulkhead"), std::string::npos);
    EXPECT_EQ(folder.read("config.before-bulkhead"), "{\"debug\":true}");

    ASSERT_TRUE(install::install(folder.request(Engine::docker)).is_ok()); // twice is as once
    ASSERT_TRUE(install::uninstall(folder.request(Engine::docker)).is_ok());
    EXPECT_EQ(folder.read("config"), "{\"debug\":true}");
    EXPECT_EQ(folder.read("config.before-bulkhead"), "(none)");
    EXPECT_EQ(folder.read("prefix/bin/bulkhead"), "(none)");
}

TEST(Install, the_program_stays_while_another_engine_uses_it)
{
    Folder folder;
    folder.write("program", "x");
    auto podman = folder.request(Engine::podman);
    podman.config_path = folder / "podman.conf";
    ASSERT_TRUE(install::install(folder.request(Engine::docker)).is_ok());
    ASSERT_TRUE(install::install(podman).is_ok());
    ASSERT_TRUE(install::uninstall(folder.request(Engine::docker)).is_ok());
    EXPECT_EQ(folder.read("prefix/bin/bulkhead"), "x");
    EXPECT_EQ(folder.read("config"), "(none)"); // it was not there before
    ASSERT_TRUE(install::uninstall(podman).is_ok());
    EXPECT_EQ(folder.read("prefix/bin/bulkhead"), "(none)");
    EXPECT_EQ(folder.read("podman.conf"), "(none)");
}

TEST(Install, a_dry_run_changes_nothing)
{
    Folder folder;
    folder.write("program", "x");
    auto request = folder.request(Engine::docker);
    request.only_say = true;
    auto outcome = install::install(request);
    ASSERT_TRUE(outcome.is_ok());
    EXPECT_FALSE(outcome.value().done.empty());
    EXPECT_EQ(folder.read("config"), "(none)");
    EXPECT_EQ(folder.read("prefix/bin/bulkhead"), "(none)");
}

TEST(Install, a_broken_configuration_leaves_everything_as_it_is)
{
    Folder folder;
    folder.write("program", "x");
    folder.write("config", "{broken");
    EXPECT_TRUE(install::install(folder.request(Engine::docker)).is_error());
    EXPECT_EQ(folder.read("config"), "{broken");
    EXPECT_EQ(folder.read("prefix/bin/bulkhead"), "(none)");
}

TEST(Install, each_isolation_of_this_version_gets_a_name_of_its_own)
{
    Folder folder;
    folder.write("program", "x");
    auto request = folder.request(Engine::docker);
    request.isolations = { "namespaces", "sentry" };
    ASSERT_TRUE(install::install(request).is_ok());
    EXPECT_NE(folder.read("config").find("\"bulkhead-sentry\""), std::string::npos);
    EXPECT_EQ(folder.read("prefix/bin/bulkhead-sentry"), "x");
    ASSERT_TRUE(install::uninstall(request).is_ok());
    EXPECT_EQ(folder.read("prefix/bin/bulkhead-sentry"), "(none)");
}
