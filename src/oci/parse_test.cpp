#include "oci/config_text_test.h"

#include <gtest/gtest.h>

namespace bulkhead::oci {
namespace {

using test::complaint_about;
using test::config_text;
using test::Extra;

Config config_of(Extra const& extra)
{
    return MUST(parse_config(config_text(extra)));
}

Process process_of(std::string_view members)
{
    return *config_of({ .process = members }).process;
}

LinuxSection section_of(std::string_view members)
{
    return config_of({ .linux_section = members }).linux_section;
}

Resources resources_of(std::string const& text)
{
    return MUST(parse_resources(text));
}

std::string resources_complaint(std::string_view text)
{
    auto resources = parse_resources(text);
    return resources.is_error() ? resources.error().message : "";
}

TEST(ParseConfig, a_small_configuration_is_enough)
{
    auto config = MUST(parse_config(R"({"ociVersion":"1.0.0","root":{"path":"rootfs"}})"));
    EXPECT_EQ(config.root.path, "rootfs");
    EXPECT_FALSE(config.root.readonly);
    EXPECT_FALSE(config.process.has_value());
    EXPECT_TRUE(config.linux_section.namespaces.empty());
    EXPECT_TRUE(config.unknown_members.empty());
}

TEST(ParseConfig, versions_with_major_one_are_accepted)
{
    for (auto const* version : { "1.0.0", "1.0.2-dev", "1.0.0-rc1", "1.0.0-rc6-dev", "1.1.0+git", "1.3.0", "1.99.7", "1.0.0-rc.1+x.2" }) {
        auto text = std::string(R"({"root":{"path":"r"},"ociVersion":")") + version + "\"}";
        EXPECT_TRUE(parse_config(text).is_ok()) << version;
    }
}

TEST(ParseConfig, other_versions_are_refused)
{
    for (auto const* version :
        { "", "1", "1.0", "0.9.0", "2.0.0", "v1.0.0", "1.0.x", "1.0.0-", "1.0.0 ", "1.0.0-a/b", "-1.0.0", "1..0", "1.0.0.0" }) {
        auto text = std::string(R"({"root":{"path":"r"},"ociVersion":")") + version + "\"}";
        auto parsed = parse_config(text);
        ASSERT_TRUE(parsed.is_error()) << version;
        EXPECT_EQ(parsed.error().message.find("ociVersion: "), 0U) << version;
    }
}

TEST(ParseConfig, missing_members_are_named)
{
    EXPECT_EQ(complaint_about("{}"), "ociVersion: is missing");
    EXPECT_EQ(complaint_about(R"({"ociVersion":"1.0.0"})"), "root: is missing");
    EXPECT_EQ(complaint_about(R"({"ociVersion":"1.0.0","root":{}})"), "root.path: is missing");
    EXPECT_EQ(complaint_about(R"({"ociVersion":"1.0.0","root":{"path":"r"},"process":{}})"), "process.cwd: is missing");
    EXPECT_EQ(complaint_about({ .top = R"(,"mounts":[{"type":"proc"}])" }), "mounts[0].destination: is missing");
    EXPECT_EQ(complaint_about({ .top = R"(,"mounts":[{"destination":"/a","uidMappings":[{"containerID":0,"size":1}]}])" }),
        "mounts[0].uidMappings[0].hostID: is missing");
    EXPECT_EQ(complaint_about({ .top = R"(,"hooks":{"poststop":[{"args":[]}]})" }), "hooks.poststop[0].path: is missing");
    EXPECT_EQ(complaint_about({ .process = R"(,"rlimits":[{"type":"RLIMIT_CORE","soft":1}])" }), "process.rlimits[0].hard: is missing");
    EXPECT_EQ(complaint_about({ .process = R"(,"consoleSize":{"height":1})" }), "process.consoleSize.width: is missing");
    EXPECT_EQ(complaint_about({ .process = R"(,"scheduler":{})" }), "process.scheduler.policy: is missing");
    EXPECT_EQ(complaint_about({ .process = R"(,"ioPriority":{"priority":1})" }), "process.ioPriority.class: is missing");
    EXPECT_EQ(complaint_about({ .linux_section = R"(,"devices":[{"path":"/dev/a","type":"c","minor":1}])" }), "linux.devices[0].major: is missing");
    EXPECT_EQ(complaint_about({ .linux_section = R"(,"seccomp":{"syscalls":[]})" }), "linux.seccomp.defaultAction: is missing");
    EXPECT_EQ(complaint_about({ .linux_section = R"(,"seccomp":{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"action":"SCMP_ACT_KILL"}]})" }),
        "linux.seccomp.syscalls[0].names: is missing");
    EXPECT_EQ(complaint_about({ .linux_section = R"(,"personality":{})" }), "linux.personality.domain: is missing");
    EXPECT_EQ(complaint_about({ .linux_section = R"(,"memoryPolicy":{})" }), "linux.memoryPolicy.mode: is missing");
    EXPECT_EQ(complaint_about({ .linux_section = R"(,"resources":{"devices":[{"type":"a"}]})" }), "linux.resources.devices[0].allow: is missing");
    EXPECT_EQ(complaint_about({ .namespaces = R"({"path":"/x"})" }), "linux.namespaces[0].type: is missing");
}

TEST(ParseConfig, wrong_types_are_named)
{
    EXPECT_EQ(complaint_about("[]"), "the document: must be an object, not an array");
    EXPECT_EQ(complaint_about({ .top = R"(,"hostname":7)" }), "hostname: must be a string, not a number");
    EXPECT_EQ(complaint_about({ .top = R"(,"annotations":{"a":1})" }), "annotations.a: must be a string, not a number");
    EXPECT_EQ(complaint_about({ .top = R"(,"hooks":[])" }), "hooks: must be an object, not an array");
    EXPECT_EQ(complaint_about({ .process = R"(,"user":"root")" }), "process.user: must be an object, not a string");
    EXPECT_EQ(complaint_about({ .process = R"(,"env":["A=1",2])" }), "process.env[1]: must be a string, not a number");
    EXPECT_EQ(
        complaint_about({ .linux_section = R"(,"resources":{"cpu":{"quota":"1"}})" }), "linux.resources.cpu.quota: must be a number, not a string");
    EXPECT_EQ(complaint_about({ .namespaces = R"("pid")" }), "linux.namespaces[0]: must be an object, not a string");
}

TEST(ParseConfig, words_outside_closed_sets_are_named)
{
    EXPECT_EQ(complaint_about({ .namespaces = R"({"type":"net"})" }),
        "linux.namespaces[0].type: must be one of pid, network, mount, ipc, uts, user, cgroup or time, not \"net\"");
    EXPECT_EQ(complaint_about({ .process = R"(,"rlimits":[{"type":"RLIMIT_X","soft":1,"hard":1}])" })
                  .find("process.rlimits[0].type: must be one of RLIMIT_AS"),
        0U);
    EXPECT_EQ(complaint_about({ .process = R"(,"scheduler":{"policy":"SCHED_FAST"})" }).find("process.scheduler.policy: must be one of"), 0U);
    EXPECT_EQ(
        complaint_about({ .process = R"(,"scheduler":{"policy":"SCHED_OTHER","flags":["X"]})" }).find("process.scheduler.flags[0]: must be one of"),
        0U);
    EXPECT_EQ(complaint_about({ .process = R"(,"ioPriority":{"class":"IOPRIO_CLASS_NONE"})" }).find("process.ioPriority.class: must be one of"), 0U);
    EXPECT_EQ(complaint_about({ .linux_section = R"(,"rootfsPropagation":"public")" }).find("linux.rootfsPropagation: must be one of"), 0U);
    EXPECT_EQ(complaint_about({ .linux_section = R"(,"personality":{"domain":"BSD"})" }),
        "linux.personality.domain: must be one of LINUX or LINUX32, not \"BSD\"");
    EXPECT_EQ(complaint_about({ .linux_section = R"(,"memoryPolicy":{"mode":"MPOL_X"})" }).find("linux.memoryPolicy.mode: must be one of"), 0U);
    EXPECT_EQ(complaint_about({ .linux_section = R"(,"memoryPolicy":{"mode":"MPOL_LOCAL","flags":["X"]})" })
                  .find("linux.memoryPolicy.flags[0]: must be one of"),
        0U);
    EXPECT_EQ(complaint_about({ .linux_section = R"(,"devices":[{"path":"/dev/a","type":"x","major":1,"minor":1}])" }),
        "linux.devices[0].type: must be b, c, p or u");
    EXPECT_EQ(
        complaint_about({ .linux_section = R"(,"timeOffsets":{"realtime":{"secs":1}})" }).find("linux.timeOffsets.realtime: is not a clock"), 0U);
    EXPECT_EQ(
        complaint_about({ .linux_section = R"(,"seccomp":{"defaultAction":"SCMP_ACT_X"})" }).find("linux.seccomp.defaultAction: must be one of"), 0U);
    EXPECT_EQ(complaint_about({ .linux_section = R"(,"seccomp":{"defaultAction":"SCMP_ACT_ALLOW","architectures":["x86"]})" })
                  .find("linux.seccomp.architectures[0]: must be one of"),
        0U);
    EXPECT_EQ(complaint_about({ .linux_section = R"(,"seccomp":{"defaultAction":"SCMP_ACT_ALLOW","flags":["X"]})" })
                  .find("linux.seccomp.flags[0]: must be one of"),
        0U);
    EXPECT_EQ(complaint_about({ .linux_section = R"(,"seccomp":{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["a"],"action":"X"}]})" })
                  .find("linux.seccomp.syscalls[0].action: must be one of"),
        0U);
    EXPECT_EQ(
        complaint_about(
            { .linux_section
                = R"(,"seccomp":{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["a"],"action":"SCMP_ACT_KILL","args":[{"index":0,"value":1,"op":"EQ"}]}]})" })
            .find("linux.seccomp.syscalls[0].args[0].op: must be one of"),
        0U);
}

TEST(ParseConfig, null_members_count_as_absent)
{
    auto config = MUST(parse_config(
        R"({"ociVersion":"1.0.0","root":{"path":"r","readonly":null},"process":null,"mounts":null,"hooks":null,"linux":null,"annotations":null,"windows":null})"));
    EXPECT_FALSE(config.process.has_value());
    EXPECT_TRUE(process_of(R"(,"user":{"uid":1,"gid":2,"additionalGids":null},"env":null,"capabilities":null,"rlimits":null)").env.empty());
}

TEST(ParseConfig, unknown_members_are_ignored_and_listed)
{
    auto config = config_of(
        { .top = R"(,"vendor":{"a":1},"windows":{"layerFolders":[]},"vm":{},"solaris":{},"zos":{},"freebsd":{},"annotations":{"any.thing":"x"})",
            .process = R"(,"selinux":true)",
            .linux_section = R"(,"resources":{"unified":{"memory.high":"1"},"cpu":{"magic":1}},"net/tricks":[])" });
    EXPECT_EQ(
        config.unknown_members, (std::vector<std::string> { "process.selinux", "linux.resources.cpu.magic", "linux[\"net/tricks\"]", "vendor" }));
}

TEST(ParseConfig, the_list_of_unknown_members_is_bounded)
{
    std::string many;
    for (int number = 0; number < 1000; ++number)
        many += ",\"x" + std::to_string(number) + "\":0";
    EXPECT_EQ(config_of({ .top = many }).unknown_members.size(), 64U);
}

TEST(ParseConfig, relative_mount_destinations_are_taken_from_the_root)
{
    EXPECT_EQ(config_of({ .top = R"(,"mounts":[{"destination":"data/x"}])" }).mounts[0].destination, "/data/x");
}

TEST(ParseConfig, mounts_hooks_names_and_annotations_are_read)
{
    auto config = config_of({ .top
        = R"(,"mounts":[{"destination":"/d","type":"bind","source":"/s","options":["rbind","ro"],"uidMappings":[{"containerID":1,"hostID":2,"size":3}],"gidMappings":[{"containerID":4,"hostID":5,"size":6}]}],
        "hooks":{"prestart":[{"path":"/a","args":["a","b"],"env":["X=1"],"timeout":5}],"createRuntime":[{"path":"/b"}],"createContainer":[{"path":"/c"}],"startContainer":[{"path":"/d"}],"poststart":[{"path":"/e"}],"poststop":[{"path":"/f"}]},
        "hostname":"h","domainname":"d","annotations":{"k":"v"})" });
    ASSERT_EQ(config.mounts.size(), 1U);
    EXPECT_EQ(config.mounts[0].type, "bind");
    EXPECT_EQ(config.mounts[0].source, "/s");
    EXPECT_EQ(config.mounts[0].options, (std::vector<std::string> { "rbind", "ro" }));
    EXPECT_EQ(config.mounts[0].uid_mappings[0].host_id, 2U);
    EXPECT_EQ(config.mounts[0].gid_mappings[0].size, 6U);
    EXPECT_EQ(config.hooks.prestart[0].args[1], "b");
    EXPECT_EQ(config.hooks.prestart[0].env[0], "X=1");
    EXPECT_EQ(config.hooks.prestart[0].timeout, 5);
    EXPECT_EQ(config.hooks.create_runtime[0].path, "/b");
    EXPECT_EQ(config.hooks.create_container[0].path, "/c");
    EXPECT_EQ(config.hooks.start_container[0].path, "/d");
    EXPECT_EQ(config.hooks.poststart[0].path, "/e");
    EXPECT_EQ(config.hooks.poststop[0].path, "/f");
    EXPECT_EQ(config.hostname, "h");
    EXPECT_EQ(config.domainname, "d");
    EXPECT_EQ(config.annotations.at("k"), "v");
}

TEST(ParseProcess, every_member_is_read)
{
    auto process = process_of(
        R"(,"terminal":true,"consoleSize":{"height":25,"width":80},"user":{"uid":1,"gid":2,"umask":18,"additionalGids":[3,4],"username":"w"},
        "env":["A=B"],"commandLine":"c","capabilities":{"effective":["CAP_A"],"bounding":["CAP_B"],"inheritable":["CAP_C"],"permitted":["CAP_D"],"ambient":["CAP_E"]},
        "rlimits":[{"type":"RLIMIT_NOFILE","soft":1024,"hard":18446744073709551615}],"noNewPrivileges":true,"apparmorProfile":"p","oomScoreAdj":-5,
        "scheduler":{"policy":"SCHED_DEADLINE","nice":3,"priority":4,"flags":["SCHED_FLAG_RECLAIM"],"runtime":5,"deadline":6,"period":7},"selinuxLabel":"u:r:t",
        "ioPriority":{"class":"IOPRIO_CLASS_RT","priority":2},"execCPUAffinity":{"initial":"0","final":"1-2"})");
    EXPECT_TRUE(process.terminal);
    EXPECT_EQ(process.console_size->height, 25U);
    EXPECT_EQ(process.console_size->width, 80U);
    EXPECT_EQ(process.user.uid, 1U);
    EXPECT_EQ(process.user.gid, 2U);
    EXPECT_EQ(process.user.umask, 18U);
    EXPECT_EQ(process.user.additional_gids, (std::vector<std::uint32_t> { 3, 4 }));
    EXPECT_EQ(process.command_line, "c");
    EXPECT_EQ(process.capabilities->effective[0] + process.capabilities->bounding[0] + process.capabilities->inheritable[0]
            + process.capabilities->permitted[0] + process.capabilities->ambient[0],
        "CAP_ACAP_BCAP_CCAP_DCAP_E");
    EXPECT_EQ(process.rlimits[0].soft, 1024U);
    EXPECT_EQ(process.rlimits[0].hard, 18446744073709551615U);
    EXPECT_TRUE(process.no_new_privileges);
    EXPECT_EQ(process.apparmor_profile, "p");
    EXPECT_EQ(process.oom_score_adj, -5);
    EXPECT_EQ(process.scheduler->nice, 3);
    EXPECT_EQ(process.scheduler->priority, 4);
    EXPECT_EQ(process.scheduler->flags[0], "SCHED_FLAG_RECLAIM");
    EXPECT_EQ(process.scheduler->runtime, 5U);
    EXPECT_EQ(process.scheduler->deadline, 6U);
    EXPECT_EQ(process.scheduler->period, 7U);
    EXPECT_EQ(process.selinux_label, "u:r:t");
    EXPECT_EQ(process.io_priority->io_class, "IOPRIO_CLASS_RT");
    EXPECT_EQ(process.io_priority->priority, 2);
    EXPECT_EQ(process.exec_cpu_affinity->initial, "0");
    EXPECT_EQ(process.exec_cpu_affinity->final_list, "1-2");
}

TEST(ParseProcess, the_document_of_exec_has_places_of_its_own)
{
    EXPECT_EQ(MUST(parse_process(R"({"cwd":"/","args":["id"],"user":{"uid":7,"gid":8}})")).user.uid, 7U);
    EXPECT_EQ(parse_process(R"({"cwd":"/","user":{"uid":-1}})").error().message, "user.uid: -1 is too small (at least 0)");
    EXPECT_EQ(parse_process("").error().message.find("the process document is not usable JSON"), 0U);
}

TEST(ParseProcess, one_list_of_capabilities_from_before_rc5_fills_all_sets_but_inheritable_and_ambient)
{
    auto process = process_of(R"(,"capabilities":["CAP_KILL"])");
    EXPECT_EQ(process.capabilities->bounding, std::vector<std::string> { "CAP_KILL" });
    EXPECT_EQ(process.capabilities->effective, process.capabilities->bounding);
    EXPECT_EQ(process.capabilities->permitted, process.capabilities->bounding);
    EXPECT_TRUE(process.capabilities->inheritable.empty());
    EXPECT_TRUE(process.capabilities->ambient.empty());
}

TEST(ParseLinux, every_member_is_read)
{
    auto config = config_of(
        { .linux_section = R"(,"uidMappings":[{"containerID":0,"hostID":1000,"size":10}],"gidMappings":[{"containerID":1,"hostID":2000,"size":20}],
        "timeOffsets":{"monotonic":{"secs":-5,"nanosecs":6},"boottime":{}},
        "devices":[{"path":"/dev/fuse","type":"c","major":10,"minor":229,"fileMode":8630,"uid":1,"gid":2},{"path":"/dev/p","type":"p"}],
        "netDevices":{"eth0":{"name":"net0"},"eth1":{}},"cgroupsPath":"/a/b","sysctl":{"net.ipv4.ip_forward":"1"},"rootfsPropagation":"rslave",
        "maskedPaths":["/proc/kcore"],"readonlyPaths":["/proc/bus"],"mountLabel":"u:r:t","personality":{"domain":"LINUX32","flags":["x"]},
        "intelRdt":{"closID":"c","schemata":["L3:0=f"],"l3CacheSchema":"L3:0=f","memBwSchema":"MB:0=70","enableMonitoring":true},
        "memoryPolicy":{"mode":"MPOL_BIND","nodes":"0","flags":["MPOL_F_STATIC_NODES"]})",
            .namespaces = R"({"type":"user","path":"/proc/1/ns/user"},{"type":"time"})" });
    auto const& section = config.linux_section;
    EXPECT_EQ(config.find_namespace(NamespaceType::user)->path, "/proc/1/ns/user");
    EXPECT_EQ(config.find_namespace(NamespaceType::time)->path, "");
    EXPECT_EQ(config.find_namespace(NamespaceType::pid), nullptr);
    EXPECT_EQ(section.uid_mappings[0].host_id, 1000U);
    EXPECT_EQ(section.gid_mappings[0].size, 20U);
    EXPECT_EQ(section.time_offsets.at("monotonic").seconds, -5);
    EXPECT_EQ(section.time_offsets.at("monotonic").nanoseconds, 6U);
    EXPECT_EQ(section.devices[0].file_mode, 8630U);
    EXPECT_EQ(section.devices[0].minor, 229);
    EXPECT_EQ(section.devices[0].uid, 1U);
    EXPECT_EQ(section.devices[1].type, "p");
    EXPECT_EQ(section.net_devices[0].host_name + ">" + section.net_devices[0].name, "eth0>net0");
    EXPECT_EQ(section.net_devices[1].host_name + ">" + section.net_devices[1].name, "eth1>");
    EXPECT_EQ(section.cgroups_path, "/a/b");
    EXPECT_EQ(section.sysctl.at("net.ipv4.ip_forward"), "1");
    EXPECT_EQ(section.rootfs_propagation, "rslave");
    EXPECT_EQ(section.masked_paths[0], "/proc/kcore");
    EXPECT_EQ(section.readonly_paths[0], "/proc/bus");
    EXPECT_EQ(section.mount_label, "u:r:t");
    EXPECT_EQ(section.personality->domain, "LINUX32");
    EXPECT_EQ(section.intel_rdt->clos_id, "c");
    EXPECT_EQ(section.intel_rdt->schemata[0], "L3:0=f");
    EXPECT_EQ(section.intel_rdt->l3_cache_schema, "L3:0=f");
    EXPECT_EQ(section.intel_rdt->mem_bw_schema, "MB:0=70");
    EXPECT_TRUE(section.intel_rdt->enable_monitoring);
    EXPECT_EQ(section.memory_policy->mode, "MPOL_BIND");
    EXPECT_EQ(section.memory_policy->nodes, "0");
    EXPECT_EQ(section.memory_policy->flags[0], "MPOL_F_STATIC_NODES");
    EXPECT_TRUE(config.unknown_members.empty());
}

TEST(ParseLinux, monitoring_is_known_under_its_names_before_1_3)
{
    EXPECT_TRUE(section_of(R"(,"intelRdt":{"enableCMT":true})").intel_rdt->enable_monitoring);
    EXPECT_TRUE(section_of(R"(,"intelRdt":{"enableMBM":true})").intel_rdt->enable_monitoring);
    EXPECT_FALSE(section_of(R"(,"intelRdt":{"enableCMT":false})").intel_rdt->enable_monitoring);
    EXPECT_EQ(section_of(R"(,"intelRdt":{"schemata":"MB:0=70\nL3:0=f"})").intel_rdt->schemata[0], "MB:0=70\nL3:0=f");
}

TEST(ParseSeccomp, every_member_is_read)
{
    auto section = section_of(
        R"(,"seccomp":{"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":38,"architectures":["SCMP_ARCH_X86_64"],"flags":["SECCOMP_FILTER_FLAG_LOG"],
        "listenerPath":"/run/l","listenerMetadata":"m","syscalls":[{"names":["clone","fork"],"action":"SCMP_ACT_ERRNO","errnoRet":1,"args":[{"index":1,"value":18446744073709551615,"valueTwo":7,"op":"SCMP_CMP_MASKED_EQ"}]}]})");
    auto const& seccomp = *section.seccomp;
    EXPECT_EQ(seccomp.default_action, "SCMP_ACT_ERRNO");
    EXPECT_EQ(seccomp.default_errno_ret, 38U);
    EXPECT_EQ(seccomp.architectures[0], "SCMP_ARCH_X86_64");
    EXPECT_EQ(seccomp.flags[0], "SECCOMP_FILTER_FLAG_LOG");
    EXPECT_EQ(seccomp.listener_path, "/run/l");
    EXPECT_EQ(seccomp.listener_metadata, "m");
    EXPECT_EQ(seccomp.syscalls[0].names[1], "fork");
    EXPECT_EQ(seccomp.syscalls[0].errno_ret, 1U);
    EXPECT_EQ(seccomp.syscalls[0].args[0].value, 18446744073709551615U);
    EXPECT_EQ(seccomp.syscalls[0].args[0].value_two, 7U);
    EXPECT_EQ(seccomp.syscalls[0].args[0].index, 1U);
    EXPECT_EQ(seccomp.syscalls[0].args[0].op, "SCMP_CMP_MASKED_EQ");
}

TEST(ParseSeccomp, an_empty_section_means_no_filter)
{
    EXPECT_FALSE(section_of(R"(,"seccomp":{})").seccomp.has_value());
    EXPECT_FALSE(section_of(R"(,"seccomp":{"syscalls":null})").seccomp.has_value());
}

TEST(ParseSeccomp, one_name_for_each_entry_from_before_rc5_is_known)
{
    auto section
        = section_of(R"(,"seccomp":{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"name":"read","action":"SCMP_ACT_ALLOW","comment":"x"}]})");
    EXPECT_EQ(section.seccomp->syscalls[0].names, std::vector<std::string> { "read" });
}

TEST(ParseResources, every_member_is_read)
{
    auto resources = resources_of(R"({"devices":[{"allow":true,"type":"c","major":1,"minor":-1,"access":"rw"},{"allow":false}],
        "memory":{"limit":1,"reservation":2,"swap":-1,"kernel":4,"kernelTCP":5,"swappiness":6,"disableOOMKiller":true,"useHierarchy":true,"checkBeforeUpdate":true},
        "cpu":{"shares":1,"quota":-1,"burst":3,"period":4,"realtimeRuntime":5,"realtimePeriod":6,"cpus":"0-1","mems":"0","idle":1},"pids":{"limit":-1},
        "blockIO":{"weight":10,"leafWeight":11,"weightDevice":[{"major":8,"minor":0,"weight":12,"leafWeight":13}],"throttleReadBpsDevice":[{"major":8,"minor":1,"rate":1}],
            "throttleWriteBpsDevice":[{"major":8,"minor":2,"rate":2}],"throttleReadIOPSDevice":[{"major":8,"minor":3,"rate":3}],"throttleWriteIOPSDevice":[{"major":8,"minor":4,"rate":4}]},
        "hugepageLimits":[{"pageSize":"2MB","limit":9}],"network":{"classID":1048577,"priorities":[{"name":"eth0","priority":5}]},"rdma":{"mlx5_1":{"hcaHandles":3,"hcaObjects":4}},"unified":{"memory.high":"max"}})");
    EXPECT_EQ(resources.devices[0].major, 1);
    EXPECT_EQ(resources.devices[0].minor, std::nullopt);
    EXPECT_EQ(resources.devices[0].access, "rw");
    EXPECT_FALSE(resources.devices[1].allow);
    EXPECT_EQ(resources.memory->limit, 1);
    EXPECT_EQ(resources.memory->reservation, 2);
    EXPECT_EQ(resources.memory->swap, -1);
    EXPECT_EQ(resources.memory->kernel, 4);
    EXPECT_EQ(resources.memory->kernel_tcp, 5);
    EXPECT_EQ(resources.memory->swappiness, 6U);
    EXPECT_EQ(resources.memory->disable_oom_killer, true);
    EXPECT_EQ(resources.memory->use_hierarchy, true);
    EXPECT_EQ(resources.memory->check_before_update, true);
    EXPECT_EQ(resources.cpu->shares, 1U);
    EXPECT_EQ(resources.cpu->quota, -1);
    EXPECT_EQ(resources.cpu->burst, 3U);
    EXPECT_EQ(resources.cpu->period, 4U);
    EXPECT_EQ(resources.cpu->realtime_runtime, 5);
    EXPECT_EQ(resources.cpu->realtime_period, 6U);
    EXPECT_EQ(resources.cpu->cpus, "0-1");
    EXPECT_EQ(resources.cpu->mems, "0");
    EXPECT_EQ(resources.cpu->idle, 1);
    EXPECT_EQ(resources.pids_limit, -1);
    EXPECT_EQ(resources.block_io->weight, 10);
    EXPECT_EQ(resources.block_io->leaf_weight, 11);
    EXPECT_EQ(resources.block_io->weight_device[0].weight, 12);
    EXPECT_EQ(resources.block_io->weight_device[0].leaf_weight, 13);
    EXPECT_EQ(resources.block_io->throttle_read_bps[0].minor, 1);
    EXPECT_EQ(resources.block_io->throttle_write_bps[0].rate, 2U);
    EXPECT_EQ(resources.block_io->throttle_read_iops[0].rate, 3U);
    EXPECT_EQ(resources.block_io->throttle_write_iops[0].rate, 4U);
    EXPECT_EQ(resources.hugepage_limits[0].page_size, "2MB");
    EXPECT_EQ(resources.hugepage_limits[0].limit, 9U);
    EXPECT_EQ(resources.network->class_id, 1048577U);
    EXPECT_EQ(resources.network->priorities[0].priority, 5U);
    EXPECT_EQ(resources.rdma.at("mlx5_1").hca_handles, 3U);
    EXPECT_EQ(resources.rdma.at("mlx5_1").hca_objects, 4U);
    EXPECT_EQ(resources.unified.at("memory.high"), "max");
}

