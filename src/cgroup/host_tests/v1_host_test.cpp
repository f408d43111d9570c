// cgroup v1 on this machine's real hierarchies; skipped, aloud, where there are none or they are not writable.
#include "base/text.h"
#include "cgroup/cgroup.h"
#include "cgroup/host_tests/support.h"

#include <csignal>

#include <gtest/gtest.h>
#include <sys/mman.h>

namespace bulkhead::cgroup {
namespace {

class V1Host : public HostTest {
protected:
    void SetUp() override
    {
        if (skip_unless_writable("pids"))
            GTEST_SKIP() << "no writable cgroup v1 hierarchy \"pids\" here";
    }
};

oci::Resources docker_defaults()
{
    oci::Resources resources;
    resources.memory.emplace().disable_oom_killer = false;
    resources.cpu.emplace().shares = 0;
    resources.pids_limit = 0;
    resources.block_io.emplace().weight = 0;
    return resources;
}

std::vector<oci::DeviceRule> docker_devices()
{
    std::vector<oci::DeviceRule> rules { { .allow = false, .access = "rwm" } };
    auto defaults = default_device_rules();
    rules.insert(rules.end(), defaults.begin(), defaults.end());
    return rules;
}

TEST_F(V1Host, a_container_with_dockers_defaults_is_made_entered_and_removed)
{
    auto cgroup = create("defaults");
    MUST(cgroup->set_limits(docker_defaults()));
    MUST(cgroup->set_devices(docker_devices()));
    auto child = start(*cgroup);
    EXPECT_EQ(MUST(cgroup->processes()), std::vector<pid_t> { child });
    auto list = MUST(read_file(cgroup->paths().at("devices") + "/devices.list"));
    EXPECT_NE(list.find("c 1:3 rwm"), std::string::npos);
    EXPECT_EQ(list.find("a *:* rwm"), std::string::npos);
    for (auto const& [controller, path] : cgroup->paths())
        EXPECT_NE(MUST(read_file(path + "/cgroup.procs")).find(std::to_string(child)), std::string::npos) << controller;
    finish(child);
    MUST(cgroup->remove());
    for (auto const& [controller, path] : cgroup->paths())
        EXPECT_TRUE(read_file(path + "/tasks").is_error()) << controller;
}

TEST_F(V1Host, limits_are_in_the_files)
{
    auto cgroup = create("limits");
    oci::Resources resources;
    auto& memory = resources.memory.emplace();
    memory.limit = 64 << 20;
    memory.swap = 64 << 20;
    memory.reservation = 32 << 20;
    memory.swappiness = 10;
    auto& cpu = resources.cpu.emplace();
    cpu.shares = 512;
    cpu.quota = 50000;
    cpu.period = 100000;
    cpu.burst = 10000;
    cpu.cpus = "0";
    cpu.mems = "0";
    resources.pids_limit = 33;
    MUST(cgroup->set_limits(resources));
    expect_file(*cgroup, "memory", "memory.limit_in_bytes", "67108864");
    expect_file(*cgroup, "memory", "memory.memsw.limit_in_bytes", "67108864");
    expect_file(*cgroup, "memory", "memory.soft_limit_in_bytes", "33554432");
    expect_file(*cgroup, "memory", "memory.swappiness", "10");
    expect_file(*cgroup, "cpu", "cpu.shares", "512");
    expect_file(*cgroup, "cpu", "cpu.cfs_quota_us", "50000");
    expect_file(*cgroup, "cpu", "cpu.cfs_burst_us", "10000");
    expect_file(*cgroup, "cpuset", "cpuset.cpus", "0");
    expect_file(*cgroup, "pids", "pids.max", "33");

    // Raise and lower again, as update does: the order of memory and swap matters.
    auto again = reload(*cgroup);
    for (std::int64_t size : { std::int64_t { 256 } << 20, std::int64_t { 32 } << 20 }) {
        oci::Resources changed;
        changed.memory.emplace().limit = size;
        changed.memory->swap = size * 2;
        MUST(again->set_limits(changed));
        expect_file(*again, "memory", "memory.limit_in_bytes", std::to_string(size));
        expect_file(*again, "memory", "memory.memsw.limit_in_bytes", std::to_string(size * 2));
    }
    oci::Resources unlimited;
    unlimited.memory.emplace().limit = -1;
    unlimited.pids_limit = -1;
    MUST(again->set_limits(unlimited));
    expect_file(*again, "pids", "pids.max", "max");
    MUST(again->remove());
}

TEST_F(V1Host, a_refused_limit_names_member_and_value)
{
    auto cgroup = create("refused");
    oci::Resources resources;
    resources.cpu.emplace().cpus = "4096";
    auto refused = cgroup->set_limits(resources);
    ASSERT_TRUE(refused.is_error());
    EXPECT_NE(refused.error().message.find("linux.resources.cpu.cpus"), std::string::npos) << refused.error().message;
    EXPECT_NE(refused.error().message.find("\"4096\""), std::string::npos) << refused.error().message;
    resources = {};
    resources.network.emplace().class_id = 7;
    refused = cgroup->set_limits(resources);
    ASSERT_TRUE(refused.is_error());
    EXPECT_NE(refused.error().message.find("net_cls"), std::string::npos) << refused.error().message;
    resources = {};
    resources.unified["memory.max"] = "1";
    refused = cgroup->set_limits(resources);
    ASSERT_TRUE(refused.is_error());
    EXPECT_NE(refused.error().message.find("linux.resources.unified.memory.max"), std::string::npos) << refused.error().message;
    MUST(cgroup->remove());
}

TEST_F(V1Host, a_used_group_is_refused_and_left_alone)
{
    auto cgroup = create("used");
    auto child = start(*cgroup);
    auto second = try_create("used");
    ASSERT_TRUE(second.is_error());
    EXPECT_NE(second.error().message.find("not empty"), std::string::npos) << second.error().message;
    EXPECT_EQ(MUST(cgroup->processes()).size(), 1U);
    finish(child);
    MUST(cgroup->freeze());
    second = try_create("used");
    ASSERT_TRUE(second.is_error());
    EXPECT_NE(second.error().message.find("frozen"), std::string::npos) << second.error().message;
    MUST(cgroup->thaw());
    EXPECT_TRUE(try_create("used").is_ok()); // empty and thawed: adopted
    MUST(cgroup->remove());
}

TEST_F(V1Host, freeze_thaw_and_kill_reach_processes_in_groups_below)
{
    auto cgroup = create("freeze");
    auto child = start(*cgroup);
    for (auto const& [controller, path] : cgroup->paths())
        ASSERT_EQ(::mkdir((path + "/inner").c_str(), 0755), 0) << controller;
    for (auto const* controller : { "cpuset.cpus", "cpuset.mems" }) {
        auto path = cgroup->paths().at("cpuset");
        auto value = MUST(read_file(path + "/" + controller));
        write(path + "/inner/" + controller, value);
    }
    auto inner = start(MUST(cgroup->entry_below("", "inner")));
    EXPECT_EQ(MUST(cgroup->processes()).size(), 2U);
    EXPECT_FALSE(cgroup->is_frozen());
    MUST(cgroup->freeze());
    EXPECT_TRUE(cgroup->is_frozen());
    EXPECT_FALSE(is_running(child));
    MUST(cgroup->thaw());
    EXPECT_FALSE(cgroup->is_frozen());
    EXPECT_TRUE(is_running(child));
    auto same = start(MUST(cgroup->entry_of_process(inner)));
    EXPECT_NE(MUST(read_file(cgroup->paths().at("pids") + "/inner/cgroup.procs")).find(std::to_string(same)), std::string::npos);
    MUST(cgroup->freeze()); // killing a paused container must end it
    MUST(cgroup->signal_all(SIGKILL));
    EXPECT_EQ(wait_status(child), SIGKILL);
    EXPECT_EQ(wait_status(inner), SIGKILL);
    EXPECT_EQ(wait_status(same), SIGKILL);
    MUST(cgroup->remove()); // with the folders below
    MUST(cgroup->remove()); // nothing is there any more
}

TEST_F(V1Host, removal_waits_for_a_dying_process_and_names_a_living_one)
{
    auto cgroup = create("busy");
    auto child = start(*cgroup);
    auto removed = cgroup->remove();
    ASSERT_TRUE(removed.is_error());
    EXPECT_NE(removed.error().message.find(std::to_string(child)), std::string::npos) << removed.error().message;
    ::kill(child, SIGKILL);
    MUST(cgroup->remove()); // not reaped yet, maybe not even dead
    EXPECT_EQ(wait_status(child), SIGKILL);
}

TEST_F(V1Host, an_oom_kill_is_heard_and_counted)
{
    auto cgroup = create("oom");
    oci::Resources resources;
    resources.memory.emplace().limit = 16 << 20;
    resources.memory->swap = 16 << 20;
    MUST(cgroup->set_limits(resources));
    EXPECT_FALSE(MUST(cgroup->wait_for_oom(0)));
    EXPECT_EQ(cgroup->oom_kill_count(), 0U);
    auto child = start(*cgroup, [] {
        constexpr std::size_t size = 64 << 20;
        auto* memory = static_cast<char*>(::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        for (std::size_t index = 0; index < size; index += 4096)
            memory[index] = 1;
    });
    EXPECT_EQ(wait_status(child), SIGKILL);
    EXPECT_TRUE(MUST(cgroup->wait_for_oom(2000)));
    EXPECT_EQ(cgroup->oom_kill_count(), 1U);
    MUST(cgroup->remove());
    auto gone = cgroup->wait_for_oom(1000);
    ASSERT_TRUE(gone.is_error());
    EXPECT_EQ(gone.error().code, Errno::nodev);
}

TEST_F(V1Host, statistics_have_what_the_engines_read)
{
    auto cgroup = create("stats");
    auto child = start(*cgroup);
    auto text = MUST(cgroup->stats_json());
    auto document = MUST(JsonDocument::parse(text, "stats"));
    auto member = [](JsonValue const& value, std::string_view key) {
        auto object = MUST(value.as_object());
        return MUST(object.get(key));
    };
    EXPECT_FALSE(member(member(document.root(), "memory"), "raw").is_null());
    std::uint64_t current = 0;
    MUST(member(member(document.root(), "pids"), "current").read(current));
    EXPECT_EQ(current, 1U);
    std::uint64_t total = 0;
    MUST(member(member(member(document.root(), "cpu"), "usage"), "total").read(total));
    EXPECT_GT(total, 0U);
    finish(child);
    MUST(cgroup->remove());
}

TEST_F(V1Host, a_user_without_groups_runs_without_and_is_told_when_limits_need_one)
{
    auto child = ::fork();
    if (child == 0) {
        if (::setresgid(65534, 65534, 65534) < 0 || ::setresuid(65534, 65534, 65534) < 0)
            ::_exit(1);
        auto host = MUST(HostCgroups::discover());
        auto without = Cgroup::create(host, { .container_id = "bulkhead-test-rootless", .rootless = true });
        if (without.is_error() || !without.value()->paths().empty())
            ::_exit(2);
        if (without.value()->set_limits(docker_defaults()).is_error() || without.value()->set_devices(docker_devices()).is_error())
            ::_exit(3);
        oci::Resources resources;
        resources.pids_limit = 5;
        if (without.value()->set_limits(resources).is_ok())
            ::_exit(4);
        bool is_refused = Cgroup::create(host, { .cgroups_path = "/bulkhead-test-rootless", .container_id = "x", .rootless = true }).is_error();
        ::_exit(is_refused ? 0 : 5);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(V1Host, device_rules_are_replaced_on_update)
{
    auto cgroup = create("devices");
    MUST(cgroup->set_devices(docker_devices()));
    auto again = reload(*cgroup);
    auto rules = docker_devices();
    rules.push_back({ .allow = true, .type = "c", .major = 10, .minor = 229, .access = "rw" });
    rules.push_back({ .allow = false, .type = "c", .major = 1, .minor = 8, .access = "w" });
    MUST(again->set_devices(rules));
    auto list = MUST(read_file(cgroup->paths().at("devices") + "/devices.list"));
    EXPECT_NE(list.find("c 10:229 rw\n"), std::string::npos) << list;
    EXPECT_NE(list.find("c 1:8 rm\n"), std::string::npos) << list;
    MUST(again->set_devices({ { .allow = true } }));
    EXPECT_EQ(MUST(read_file(cgroup->paths().at("devices") + "/devices.list")), "a *:* rwm\n");
    MUST(again->remove());
}

} // namespace
} // namespace bulkhead::cgroup
