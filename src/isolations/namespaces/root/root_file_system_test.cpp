// The usual containers: what Docker writes, and each kind of mount.
#include "isolations/namespaces/root/root_file_system.h"

#include "host/mount_api.h"
#include "isolations/namespaces/root/support_test.h"

#include <cstring>

#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace bulkhead::root::tests {

namespace {

long type_of(char const* path)
{
    struct statfs status { };
    return ::statfs(path, &status) == 0 ? static_cast<long>(status.f_type) : 0;
}

unsigned long flags_of(char const* path)
{
    struct statvfs status { };
    return ::statvfs(path, &status) == 0 ? status.f_flag : 0;
}

bool is_device(char const* path, unsigned major_number, unsigned minor_number)
{
    struct stat status { };
    return ::stat(path, &status) == 0 && S_ISCHR(status.st_mode) && status.st_rdev == makedev(major_number, minor_number);
}

std::string link_of(char const* path)
{
    char text[256];
    auto length = ::readlink(path, text, sizeof text);
    return length < 0 ? "" : std::string(text, static_cast<std::size_t>(length));
}

mode_t mode_of(char const* path)
{
    struct stat status { };
    return ::lstat(path, &status) == 0 ? status.st_mode & 07777 : 0;
}

std::string check_docker_container()
{
    DEMAND(type_of("/proc") == PROC_SUPER_MAGIC);
    DEMAND(type_of("/sys") == SYSFS_MAGIC);
    DEMAND(type_of("/dev") == TMPFS_MAGIC);
    DEMAND(type_of("/dev/pts") == DEVPTS_SUPER_MAGIC);
    DEMAND(type_of("/dev/shm") == TMPFS_MAGIC);
    DEMAND((flags_of("/proc") & (ST_NOSUID | ST_NODEV | ST_NOEXEC)) == (ST_NOSUID | ST_NODEV | ST_NOEXEC));
    DEMAND((flags_of("/sys") & ST_RDONLY) != 0);
    DEMAND((flags_of("/proc") & ST_RDONLY) == 0);
    DEMAND((flags_of("/dev") & ST_RDONLY) == 0);
    DEMAND(mode_of("/dev/shm") == 01777);
    DEMAND(mode_of("/dev") == 0755);
    DEMAND(is_device("/dev/null", 1, 3));
    DEMAND(is_device("/dev/urandom", 1, 9));
    DEMAND(is_device("/dev/tty", 5, 0));
    DEMAND(mode_of("/dev/null") == 0666);
    DEMAND(link_of("/dev/fd") == "/proc/self/fd");
    DEMAND(link_of("/dev/stderr") == "/proc/self/fd/2");
    DEMAND(link_of("/dev/ptmx") == "pts/ptmx");
    DEMAND(is_device("/proc/version", 1, 3));
    DEMAND((flags_of("/proc/sys") & ST_RDONLY) != 0);
    DEMAND(type_of("/proc/sys") == PROC_SUPER_MAGIC);
    DEMAND((flags_of("/proc/uptime") & ST_RDONLY) != 0);
    DEMAND(type_of("/sys/firmware") == TMPFS_MAGIC && (flags_of("/sys/firmware") & ST_RDONLY) != 0);
    DEMAND(text_of("/etc/hosts") == "hosts\n");
    DEMAND(::access("/etc/hosts", W_OK) < 0 && errno == EROFS);
    DEMAND(text_of("/etc/passwd") == "image\n");
    DEMAND(::getpid() == 1 && link_of("/proc/self") == "1");
    char where[64];
    DEMAND(::getcwd(where, sizeof where) && std::strcmp(where, "/") == 0);
    DEMAND(::access("/work/deep", F_OK) == 0 && mode_of("/work") == 0755);
    // Nothing of the host is left: the namespace holds the container's mounts alone.
    DEMAND(text_of("/proc/self/mountinfo").find("/rootfs/proc") == std::string::npos);
    DEMAND(text_of("/proc/self/mountinfo").find(" /mnt/") == std::string::npos);
    return "";
}

void make_docker_container(Bundle& bundle)
{
    add_docker_defaults(bundle);
    bundle.config.process->cwd = "/work/deep";
    auto hosts = open_file(bundle.path("/hosts"), O_WRONLY | O_CREAT, 0644);
    ASSERT_TRUE(hosts.is_ok());
    ASSERT_TRUE(write_all(hosts.value(), "hosts\n").is_ok());
    bundle.mount("/etc/hosts", "bind", { "rbind", "rprivate", "ro" }, bundle.path("/hosts"));
}

// Clears features for the time of a test, as an older kernel has them.
struct OlderKernel {
    explicit OlderKernel(host::MountFeatures features) { host::mount_features() = features; }
    ~OlderKernel() { host::mount_features() = {}; }
};

} // namespace