TEST(ParseResources, older_spellings_are_known)
{
    auto resources = resources_of(R"({"disableOOMKiller":true,"memory":{"limit":18446744073709551615},
        "blockIO":{"blkioWeight":1,"blkioLeafWeight":2,"blkioWeightDevice":[{"major":1,"minor":2,"weight":3}],"blkioThrottleReadBpsDevice":[{"major":1,"minor":2,"rate":4}],
            "blkioThrottleWriteBpsDevice":[],"blkioThrottleReadIOPSDevice":[{"major":1,"minor":2,"rate":5}],"throttleWriteIopsDevice":[{"major":1,"minor":2,"rate":6}]}})");
    EXPECT_EQ(resources.memory->disable_oom_killer, true);
    EXPECT_EQ(resources.memory->limit, -1);
    EXPECT_EQ(resources.block_io->weight, 1);
    EXPECT_EQ(resources.block_io->leaf_weight, 2);
    EXPECT_EQ(resources.block_io->weight_device[0].weight, 3);
    EXPECT_EQ(resources.block_io->throttle_read_bps[0].rate, 4U);
    EXPECT_EQ(resources.block_io->throttle_read_iops[0].rate, 5U);
    EXPECT_EQ(resources.block_io->throttle_write_iops[0].rate, 6U);
}

