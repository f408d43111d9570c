// The systemd driver from the runtime's side to the bus: a private dbus-daemon, a stand-in for systemd, a fake cgroup tree.
#include "base/json.h"
#include "base/log.h"
#include "cgroup/cgroup.h"
#include "cgroup/systemd_client.h"
#include "cgroup/systemd_properties.h"
#include "cgroup/testing/fake_tree.h"
#include "systemd_unit/bus.h"

#include <csignal>

#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bulkhead::cgroup {
namespace {

TEST(Properties, of_limits_are_those_of_systemd_with_v2)
{
    oci::Resources resources;
    resources.memory = oci::MemoryResources { .limit = 1000, .reservation = 500, .swap = 3000 };
    resources.cpu = oci::CpuResources { .shares = 1024, .quota = 12345, .period = 100000, .cpus = "0,9", .mems = "0" };
    resources.pids_limit = -1;
    resources.unified["memory.high"] = "max";
    EXPECT_EQ(limit_properties(Version::v2, resources),
        (std::vector<std::string> { "MemoryMax:t=1000", "MemoryLow:t=500", "MemorySwapMax:t=2000", "CPUWeight:t=100",
            "CPUQuotaPeriodUSec@242:t=100000", "CPUQuotaPerSecUSec:t=130000", "AllowedCPUs@244:ay=0102", "AllowedMemoryNodes@244:ay=01",
            "TasksMax:t=infinity", "MemoryHigh:t=infinity" }));
}

TEST(Properties, of_limits_are_those_of_systemd_with_v1)
{
    oci::Resources resources;
    resources.memory = oci::MemoryResources { .limit = -1, .swap = 5 };
    resources.cpu = oci::CpuResources { .shares = 512, .quota = -1 };
    resources.pids_limit = 0;
    resources.block_io.emplace().weight = 300;
    EXPECT_EQ(limit_properties(Version::v1, resources),
        (std::vector<std::string> { "MemoryLimit:t=infinity", "CPUShares:t=512", "CPUQuotaPerSecUSec:t=infinity", "BlockIOWeight:t=300" }));
}

TEST(Properties, of_devices_use_systemds_names)
{
    DevicePolicy policy;
    policy.exceptions.push_back({ .type = 'c', .major = 1, .minor = 3, .access = access_read | access_write });
    policy.exceptions.push_back({ .type = 'b', .access = access_mknod });
    policy.exceptions.push_back({ .type = 'c', .minor = 7 });
    EXPECT_EQ(device_properties(policy), (std::vector<std::string> { "DevicePolicy:s=strict", "DeviceAllow:a(ss)=/dev/char/1:3 rw;block-* m" }));
    EXPECT_EQ(device_properties({ .allow_by_default = true }).at(0), "DevicePolicy:s=auto");
}

TEST(UnitNames, come_from_slice_prefix_and_name)
{
    auto name = [](std::string path) { return parse_unit_name({ .cgroups_path = std::move(path), .container_id = "id" }); };
    EXPECT_EQ(MUST(name("machine.slice:libpod:abc")).unit, "libpod-abc.scope");
    EXPECT_EQ(MUST(name("machine.slice:libpod:abc")).slice, "machine.slice");
    EXPECT_EQ(MUST(name(":docker:abc")).slice, "system.slice");
    EXPECT_EQ(MUST(name("")).unit, "bulkhead-id.scope");
    EXPECT_EQ(MUST(name("kubepods.slice::pod1.slice")).unit, "pod1.slice");
    for (auto const* wrong : { "/docker/abc", "a:b", "a.slice:b:", "notaslice:b:c", "a.slice:b:c/d", "a.slice:b:c d", ".slice:b:c" })
        EXPECT_TRUE(name(wrong).is_error()) << wrong;
}

TEST(PropertyArguments, are_parsed_and_refused)
{
    auto property = MUST(systemd_unit::parse_property("AllowedCPUs@244:ay=0f"));
    EXPECT_EQ(property.name, "AllowedCPUs");
    EXPECT_EQ(property.since, 244U);
    EXPECT_EQ(property.signature, "ay");
    EXPECT_EQ(property.value, "0f");
    EXPECT_EQ(MUST(systemd_unit::parse_property("Description:s=a=b:c")).value, "a=b:c");
    for (auto const* wrong : { "", "Name", "Name=1", "Name:x=1", ":s=1", "Name@x:s=1" })
        EXPECT_TRUE(systemd_unit::parse_property(wrong).is_error()) << wrong;
}

class Systemd : public ::testing::Test {
protected:
    void SetUp() override
    {
        if (::access("/usr/bin/dbus-daemon", X_OK) != 0)
            GTEST_SKIP() << "dbus-daemon is not installed";
        auto address = "unix:path=" + tree.root() + "/bus";
        tree.file("/bus.conf",
            "<busconfig><type>session</type><listen>" + address
                + "</listen><policy context=\"default\"><allow send_destination=\"*\"/><allow receive_sender=\"*\"/>"
                  "<allow own=\"*\"/><allow user=\"*\"/></policy></busconfig>");
        start({ "/usr/bin/dbus-daemon", "--nofork", "--config-file=" + tree.root() + "/bus.conf" });
        ASSERT_TRUE(wait_for([&] { return tree.has("/bus"); }));
        ::setenv("DBUS_SYSTEM_BUS_ADDRESS", address.c_str(), 1);
        ::setenv("DBUS_SESSION_BUS_ADDRESS", address.c_str(), 1);
        ::setenv("BULKHEAD_LIBEXEC", LIBEXEC, 1);
        start({ FAKE_SYSTEMD, address, tree.root() + "/log" });
        ASSERT_TRUE(wait_for([&] { return log().find("ready") != std::string::npos; }));
        host = { .layout = Layout::v2, .hierarchies = { { .mount_point = tree.root() + "/cg", .is_v2 = true, .own_path = "/" } } };
        tree.file("/cg/cgroup.controllers", "memory pids\n");
    }
    void TearDown() override
    {
        for (auto child : children) {
            ::kill(child, SIGKILL);
            ::waitpid(child, nullptr, 0);
        }
        ::unsetenv("DBUS_SYSTEM_BUS_ADDRESS");
        ::unsetenv("DBUS_SESSION_BUS_ADDRESS");
    }
    void start(std::vector<std::string> arguments)
    {
        std::vector<char*> argv;
        for (auto& argument : arguments)
            argv.push_back(argument.data());
        argv.push_back(nullptr);
        auto child = ::fork();
        if (child == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            ::execv(argv[0], argv.data());
            ::_exit(127);
        }
        children.push_back(child);
    }
    template <typename Condition> static bool wait_for(Condition condition)
    {
        for (int attempt = 0; attempt < 2000; ++attempt) {
            if (condition())
                return true;
            ::usleep(10000);
        }
        return false;
    }
    std::string log() const { return tree.has("/log") ? tree.read("/log") : std::string(); }
    // What systemd would have made.
    void scope(std::string const& path)
    {
        for (auto const* file : { "cgroup.procs", "memory.max", "pids.max", "memory.swap.max" })
            tree.file("/cg" + path + "/" + file);
        tree.file("/cg" + path + "/cgroup.controllers", "memory pids\n");
    }

