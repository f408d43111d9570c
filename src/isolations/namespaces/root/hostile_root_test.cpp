// Images and volumes that fight back: nothing they hold may lead the runtime out of the root, or to a mask that hides
// nothing.
#include "isolations/namespaces/root/root_file_system.h"

#include "host/mount_api.h"
#include "isolations/namespaces/root/support_test.h"

#include <csignal>
#include <cstring>

#include <linux/fs.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bulkhead::root::tests {

namespace {

std::string nothing()
{
    return "";
}

// Every test runs with openat2 and without.
class HostileRoot : public testing::TestWithParam<bool> {
protected:
    void SetUp() override
    {
        SKIP_UNLESS_ROOT();
        host::mount_features().openat2 = GetParam();
        ASSERT_EQ(::mkdir(bundle.path("/outside").c_str(), 0755), 0);
    }
    void TearDown() override { host::mount_features() = {}; }

    bool outside_is_untouched() const { return ::rmdir(bundle.path("/outside").c_str()) == 0; }

    Bundle bundle;
};

INSTANTIATE_TEST_SUITE_P(BothWays, HostileRoot, testing::Bool(), [](auto const& way) { return way.param ? "openat2" : "by_hand"; });

// Exchanges two names as fast as it can until it is ended.
pid_t start_exchanging(std::string const& left, std::string const& right)
{
    auto pid = ::fork();
    if (pid == 0) {
        ::alarm(20);
        for (;;)
            ::syscall(SYS_renameat2, AT_FDCWD, left.c_str(), AT_FDCWD, right.c_str(), RENAME_EXCHANGE);
    }
    return pid;
}

void end(pid_t pid)
{
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
}

} // namespace

TEST_P(HostileRoot, proc_and_sys_are_not_mounted_over_symlinks)
{
    ASSERT_EQ(::rmdir(bundle.root("/proc").c_str()), 0);
    bundle.link("/data", "/proc");
    bundle.mount("/proc", "proc");
    auto complaint = run_in_root(bundle, nothing);
    EXPECT_NE(complaint.find("symlink"), std::string::npos) << complaint;

    bundle.config.mounts.clear();
    ASSERT_EQ(::rmdir(bundle.root("/sys").c_str()), 0);
    bundle.link("data", "/sys");
    bundle.mount("/sys", "sysfs");
    complaint = run_in_root(bundle, nothing);
    EXPECT_NE(complaint.find("symlink"), std::string::npos) << complaint;
}

TEST_P(HostileRoot, nothing_but_procfs_is_mounted_at_proc)
{
    bundle.mount("/proc", "tmpfs");
    EXPECT_NE(run_in_root(bundle, nothing).find("only procfs"), std::string::npos);
    bundle.config.mounts.clear();
    bundle.mount("/proc", "bind", { "bind" }, bundle.path("/outside"));
    EXPECT_NE(run_in_root(bundle, nothing).find("only procfs"), std::string::npos);
    bundle.config.mounts.clear();
    bundle.mount("/proc", "proc");
    bundle.mount("/x/../proc/./self/attr", "tmpfs");
    EXPECT_NE(run_in_root(bundle, nothing).find("inside of /proc"), std::string::npos);
}

TEST_P(HostileRoot, a_symlink_does_not_lead_a_mount_into_procfs)
{
    bundle.link("/proc/sys", "/alias");
    bundle.mount("/proc", "proc");
    bundle.mount("/alias", "tmpfs");
    EXPECT_NE(run_in_root(bundle, nothing).find("into procfs"), std::string::npos);
}

TEST_P(HostileRoot, a_magic_link_is_not_followed)
{
    bundle.link("/proc/self/root/data", "/alias");
    bundle.link("/proc/self/cwd/made", "/other");
    bundle.mount("/proc", "proc");
    bundle.mount("/alias", "tmpfs");
    EXPECT_NE(run_in_root(bundle, nothing), "");
    bundle.config.mounts[1].destination = "/other";
    EXPECT_NE(run_in_root(bundle, nothing), "");
    EXPECT_TRUE(outside_is_untouched());
}

TEST_P(HostileRoot, absolute_links_and_dots_stay_inside)
{
    auto outside = bundle.path("/outside");
    bundle.link(outside, "/absolute");
    bundle.link("../../../../../../../../../.." + outside, "/climbing");
    bundle.mount("/absolute", "tmpfs");
    bundle.mount("/climbing/new", "tmpfs");
    bundle.mount("/../../../../../../" + outside + "/third", "tmpfs");
    EXPECT_EQ(run_in_root(bundle,
                  [&] {
                      DEMAND(::access((outside + "/new").c_str(), F_OK) == 0); // the same path, made inside
                      DEMAND(::access((outside + "/third").c_str(), F_OK) == 0);
                      return std::string();
                  }),
        "");
    EXPECT_TRUE(outside_is_untouched());
}

TEST_P(HostileRoot, a_dangling_link_has_its_target_made_inside)
{
    bundle.link("/run/shm/deep", "/alias");
    bundle.mount("/alias", "bind", { "bind" }, "/dev/null");
    EXPECT_EQ(run_in_root(bundle,
                  [] {
                      struct stat status { };
                      DEMAND(::stat("/run/shm/deep", &status) == 0 && S_ISCHR(status.st_mode));
                      return std::string();
                  }),
        "");
}