TEST(ParseResources, current_spellings_win_over_older_ones)
{
    auto resources = resources_of(R"({"disableOOMKiller":true,"memory":{"disableOOMKiller":false},"blockIO":{"weight":7,"blkioWeight":1}})");
    EXPECT_EQ(resources.memory->disable_oom_killer, false);
    EXPECT_EQ(resources.block_io->weight, 7);
}

TEST(ParseResources, the_oom_score_of_old_configurations_reaches_the_process)
{
    EXPECT_EQ(config_of({ .linux_section = R"(,"resources":{"oomScoreAdj":100})" }).process->oom_score_adj, 100);
    EXPECT_EQ(config_of({ .process = R"(,"oomScoreAdj":5)", .linux_section = R"(,"resources":{"oomScoreAdj":100})" }).process->oom_score_adj, 5);
}

TEST(ParseResources, the_limit_of_pids_may_be_absent)
{
    EXPECT_EQ(resources_of(R"({"pids":{}})").pids_limit, std::nullopt);
}

TEST(ParseResources, wrong_device_rules_are_named)
{
    EXPECT_EQ(resources_complaint(R"({"devices":[{"allow":true,"type":"p"}]})"), "devices[0].type: must be a, b or c");
    EXPECT_EQ(resources_complaint(R"({"devices":[{"allow":true,"type":"ab"}]})"), "devices[0].type: must be a, b or c");
    EXPECT_EQ(resources_complaint(R"({"devices":[{"allow":true,"access":"rx"}]})"), "devices[0].access: must be made of r, w and m");
    EXPECT_EQ(resources_complaint(R"({"devices":[{"allow":true,"major":-2}]})"), "devices[0].major: is not a device number, nor -1 for all");
    EXPECT_EQ(resources_complaint(R"({"blockIO":{"weight":65536}})"), "blockIO.weight: 65536 is too large (at most 65535)");
    EXPECT_EQ(
        resources_complaint(R"({"blockIO":{"throttleReadBpsDevice":[{"major":1,"minor":2}]}})"), "blockIO.throttleReadBpsDevice[0].rate: is missing");
}