    FakeTree tree;
    HostCgroups host;
    std::vector<pid_t> children;
};

TEST_F(Systemd, a_scope_is_started_limited_found_again_and_stopped)
{
    scope("/machine.slice/libpod-abc.scope");
    auto cgroup = MUST(Cgroup::create(host, { .cgroups_path = "machine.slice:libpod:abc", .container_id = "abc", .systemd = true }));
    oci::Resources resources;
    resources.pids_limit = 7;
    resources.cpu.emplace(); // cpuset needs the controller: asked for below, of systemd only
    MUST(cgroup->set_limits(resources));
    EXPECT_TRUE(cgroup->paths().empty());
    MUST(cgroup->adopt_first_process(4242));
    EXPECT_EQ(cgroup->paths().at(""), tree.root() + "/cg/machine.slice/libpod-abc.scope");
    auto started = log();
    for (auto const* part : { "start libpod-abc.scope replace", "Slice:s=machine.slice", "Delegate:b=true", "PIDs:au=[4242]",
             "DefaultDependencies:b=false", "TasksMax:t=7" })
        EXPECT_NE(started.find(part), std::string::npos) << part << " in " << started;
    EXPECT_EQ(tree.read("/cg/machine.slice/libpod-abc.scope/pids.max"), "7");

    JsonWriter json;
    cgroup->save(json);
    auto document = MUST(JsonDocument::parse(json.text(), "saved"));
    auto object = MUST(document.object());
    auto again = MUST(Cgroup::load(object));
    oci::Resources changed;
    changed.memory.emplace().limit = 1048576;
    MUST(again->set_limits(changed));
    EXPECT_NE(log().find("set libpod-abc.scope runtime\n  MemoryMax:t=1048576"), std::string::npos) << log();
    EXPECT_EQ(tree.read("/cg/machine.slice/libpod-abc.scope/memory.max"), "1048576");
    std::filesystem::remove_all(tree.root() + "/cg/machine.slice/libpod-abc.scope"); // as systemd does
    MUST(again->remove());
    EXPECT_NE(log().find("stop libpod-abc.scope replace\nreset libpod-abc.scope"), std::string::npos) << log();
}

TEST_F(Systemd, properties_newer_than_this_systemd_are_left_out)
{
    MUST(ask_systemd(Bus::system, "set", "a.scope", { "CPUWeight@252:t=0", "AllowedCPUs@244:ay=03", "DeviceAllow:a(ss)=/dev/null rwm;char-pts rw" }));
    EXPECT_EQ(log().find("CPUWeight"), std::string::npos); // the stand-in says it is 247
    EXPECT_NE(log().find("AllowedCPUs:ay=[3]"), std::string::npos) << log();
    EXPECT_NE(log().find("DeviceAllow:a(ss)=[/dev/null rwm,char-pts rw]"), std::string::npos) << log();
}

TEST_F(Systemd, the_user_bus_is_used_for_rootless)
{
    scope("/user.slice/bulkhead-r.scope");
    auto cgroup = MUST(Cgroup::create(host, { .container_id = "r", .systemd = true, .rootless = true }));
    MUST(cgroup->adopt_first_process(1));
    EXPECT_NE(log().find("Slice:s=user.slice"), std::string::npos) << log();
}

TEST_F(Systemd, a_failed_unit_of_the_same_name_is_reset_and_started_again)
{
    MUST(ask_systemd(Bus::system, "start", "leftover.scope", { "Slice:s=system.slice" }));
    EXPECT_NE(log().find("reset leftover.scope"), std::string::npos);
}

TEST_F(Systemd, failures_are_told_in_words)
{
    auto broken = ask_systemd(Bus::system, "start", "broken.scope", {});
    ASSERT_TRUE(broken.is_error());
    EXPECT_NE(broken.error().message.find("start unit \"broken.scope\""), std::string::npos) << broken.error().message;
    EXPECT_NE(broken.error().message.find("\"failed\""), std::string::npos) << broken.error().message;
    EXPECT_TRUE(ask_systemd(Bus::system, "set", "a.scope", { "MemoryMax:t=many" }).is_error());
    EXPECT_TRUE(ask_systemd(Bus::system, "stop", "vanished.scope", {}).is_ok());

    ::setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1);
    auto nobody = ask_systemd(Bus::system, "stop", "a.scope", {});
    ASSERT_TRUE(nobody.is_error());
    EXPECT_NE(nobody.error().message.find("D-Bus"), std::string::npos) << nobody.error().message;
    EXPECT_FALSE(nobody.error().hint.empty());