TEST(RootFileSystem, a_docker_container_has_all_its_mounts)
{
    SKIP_UNLESS_ROOT();
    Bundle bundle;
    make_docker_container(bundle);
    EXPECT_EQ(run_in_root(bundle, check_docker_container), "");
}

TEST(RootFileSystem, a_docker_container_works_without_mount_setattr)
{
    SKIP_UNLESS_ROOT();
    OlderKernel older({ .openat2 = true, .mount_setattr = false });
    Bundle bundle;
    make_docker_container(bundle);
    EXPECT_EQ(run_in_root(bundle, check_docker_container), "");
}

TEST(RootFileSystem, a_docker_container_works_without_openat2)
{
    SKIP_UNLESS_ROOT();
    OlderKernel older({ .openat2 = false, .mount_setattr = false });
    Bundle bundle;
    make_docker_container(bundle);
    EXPECT_EQ(run_in_root(bundle, check_docker_container), "");
}

TEST(RootFileSystem, the_order_of_umask_does_not_matter)
{
    SKIP_UNLESS_ROOT();
    auto before = ::umask(077);
    Bundle bundle;
    make_docker_container(bundle);
    ::umask(077);
    EXPECT_EQ(run_in_root(bundle,
                  [] {
                      DEMAND(::umask(0) == 077);
                      return check_docker_container();
                  }),
        "");
    ::umask(before);
}

TEST(RootFileSystem, a_missing_source_names_the_mount)
{
    SKIP_UNLESS_ROOT();
    Bundle bundle;
    bundle.mount("/proc", "proc");
    bundle.mount("/data", "bind", { "bind" }, "/nonexistent/source");
    auto complaint = run_in_root(bundle, [] { return ""; });
    EXPECT_NE(complaint.find("mounts[1] (\"/data\")"), std::string::npos) << complaint;
    EXPECT_NE(complaint.find("no such file or directory"), std::string::npos) << complaint;
}

TEST(RootFileSystem, a_wrong_option_of_a_file_system_is_explained)
{
    SKIP_UNLESS_ROOT();
    Bundle bundle;
    bundle.mount("/dev", "tmpfs", { "size=many" });
    auto complaint = run_in_root(bundle, [] { return ""; });
    EXPECT_NE(complaint.find("size"), std::string::npos) << complaint;
}

TEST(RootFileSystem, flags_arrive)
{
    SKIP_UNLESS_ROOT();
    struct {
        std::vector<std::string> words;
        unsigned long expected;
        unsigned long absent;
    } const cases[] = {
        { { "bind", "ro" }, ST_RDONLY, ST_NOSUID },
        { { "bind", "nosuid", "nodev", "noexec" }, ST_NOSUID | ST_NODEV | ST_NOEXEC, ST_RDONLY },
        { { "rbind", "noatime" }, ST_NOATIME, ST_RELATIME },
        { { "bind", "nodiratime", "relatime" }, ST_NODIRATIME, 0 },
        { { "bind", "ro", "rw" }, 0, ST_RDONLY },
        { { "bind", "nosymfollow" }, 0x2000, 0 },
        { { "rbind", "rro", "rnoexec" }, ST_RDONLY | ST_NOEXEC, 0 },
        { { "bind", "strictatime" }, 0, ST_RELATIME | ST_NOATIME },
    };
    for (auto const& one : cases) {
        Bundle bundle;
        bundle.mount("/data", "none", one.words, bundle.path());
        bundle.mount("/tmp", "tmpfs", { "nosuid", "lazytime", "ro" });
        EXPECT_EQ(run_in_root(bundle,
                      [&] {
                          DEMAND((flags_of("/data") & one.expected) == one.expected);
                          DEMAND((flags_of("/data") & one.absent) == 0);
                          DEMAND((flags_of("/tmp") & (ST_NOSUID | ST_RDONLY)) == (ST_NOSUID | ST_RDONLY));
                          return std::string();
                      }),
            "")
            << one.words.back();
    }
}