TEST(ParseConfig, hostile_texts_end_in_complaints)
{
    EXPECT_NE(complaint_about({ .process = R"(,"oomScoreAdj":1e400)" }), "");
    EXPECT_NE(complaint_about({ .process = R"(,"oomScoreAdj":99999999999999999999)" }), "");
    EXPECT_EQ(complaint_about({ .process = R"(,"env":["A=\u0000"])" }), "process.env[0]: contains a NUL character");
    EXPECT_EQ(complaint_about({ .top = R"(,"annotations":{"a\u0000":""})" }), "annotations[\"a\\u0000\"]: the name contains a NUL character");
    EXPECT_NE(complaint_about({ .top = ",\"hostname\":\"\xff\"" }), "");
    EXPECT_NE(complaint_about(std::string_view(std::string(10'000'000, '['))), "");
    EXPECT_NE(complaint_about(std::string_view(std::string(1000, '\0'))), "");
    EXPECT_EQ(complaint_about({ .linux_section = R"(,"rootfsPropagation":"\u001b[31m")" }).find('\x1b'), std::string::npos);
    EXPECT_EQ(complaint_about(R"({"ociVersion":"\u001b[31m","root":{"path":"r"}})").find('\x1b'), std::string::npos);
    std::string huge = R"(,"hostname":")" + std::string(10'000'000, 'h') + "\"";
    EXPECT_LT(complaint_about({ .top = huge }).size(), 200U);
}

} // namespace
} // namespace bulkhead::oci