TEST_P(HostileRoot, a_loop_of_links_ends)
{
    bundle.link("/two", "/one");
    bundle.link("/one", "/two");
    bundle.mount("/one", "tmpfs");
    EXPECT_NE(run_in_root(bundle, nothing).find("mounts[0]"), std::string::npos);
}

TEST_P(HostileRoot, a_fifo_is_a_place_like_any_other)
{
    ASSERT_EQ(::mkfifo(bundle.root("/pipe").c_str(), 0600), 0);
    bundle.mount("/pipe", "bind", { "bind" }, bundle.root("/etc/passwd"));
    EXPECT_EQ(run_in_root(bundle,
                  [] {
                      DEMAND(text_of("/pipe") == "image\n");
                      return std::string();
                  }),
        "");
}

TEST_P(HostileRoot, a_masked_link_hides_what_it_names_inside)
{
    bundle.link("/etc/passwd", "/secret");
    bundle.link(bundle.path("/outside"), "/folder");
    bundle.config.linux_section.masked_paths = { "/secret", "/folder", "/etc/passwd/none", "/data" };
    bundle.file("/data/file", "hidden");
    EXPECT_EQ(run_in_root(bundle,
                  [] {
                      struct stat status { };
                      DEMAND(::stat("/etc/passwd", &status) == 0 && S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3));
                      DEMAND(::access("/data/file", F_OK) < 0);
                      return std::string();
                  }),
        "");
    EXPECT_EQ(text_of(bundle.root("/etc/passwd")), "image\n");
    EXPECT_TRUE(outside_is_untouched());
}

TEST_P(HostileRoot, the_images_dev_null_masks_nothing)
{
    bundle.file("/dev/null", "not a device");
    bundle.config.linux_section.masked_paths = { "/etc/passwd" };
    EXPECT_NE(run_in_root(bundle, nothing).find("/dev/null"), std::string::npos); // refused as a device already
    bundle.mount("/dev", "bind", { "bind" }, bundle.root("/dev")); // now no devices are made
    EXPECT_EQ(run_in_root(bundle,
                  [] {
                      struct stat status { };
                      DEMAND(::stat("/etc/passwd", &status) == 0 && S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3));
                      return std::string();
                  }),
        "");
}

TEST_P(HostileRoot, a_device_is_not_made_through_a_link)
{
    bundle.link(bundle.path("/outside/node"), "/dev/zero");
    EXPECT_NE(run_in_root(bundle, nothing).find("something else"), std::string::npos);
    ASSERT_EQ(::unlink(bundle.root("/dev/zero").c_str()), 0);
    bundle.link(bundle.path("/outside"), "/dev/net");
    bundle.config.linux_section.devices.push_back({ .path = "/dev/net/tun", .type = "c", .major = 10, .minor = 200 });
    EXPECT_EQ(run_in_root(bundle, nothing), "");
    EXPECT_TRUE(outside_is_untouched());
}

TEST_P(HostileRoot, the_console_does_not_follow_a_link)
{
    bundle.mount("/dev/pts", "devpts", { "newinstance", "ptmxmode=0666" });
    bundle.link(bundle.path("/outside/console"), "/dev/console");
    auto plan = bundle.plan();
    EXPECT_EQ(run_in_namespaces([&] {
        RootFileSystem root(plan, {});
        DEMAND(root.build().is_ok());
        auto terminal = root.open_terminal();
        DEMAND(terminal.is_ok() && root.bind_console(terminal.value().slave).is_ok());
        struct stat status { };
        DEMAND(::lstat(bundle.root("/dev/console").c_str(), &status) == 0 && S_ISCHR(status.st_mode));
        return std::string();
    }),
        "");
    EXPECT_TRUE(outside_is_untouched());
}

TEST_P(HostileRoot, a_terminal_from_a_false_devpts_is_refused)
{
    bundle.folder("/dev/pts");
    bundle.file("/dev/pts/ptmx");
    auto plan = bundle.plan();
    EXPECT_EQ(run_in_namespaces([&] {
        RootFileSystem root(plan, {});
        DEMAND(root.build().is_ok());
        DEMAND(root.open_terminal().is_error());
        return std::string();
    }),
        "");
}

// CVE-2021-30465: another container exchanges a folder of a shared volume for a symlink while we mount below it.
TEST_P(HostileRoot, a_race_for_the_mount_point_is_never_won)
{
    auto outside = bundle.path("/outside");
    bundle.folder("/data/real");
    bundle.link("../../../../../../../../../../.." + outside, "/data/link");
    bundle.mount("/data/real/made", "tmpfs", { "mode=755" });
    bundle.mount("/data/real/made/inner", "bind", { "bind" }, bundle.root("/etc"));
    auto racer = start_exchanging(bundle.root("/data/real"), bundle.root("/data/link"));
    auto plan = bundle.plan();
    auto until = ::time(nullptr) + 2;
    int builds = 0;
    while (::time(nullptr) < until) {
        ++builds;
        EXPECT_EQ(run_in_namespaces(
                      [&] {
                          RootFileSystem root(plan, {});
                          DEMAND(root.attach().is_ok());
                          (void)root.mount_all(); // may fail, but only inside
                          auto text = text_of("/proc/self/mountinfo");
                          if (text.find(" " + outside) != std::string::npos)
                              return "mounted outside: " + text;
                          return std::string();
                      },
                      CLONE_NEWNS),
            "");
    }
    end(racer);
    EXPECT_GT(builds, 10);
    EXPECT_TRUE(outside_is_untouched());
}

} // namespace bulkhead::root::tests