TEST(RootFileSystem, read_only_words_reach_as_deep_as_they_say)
{
    SKIP_UNLESS_ROOT();
    Bundle bundle;
    bundle.folder("/outer");
    bundle.folder("/again");
    ASSERT_EQ(::mkdir(bundle.path("/tree").c_str(), 0755), 0);
    auto source = bundle.path("/tree");
    bundle.mount("/outer", "bind", { "rbind", "ro" }, source);
    bundle.mount("/again", "bind", { "rbind", "rro" }, source);
    auto plan = bundle.plan();
    EXPECT_EQ(run_in_namespaces([&] {
        DEMAND(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0);
        DEMAND(::mount("tmpfs", source.c_str(), "tmpfs", 0, nullptr) == 0);
        DEMAND(::mkdir((source + "/sub").c_str(), 0755) == 0);
        DEMAND(::mount("tmpfs", (source + "/sub").c_str(), "tmpfs", 0, nullptr) == 0);
        RootFileSystem root(plan, {});
        DEMAND(root.build().is_ok() && root.protect().is_ok() && root.enter().is_ok());
        DEMAND((flags_of("/outer") & ST_RDONLY) != 0 && (flags_of("/outer/sub") & ST_RDONLY) == 0);
        DEMAND((flags_of("/again") & ST_RDONLY) != 0 && (flags_of("/again/sub") & ST_RDONLY) != 0);
        return std::string();
    }),
        "");
}

TEST(RootFileSystem, a_read_only_root_keeps_its_mounts_writable)
{
    SKIP_UNLESS_ROOT();
    Bundle bundle;
    add_docker_defaults(bundle);
    bundle.mount("/tmp", "tmpfs", {});
    bundle.mount("/run", "tmpfs", { "ro" });
    bundle.mount("/run/inner", "tmpfs", {});
    bundle.folder("/run", 0700);
    bundle.config.root.readonly = true;
    EXPECT_EQ(run_in_root(bundle,
                  [] {
                      DEMAND((flags_of("/") & ST_RDONLY) != 0);
                      DEMAND((flags_of("/tmp") & ST_RDONLY) == 0 && (flags_of("/dev") & ST_RDONLY) == 0);
                      DEMAND((flags_of("/run") & ST_RDONLY) != 0 && (flags_of("/run/inner") & ST_RDONLY) == 0);
                      DEMAND(mode_of("/run") == 0700);
                      return std::string();
                  }),
        "");
}

TEST(RootFileSystem, a_remount_changes_what_is_there)
{
    SKIP_UNLESS_ROOT();
    Bundle bundle;
    bundle.mount("/tmp", "tmpfs", { "nosuid" });
    bundle.mount("/tmp", "tmpfs", { "remount", "ro", "size=1m" });
    bundle.mount("/dev", "tmpfs", {});
    bundle.mount("/dev", "tmpfs", { "remount", "ro" });
    bundle.mount("/data", "bind", { "bind" }, bundle.path());
    bundle.mount("/data", "none", { "bind", "remount", "noexec" });
    EXPECT_EQ(run_in_root(bundle,
                  [] {
                      struct statvfs status { };
                      DEMAND(::statvfs("/tmp", &status) == 0 && (status.f_flag & ST_RDONLY) != 0 && status.f_blocks * status.f_frsize == 1U << 20);
                      DEMAND((flags_of("/dev") & ST_RDONLY) != 0 && is_device("/dev/null", 1, 3));
                      DEMAND((flags_of("/data") & ST_NOEXEC) != 0);
                      return std::string();
                  }),
        "");
    bundle.config.mounts.clear();
    bundle.mount("/data", "tmpfs", { "remount", "ro" });
    EXPECT_NE(run_in_root(bundle, [] { return ""; }).find("nothing is mounted"), std::string::npos);
}

TEST(RootFileSystem, a_tmpfs_takes_the_mode_of_the_folder_it_covers)
{
    SKIP_UNLESS_ROOT();
    Bundle bundle;
    bundle.folder("/tmp", 01777);
    bundle.folder("/data", 01777);
    bundle.mount("/tmp", "tmpfs", {});
    bundle.mount("/data", "tmpfs", { "mode=0711" });
    EXPECT_EQ(run_in_root(bundle,
                  [] {
                      DEMAND(mode_of("/tmp") == 01777);
                      DEMAND(mode_of("/data") == 0711);
                      return std::string();
                  }),
        "");
}

