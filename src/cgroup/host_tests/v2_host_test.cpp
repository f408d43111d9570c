// cgroup v2 on this machine's real tree, with whatever controllers it has: freezing, killing, device programs, entering.
#include "cgroup/host_tests/support.h"

#include <linux/sched.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

namespace bulkhead::cgroup {
namespace {

class V2Host : public HostTest {
protected:
    void SetUp() override
    {
        if (skip_unless_writable(""))
            GTEST_SKIP() << "no writable cgroup v2 tree here";
        host = MUST(HostCgroups::discover());
        std::erase_if(host.hierarchies, [](Hierarchy const& hierarchy) { return !hierarchy.is_v2; });
        host.layout = Layout::v2; // the hybrid layout's v2 part stands for a pure one
    }
    HostCgroups host;
};

TEST_F(V2Host, a_child_enters_by_itself_is_frozen_thawed_and_killed)
{
    auto cgroup = create("v2", host);
    auto child = start(*cgroup);
    EXPECT_EQ(MUST(cgroup->processes()), std::vector<pid_t> { child });
    auto frozen = cgroup->freeze();
    ASSERT_TRUE(frozen.is_ok()) << frozen.error().message << MUST(read_file(cgroup->paths().at("") + "/cgroup.events"));
    EXPECT_TRUE(cgroup->is_frozen());
    EXPECT_FALSE(is_running(child));
    auto second = try_create("v2", host);
    ASSERT_TRUE(second.is_error());
    MUST(cgroup->thaw());
    EXPECT_FALSE(cgroup->is_frozen());
    EXPECT_TRUE(is_running(child));
    MUST(cgroup->signal_all(SIGTERM));
    EXPECT_EQ(wait_status(child), SIGTERM);
    auto deaf = start(*cgroup);
    MUST(cgroup->freeze());
    MUST(cgroup->signal_all(SIGKILL)); // dies even when frozen
    EXPECT_EQ(wait_status(deaf), SIGKILL);
    MUST(cgroup->remove());
}

TEST_F(V2Host, a_child_is_born_inside_by_clone_into_cgroup)
{
    auto cgroup = create("clone", host);
    auto entry = MUST(cgroup->entry());
    clone_args arguments {};
    arguments.flags = CLONE_INTO_CGROUP;
    arguments.exit_signal = SIGCHLD;
    arguments.cgroup = static_cast<std::uint64_t>(entry.v2_directory.fd());
    auto child = static_cast<pid_t>(::syscall(SYS_clone3, &arguments, sizeof(arguments)));
    ASSERT_GE(child, 0);
    if (child == 0) {
        for (;;)
            ::pause();
    }
    EXPECT_EQ(MUST(cgroup->processes()), std::vector<pid_t> { child });
    finish(child);
    MUST(cgroup->remove());
}

// Opens NODE in a child inside the group: 0, or the errno.
int open_inside(HostTest&, Entry const& entry, std::string const& node)
{
    auto child = ::fork();
    if (child == 0) {
        if (enter(entry).is_error())
            ::_exit(200);
        int fd = ::open(node.c_str(), O_RDONLY | O_NONBLOCK);
        ::_exit(fd >= 0 ? 0 : errno);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WEXITSTATUS(status);
}

TEST_F(V2Host, a_device_program_decides_and_is_replaced)
{
    auto cgroup = create("bpf", host);
    auto set = cgroup->set_devices({ { .allow = true, .type = "c", .major = 1, .minor = 5, .access = "r" } });
    if (set.is_error() && (set.error().code == Errno::perm || set.error().code == Errno::nosys)) {
        MUST(cgroup->remove());
        GTEST_SKIP() << set.error().message;
    }
    MUST(std::move(set));
    auto entry = MUST(cgroup->entry());
    EXPECT_EQ(open_inside(*this, entry, "/dev/zero"), 0);
    EXPECT_EQ(open_inside(*this, entry, "/dev/null"), EPERM);
    MUST(cgroup->set_devices({ { .allow = true }, { .allow = false, .type = "c", .major = 1, .minor = 5 } }));
    EXPECT_EQ(open_inside(*this, entry, "/dev/zero"), EPERM);
    EXPECT_EQ(open_inside(*this, entry, "/dev/null"), 0);
    // Replaced, not added: what the first denied is allowed now.
    MUST(reload(*cgroup)->set_devices({ { .allow = true } }));
    EXPECT_EQ(open_inside(*this, entry, "/dev/zero"), 0);
    EXPECT_EQ(open_inside(*this, entry, "/dev/null"), 0);
    MUST(cgroup->remove());
}

TEST_F(V2Host, exec_finds_the_group_of_a_process_below)
{
    auto cgroup = create("below", host);
    ASSERT_EQ(::mkdir((cgroup->paths().at("") + "/init.scope").c_str(), 0755), 0);
    auto child = start(MUST(cgroup->entry_below("", "/init.scope")));
    auto second = start(MUST(cgroup->entry_of_process(child)));
    auto text = MUST(read_file(cgroup->paths().at("") + "/init.scope/cgroup.procs"));
    EXPECT_NE(text.find(std::to_string(second)), std::string::npos);
    EXPECT_EQ(MUST(cgroup->processes()).size(), 2U);
    EXPECT_TRUE(cgroup->entry_below("", "missing").is_error());
    EXPECT_TRUE(cgroup->entry_below("memory", "init.scope").is_error());
    MUST(cgroup->signal_all(SIGKILL));
    EXPECT_EQ(wait_status(child), SIGKILL);
    EXPECT_EQ(wait_status(second), SIGKILL);
    MUST(cgroup->remove());
}

TEST_F(V2Host, statistics_are_json)
{
    auto cgroup = create("stats", host);
    auto text = MUST(cgroup->stats_json());
    EXPECT_TRUE(JsonDocument::parse(text, "stats").is_ok()) << text;
    MUST(cgroup->remove());
}

} // namespace
} // namespace bulkhead::cgroup