    ::setenv("BULKHEAD_LIBEXEC", "/nonexistent", 1);
    auto missing = ask_systemd(Bus::system, "stop", "a.scope", {});
    ASSERT_TRUE(missing.is_error());
    EXPECT_NE(missing.error().hint.find("libsystemd"), std::string::npos) << missing.error().hint;
}

TEST_F(Systemd, rootless_on_v1_is_refused)
{
    HostCgroups v1 { .layout = Layout::v1, .hierarchies = { { .mount_point = tree.root(), .controllers = { "pids" }, .own_path = "/" } } };
    EXPECT_TRUE(Cgroup::create(v1, { .container_id = "r", .systemd = true, .rootless = true }).is_error());
}

TEST_F(Systemd, on_v1_the_process_is_moved_into_hierarchies_that_systemd_leaves)
{
    HostCgroups v1 { .layout = Layout::v1 };
    for (auto const* controller : { "pids", "name=systemd" }) {
        v1.hierarchies.push_back({ .mount_point = tree.root() + "/" + controller, .controllers = { controller }, .own_path = "/" });
        tree.file(std::string("/") + controller + "/system.slice/bulkhead-x.scope/cgroup.procs");
        tree.file(std::string("/") + controller + "/system.slice/bulkhead-x.scope/tasks");
    }
    auto cgroup = MUST(Cgroup::create(v1, { .container_id = "x", .systemd = true }));
    EXPECT_TRUE(MUST(cgroup->entry()).v1_tasks.empty());
    MUST(cgroup->adopt_first_process(77));
    EXPECT_EQ(tree.read("/pids/system.slice/bulkhead-x.scope/cgroup.procs"), "77");
    EXPECT_EQ(MUST(cgroup->entry()).v1_tasks.size(), 2U);
}

} // namespace
} // namespace bulkhead::cgroup