TEST(RootFileSystem, tmpcopyup_copies_everything)
{
    SKIP_UNLESS_ROOT();
    Bundle bundle;
    bundle.folder("/data", 0750);
    bundle.folder("/data/sub", 01770);
    bundle.file("/data/sub/text", "copied\n");
    bundle.link("/etc/passwd", "/data/link");
    ASSERT_EQ(::chown(bundle.root("/data/sub/text").c_str(), 33, 44), 0);
    ASSERT_EQ(::chmod(bundle.root("/data/sub/text").c_str(), 04751), 0);
    ASSERT_EQ(::mkfifo(bundle.root("/data/fifo").c_str(), 0600), 0);
    bool has_attribute = ::setxattr(bundle.root("/data/sub/text").c_str(), "trusted.test", "1", 1, 0) == 0;
    bundle.mount("/data", "tmpfs", { "tmpcopyup", "ro" });
    EXPECT_EQ(run_in_root(bundle,
                  [&] {
                      struct stat status { };
                      DEMAND(type_of("/data") == TMPFS_MAGIC && (flags_of("/data") & ST_RDONLY) != 0);
                      DEMAND(mode_of("/data") == 0750 && mode_of("/data/sub") == 01770);
                      DEMAND(text_of("/data/sub/text") == "copied\n");
                      DEMAND(
                          ::stat("/data/sub/text", &status) == 0 && status.st_uid == 33 && status.st_gid == 44 && (status.st_mode & 07777) == 04751);
                      DEMAND(link_of("/data/link") == "/etc/passwd");
                      DEMAND(::lstat("/data/fifo", &status) == 0 && S_ISFIFO(status.st_mode));
                      char value = 0;
                      DEMAND(!has_attribute || (::getxattr("/data/sub/text", "trusted.test", &value, 1) == 1 && value == '1'));
                      return std::string();
                  }),
        "");
}

TEST(RootFileSystem, devices_have_their_mode_and_owner)
{
    SKIP_UNLESS_ROOT();
    Bundle bundle;
    bundle.mount("/dev", "tmpfs", { "mode=755" });
    auto& devices = bundle.config.linux_section.devices;
    devices.push_back({ .path = "/dev/net/tun", .type = "c", .major = 10, .minor = 200, .file_mode = 0646, .uid = 7, .gid = 8 });
    devices.push_back({ .path = "/dev/null", .type = "c", .major = 1, .minor = 3, .file_mode = 0600 });
    devices.push_back({ .path = "/dev/loop", .type = "b", .major = 7, .minor = 0, .file_mode = 0660 });
    devices.push_back({ .path = "/srv/pipe", .type = "p", .file_mode = 0622 });
    EXPECT_EQ(run_in_root(bundle,
                  [] {
                      struct stat status { };
                      DEMAND(::lstat("/dev/net/tun", &status) == 0 && S_ISCHR(status.st_mode) && status.st_rdev == makedev(10, 200));
                      DEMAND((status.st_mode & 07777) == 0646 && status.st_uid == 7 && status.st_gid == 8);
                      DEMAND(mode_of("/dev/null") == 0600);
                      DEMAND(::lstat("/dev/loop", &status) == 0 && S_ISBLK(status.st_mode));
                      DEMAND(::lstat("/srv/pipe", &status) == 0 && S_ISFIFO(status.st_mode) && (status.st_mode & 07777) == 0622);
                      return std::string();
                  }),
        "");
}

TEST(RootFileSystem, a_bound_dev_is_left_alone)
{
    SKIP_UNLESS_ROOT();
    Bundle bundle;
    ASSERT_EQ(::mkdir(bundle.path("/hostdev").c_str(), 0755), 0);
    bundle.mount("/dev", "bind", { "rbind" }, bundle.path("/hostdev"));
    EXPECT_EQ(run_in_root(bundle,
                  [] {
                      DEMAND(::access("/dev/null", F_OK) < 0);
                      DEMAND(link_of("/dev/ptmx").empty());
                      return std::string();
                  }),
        "");
}

TEST(RootFileSystem, control_groups_of_version_1_are_shown)
{
    SKIP_UNLESS_ROOT();
    Bundle bundle;
    for (auto const* name : { "/cpu", "/cpu/own", "/named", "/named/own" })
        ASSERT_EQ(::mkdir(bundle.path(name).c_str(), 0755), 0);
    bundle.mount("/sys", "sysfs", { "ro" });
    bundle.mount("/sys/fs/cgroup", "cgroup", { "ro", "nosuid", "noexec", "nodev" });
    CgroupView view { .layout = CgroupView::Layout::v1, .has_own_namespace = true };
    view.hierarchies.push_back({ .mount_point = "/x/cpu,cpuacct", .controllers = { "cpu", "cpuacct" }, .group = bundle.path("/cpu/own") });
    view.hierarchies.push_back({ .mount_point = "/x/systemd", .controllers = { "name=systemd" }, .group = bundle.path("/named/own") });
    auto plan = bundle.plan();
    plan.cgroups = view;
    for (bool has_setattr : { true, false }) {
        OlderKernel older({ .openat2 = true, .mount_setattr = has_setattr });
        EXPECT_EQ(run_in_namespaces([&] {
            RootFileSystem root(plan, {});
            auto built = root.build();
            if (built.is_error())
                return built.error().message;
            DEMAND(root.protect().is_ok() && root.enter().is_ok());
            DEMAND((flags_of("/sys/fs/cgroup") & (ST_RDONLY | ST_NODEV)) == (ST_RDONLY | ST_NODEV));
            DEMAND((flags_of("/sys/fs/cgroup/cpu,cpuacct") & (ST_RDONLY | ST_NOSUID)) == (ST_RDONLY | ST_NOSUID));
            DEMAND(link_of("/sys/fs/cgroup/cpu") == "cpu,cpuacct" && link_of("/sys/fs/cgroup/cpuacct") == "cpu,cpuacct");
            DEMAND(::access("/sys/fs/cgroup/systemd", F_OK) == 0 && link_of("/sys/fs/cgroup/name=systemd").empty());
            return std::string();
        }),
            "");
    }
}

TEST(RootFileSystem, an_idmapped_bind_shifts_owners)
{
    SKIP_UNLESS_ROOT();
    Bundle bundle;
    bundle.file("/tmp/probe");
    ASSERT_EQ(::mkdir(bundle.path("/volume").c_str(), 0755), 0);
    ASSERT_EQ(::close(::open(bundle.path("/volume/file").c_str(), O_CREAT | O_WRONLY, 0644)), 0);
    auto& mount = bundle.mount("/data", "bind", { "rbind", "ridmap" }, bundle.path("/volume"));
    mount.uid_mappings = { { .container_id = 0, .host_id = 4000, .size = 10 } };
    mount.gid_mappings = { { .container_id = 0, .host_id = 5000, .size = 10 } };
    bundle.mount("/tmp", "bind", { "bind", "idmap=uids=0-6000-1;gids=0-6000-1" }, bundle.path("/volume"));
    auto complaint = run_in_root(bundle, [] {
        struct stat status { };
        DEMAND(::stat("/data/file", &status) == 0 && status.st_uid == 4000 && status.st_gid == 5000);
        DEMAND(::stat("/tmp/file", &status) == 0 && status.st_uid == 6000);
        return std::string();
    });
    if (complaint.find("map the ids") != std::string::npos)
        GTEST_SKIP() << "no id-mapped mounts on this file system: " << complaint;
    EXPECT_EQ(complaint, "");
}

TEST(RootFileSystem, sysctls_are_written_before_they_are_protected)
{
    SKIP_UNLESS_ROOT();
    Bundle bundle;
    add_docker_defaults(bundle);
    bundle.config.linux_section.sysctl = { { "net.ipv4.ip_forward", "1" }, { "kernel/domainname", "test.example" } };
    EXPECT_EQ(run_in_root(bundle,
                  [] {
                      DEMAND(text_of("/proc/sys/net/ipv4/ip_forward") == "1\n");
                      DEMAND(text_of("/proc/sys/kernel/domainname") == "test.example\n");
                      return std::string();
                  }),
        "");
    bundle.config.linux_section.sysctl = { { "net/../../self/comm", "x" } };
    EXPECT_NE(run_in_root(bundle, [] { return ""; }).find("linux.sysctl"), std::string::npos);
}

TEST(RootFileSystem, a_terminal_comes_from_the_containers_own_devpts)
{
    SKIP_UNLESS_ROOT();
    Bundle bundle;
    add_docker_defaults(bundle);
    bundle.config.process->user.uid = 1234;
    auto plan = bundle.plan();
    EXPECT_EQ(run_in_namespaces([&] {
        RootFileSystem root(plan, {});
        DEMAND(root.build().is_ok());
        auto terminal = root.open_terminal();
        if (terminal.is_error())
            return terminal.error().message;
        auto bound = root.bind_console(terminal.value().slave);
        if (bound.is_error())
            return bound.error().message;
        DEMAND(root.protect().is_ok() && root.enter().is_ok());
        struct stat console { };
        struct stat slave { };
        DEMAND(::stat("/dev/console", &console) == 0 && ::stat("/dev/pts/0", &slave) == 0);
        DEMAND(console.st_rdev == slave.st_rdev && console.st_uid == 1234 && (console.st_mode & 07777) == 0620);
        return std::string();
    }),
        "");
}

TEST(RootFileSystem, without_pivot_root_the_hosts_tree_is_out_of_sight)
{
    SKIP_UNLESS_ROOT();
    Bundle bundle;
    make_docker_container(bundle);
    auto plan = bundle.plan();
    plan.no_pivot = true;
    EXPECT_EQ(run_in_namespaces([&] {
        RootFileSystem root(plan, {});
        DEMAND(root.build().is_ok() && root.protect().is_ok());
        auto entered = root.enter();
        if (entered.is_error())
            return entered.error().message;
        DEMAND(type_of("/proc") == PROC_SUPER_MAGIC && text_of("/etc/hosts") == "hosts\n");
        DEMAND(::access("/work/deep", F_OK) == 0 && ::access(bundle.path().c_str(), F_OK) < 0);
        return std::string();
    }),
        "");
}

TEST(RootFileSystem, without_a_mount_namespace_it_is_a_chroot)
{
    SKIP_UNLESS_ROOT();
    Bundle bundle;
    make_docker_container(bundle);
    auto plan = bundle.plan();
    plan.new_mount_namespace = false;
    EXPECT_EQ(run_in_namespaces([&] {
        RootFileSystem root(plan, {});
        DEMAND(root.build().is_ok() && root.protect().is_ok() && root.enter().is_ok());
        DEMAND(text_of("/etc/passwd") == "image\n" && ::access("/proc/self", F_OK) < 0);
        return std::string();
    }),
        "");
}

TEST(RootFileSystem, the_propagation_of_the_root_is_set)
{
    SKIP_UNLESS_ROOT();
    struct {
        char const* word;
        char const* shows;
        char const* hides;
    } const cases[] = { { "", "", "shared:" }, { "private", "", "shared:" }, { "rshared", "shared:", "" }, { "unbindable", "unbindable", "shared:" },
        { "rslave", "", "shared:" } };
    for (auto const& one : cases) {
        Bundle bundle;
        bundle.mount("/proc", "proc");
        bundle.config.linux_section.rootfs_propagation = one.word;
        EXPECT_EQ(run_in_root(bundle,
                      [&] {
                          auto text = text_of("/proc/self/mountinfo");
                          auto start = text.find(" / / ") == std::string::npos ? text.find(" / ") : text.find(" / / ");
                          auto line = text.substr(start, text.find('\n', start) - start);
                          line = line.substr(0, line.find(" - "));
                          if (line.find(one.shows) == std::string::npos)
                              return "not shown: " + text;
                          if (*one.hides && line.find(one.hides) != std::string::npos)
                              return "shown: " + text;
                          return std::string();
                      }),
            "")
            << one.word;
    }
    // Nothing of it reached this namespace.
    EXPECT_EQ(text_of("/proc/self/mountinfo").find("bulkhead-root-test"), std::string::npos);
}

TEST(RootFileSystem, symlinks_can_be_bound_and_copied)
{
    SKIP_UNLESS_ROOT();
    Bundle bundle;
    bundle.link("/etc/passwd", "/../source-link");
    bundle.link("/nowhere", "/target-link");
    bundle.file("/plain");
    bundle.mount("/copied", "bind", { "bind", "copy-symlink" }, bundle.path("/source-link"));
    bundle.mount("/plain", "bind", { "bind", "src-nofollow" }, bundle.path("/source-link"));
    bundle.mount("/target-link", "bind", { "bind", "dest-nofollow" }, bundle.root("/etc/passwd"));
    EXPECT_EQ(run_in_root(bundle,
                  [] {
                      DEMAND(link_of("/copied") == "/etc/passwd");
                      DEMAND(link_of("/plain") == "/etc/passwd");
                      DEMAND(text_of("/target-link") == "image\n");
                      return std::string();
                  }),
        "");
}

TEST(RootFileSystem, a_user_namespace_gets_bound_devices_and_fallbacks)
{
    SKIP_UNLESS_ROOT();
    host::IdMaps maps { .uids = { { 0, 200000, 1000 } }, .gids = { { 0, 300000, 3 } } }; // gid 5 is not mapped
    Bundle bundle;
    make_docker_container(bundle);
    bundle.mount("/data", "bind", { "bind", "ro", "nosuid" }, bundle.path());
    bundle.give_to(200000);
    for (auto flags : { usual_namespaces, usual_namespaces & ~std::uint64_t(CLONE_NEWNET) }) {
        bundle.config.linux_section.uid_mappings.clear();
        bundle.config.linux_section.gid_mappings.clear();
        EXPECT_EQ(run_in_root(
                      bundle,
                      [] {
                          DEMAND(is_device("/dev/null", 1, 3) && is_device("/dev/tty", 5, 0));
                          auto zero = open_file("/dev/zero", O_RDONLY);
                          DEMAND(zero.is_ok());
                          DEMAND(type_of("/proc") == PROC_SUPER_MAGIC && type_of("/sys") == SYSFS_MAGIC && (flags_of("/sys") & ST_RDONLY) != 0);
                          DEMAND(type_of("/dev/pts") == DEVPTS_SUPER_MAGIC && type_of("/dev/mqueue") != 0);
                          DEMAND(is_device("/proc/version", 1, 3) && (flags_of("/proc/sys") & ST_RDONLY) != 0);
                          DEMAND((flags_of("/data") & (ST_RDONLY | ST_NOSUID)) == (ST_RDONLY | ST_NOSUID));
                          DEMAND(text_of("/etc/hosts") == "hosts\n");
                          return std::string();
                      },
                      flags, maps),
            "");
    }
}

TEST(RootFileSystem, a_user_namespace_may_not_reach_the_sources_itself)
{
    SKIP_UNLESS_ROOT();
    host::IdMaps maps { .uids = { { 0, 200000, 1000 } }, .gids = { { 0, 200000, 1000 } } };
    Bundle bundle;
    make_docker_container(bundle);
    bundle.give_to(200000);
    ASSERT_TRUE(
        ::chown(bundle.path().c_str(), 0, 0) == 0 && ::chmod(bundle.path().c_str(), 0700) == 0); // the host's root only: not even the root's own path
    EXPECT_EQ(run_in_root(
                  bundle,
                  [] {
                      DEMAND(text_of("/etc/hosts") == "hosts\n" && text_of("/etc/passwd") == "image\n");
                      return std::string();
                  },
                  usual_namespaces, maps),
        "");
}

TEST(RootFileSystem, locked_flags_of_the_host_stay)
{
    SKIP_UNLESS_ROOT();
    host::IdMaps maps { .uids = { { 0, 200000, 1000 } }, .gids = { { 0, 200000, 1000 } } };
    Bundle bundle;
    bundle.give_to(200000);
    auto volume = bundle.root("/tmp");
    // As for a rootless runtime: the child opens the source itself, out of a mount that the host has restricted.
    auto with = [&](std::vector<std::string> words) {
        bundle.config.mounts.clear();
        bundle.mount("/data", "bind", words, volume);
        auto plan = bundle.plan();
        plan.in_user_namespace = true;
        return run_in_namespaces(
            [&] {
                DEMAND(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0);
                DEMAND(::mount("tmpfs", volume.c_str(), "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=777") == 0);
                return run_in_namespaces(
                    [&] {
                        RootFileSystem root(plan, {});
                        auto built = root.attach().is_ok() ? root.mount_all() : Result<Unit>(invalid("attach"));
                        if (built.is_error())
                            return built.error().message;
                        DEMAND((flags_of(bundle.root("/data").c_str()) & ST_NOEXEC) != 0);
                        return std::string();
                    },
                    CLONE_NEWNS, maps);
            },
            CLONE_NEWNS);
    };
    EXPECT_EQ(with({ "bind", "ro", "nosuid", "relatime" }), "");
    EXPECT_EQ(with({ "bind", "rw", "suid" }).find("locked nosuid") != std::string::npos, true) << with({ "bind", "rw", "suid" });
    EXPECT_EQ(with({ "bind", "rw" }), "");
}

} // namespace bulkhead::root::tests
