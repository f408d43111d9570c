#include "oci/config_text_test.h"
#include "oci/words.h"

#include <gtest/gtest.h>

namespace bulkhead::oci {
namespace {

using test::complaint_about;

std::string process_complaint(std::string_view members)
{
    return complaint_about({ .process = members });
}

std::string linux_complaint(std::string_view members)
{
    return complaint_about({ .linux_section = members });
}

std::string top_complaint(std::string_view members)
{
    return complaint_about({ .top = members });
}

std::string resources_complaint(std::string_view text)
{
    auto valid = validate_resources(MUST(parse_resources(text)), "");
    return valid.is_error() ? valid.error().message : "";
}

std::string exec_complaint(std::string_view text)
{
    auto valid = validate_process(MUST(parse_process(text)), "");
    return valid.is_error() ? valid.error().message : "";
}

// A user namespace beside the others.
std::string mapping_complaint(std::string const& mappings)
{
    return complaint_about({ .linux_section = ",\"uidMappings\":" + mappings, .namespaces = R"({"type":"user"},{"type":"mount"})" });
}

TEST(ValidateConfig, the_small_configuration_of_these_tests_is_valid)
{
    EXPECT_EQ(complaint_about(test::Extra {}), "");
}

TEST(ValidateConfig, the_root_needs_a_path)
{
    EXPECT_EQ(complaint_about(R"({"ociVersion":"1.0.0","root":{"path":""},"process":{"cwd":"/","args":["a"]}})"), "root.path: is empty");
}

TEST(ValidateConfig, a_container_needs_a_process)
{
    EXPECT_EQ(complaint_about(R"({"ociVersion":"1.0.0","root":{"path":"r"}})"), "process: is missing");
}

TEST(ValidateProcess, something_must_be_run)
{
    EXPECT_EQ(process_complaint(R"(,"args":[])"), "process.args: is empty");
    EXPECT_EQ(process_complaint(R"(,"args":[""])"), "process.args[0]: is empty");
    EXPECT_EQ(process_complaint(R"(,"args":[],"commandLine":"cmd /c dir")"), "process.args: is empty: commandLine is for Windows");
    EXPECT_EQ(process_complaint(R"(,"args":["sh",""])"), "");
}

TEST(ValidateProcess, the_working_directory_is_absolute)
{
    EXPECT_EQ(process_complaint(R"(,"cwd":"tmp")"), "process.cwd: \"tmp\" is not an absolute path");
    EXPECT_EQ(process_complaint(R"(,"cwd":"")"), "process.cwd: \"\" is not an absolute path");
}

TEST(ValidateProcess, a_process_of_exec_has_places_without_a_prefix)
{
    EXPECT_EQ(exec_complaint(R"({"cwd":"x","args":["a"]})"), "cwd: \"x\" is not an absolute path");
    EXPECT_EQ(exec_complaint(R"({"cwd":"/","args":["a"],"scheduler":{"policy":"SCHED_RR"}})"),
        "scheduler.priority: 0 is not between 1 and 99, as SCHED_RR needs it");
    EXPECT_EQ(exec_complaint(R"({"cwd":"/","args":["a"]})"), "");
}

TEST(ValidateProcess, environment_entries_have_a_name_and_a_value)
{
    EXPECT_EQ(process_complaint(R"(,"env":["A=1","B"])"), "process.env[1]: \"B\" has no \"=\"");
    EXPECT_EQ(process_complaint(R"(,"env":["=1"])"), "process.env[0]: \"=1\" has no name before \"=\"");
    EXPECT_EQ(process_complaint(R"(,"env":["A=","B==","C=a=b"])"), "");
}

TEST(ValidateProcess, the_console_size_fits_a_terminal)
{
    EXPECT_EQ(
        process_complaint(R"(,"terminal":true,"consoleSize":{"height":65536,"width":1})"), "process.consoleSize.height: 65536 is more than 65535");
    EXPECT_EQ(
        process_complaint(R"(,"terminal":true,"consoleSize":{"height":1,"width":65536})"), "process.consoleSize.width: 65536 is more than 65535");
    EXPECT_EQ(process_complaint(R"(,"terminal":true,"consoleSize":{"height":65535,"width":65535})"), "");
}

TEST(ValidateProcess, the_console_size_is_ignored_without_a_terminal)
{
    EXPECT_EQ(process_complaint(R"(,"consoleSize":{"height":65536,"width":1})"), "");
}

TEST(ValidateProcess, ids_that_mean_none_are_refused)
{
    EXPECT_EQ(process_complaint(R"(,"user":{"uid":4294967295})"), "process.user.uid: 4294967295 means \"no id\" to the kernel");
    EXPECT_EQ(process_complaint(R"(,"user":{"gid":4294967295})"), "process.user.gid: 4294967295 means \"no id\" to the kernel");
    EXPECT_EQ(process_complaint(R"(,"user":{"additionalGids":[1,4294967295]})"),
        "process.user.additionalGids[1]: 4294967295 means \"no id\" to the kernel");
    EXPECT_EQ(process_complaint(R"(,"user":{"uid":4294967294,"gid":4294967294})"), "");
}

TEST(ValidateProcess, the_umask_has_permission_bits_only)
{
    EXPECT_EQ(process_complaint(R"(,"user":{"umask":512})"), "process.user.umask: 512 is more than 511 (octal 777)");
    EXPECT_EQ(process_complaint(R"(,"user":{"umask":511})"), "");
}

TEST(ValidateProcess, groups_are_as_many_as_the_kernel_takes)
{
    std::string gids = ",\"user\":{\"additionalGids\":[0";
    for (int count = 1; count < 65536; ++count)
        gids += ",0";
    EXPECT_EQ(process_complaint(gids + "]}"), "");
    EXPECT_EQ(process_complaint(gids + ",0]}"), "process.user.additionalGids: has more than 65536 groups, which is all the kernel takes");
}

TEST(ValidateProcess, soft_limits_stay_below_hard_limits)
{
    EXPECT_EQ(process_complaint(R"(,"rlimits":[{"type":"RLIMIT_CORE","soft":0,"hard":0},{"type":"RLIMIT_NOFILE","soft":2,"hard":1}])"),
        "process.rlimits[1]: the soft limit of RLIMIT_NOFILE is above the hard limit: 2 > 1");
}

TEST(ValidateProcess, a_limit_is_given_once)
{
    EXPECT_EQ(process_complaint(R"(,"rlimits":[{"type":"RLIMIT_CORE","soft":0,"hard":0},{"type":"RLIMIT_CORE","soft":0,"hard":0}])"),
        "process.rlimits[1].type: RLIMIT_CORE is given twice");
}

TEST(ValidateProcess, an_unknown_limit_in_a_struct_is_refused)
{
    Process process;
    process.args = { "a" };
    process.cwd = "/";
    process.rlimits.push_back({ .type = "RLIMIT_ODD" });
    EXPECT_EQ(validate_process(process, "process").error().message.find("process.rlimits[0].type: must be one of"), 0U);
}

TEST(ValidateProcess, the_oom_score_has_a_range)
{
    EXPECT_EQ(process_complaint(R"(,"oomScoreAdj":1001)"), "process.oomScoreAdj: 1001 is not between -1000 and 1000");
    EXPECT_EQ(process_complaint(R"(,"oomScoreAdj":-1001)"), "process.oomScoreAdj: -1001 is not between -1000 and 1000");
    EXPECT_EQ(process_complaint(R"(,"oomScoreAdj":-1000)"), "");
}

TEST(ValidateProcess, the_scheduler_follows_sched_7)
{
    EXPECT_EQ(process_complaint(R"(,"scheduler":{"policy":"SCHED_OTHER","nice":20})"), "process.scheduler.nice: 20 is not between -20 and 19");
    EXPECT_EQ(process_complaint(R"(,"scheduler":{"policy":"SCHED_OTHER","nice":-21})"), "process.scheduler.nice: -21 is not between -20 and 19");
    EXPECT_EQ(process_complaint(R"(,"scheduler":{"policy":"SCHED_BATCH","priority":1})"),
        "process.scheduler.priority: is for SCHED_FIFO and SCHED_RR only, not for SCHED_BATCH");
    EXPECT_EQ(process_complaint(R"(,"scheduler":{"policy":"SCHED_FIFO","priority":100})"),
        "process.scheduler.priority: 100 is not between 1 and 99, as SCHED_FIFO needs it");
    EXPECT_EQ(process_complaint(R"(,"scheduler":{"policy":"SCHED_OTHER","runtime":1})"),
        "process.scheduler: runtime, deadline and period are for SCHED_DEADLINE only");
    EXPECT_EQ(process_complaint(R"(,"scheduler":{"policy":"SCHED_DEADLINE"})"), "process.scheduler.runtime: must be at least 1024 nanoseconds");
    EXPECT_EQ(process_complaint(R"(,"scheduler":{"policy":"SCHED_DEADLINE","runtime":2000,"deadline":1999})"),
        "process.scheduler.runtime: is longer than the deadline");
    EXPECT_EQ(process_complaint(R"(,"scheduler":{"policy":"SCHED_DEADLINE","runtime":2000,"deadline":3000,"period":2999})"),
        "process.scheduler.deadline: is longer than the period");
    EXPECT_EQ(
        process_complaint(R"(,"scheduler":{"policy":"SCHED_DEADLINE","runtime":2000,"deadline":3000,"period":3000,"flags":["SCHED_FLAG_RECLAIM"]})"),
        "");
    EXPECT_EQ(process_complaint(R"(,"scheduler":{"policy":"SCHED_RR","priority":99,"nice":-20})"), "");
}

TEST(ValidateProcess, the_io_priority_has_eight_levels)
{
    EXPECT_EQ(
        process_complaint(R"(,"ioPriority":{"class":"IOPRIO_CLASS_BE","priority":8})"), "process.ioPriority.priority: 8 is not between 0 and 7");
    EXPECT_EQ(
        process_complaint(R"(,"ioPriority":{"class":"IOPRIO_CLASS_BE","priority":-1})"), "process.ioPriority.priority: -1 is not between 0 and 7");
    EXPECT_EQ(process_complaint(R"(,"ioPriority":{"class":"IOPRIO_CLASS_IDLE"})"), "");
}

TEST(ValidateProcess, security_labels_have_a_shape)
{
    EXPECT_EQ(process_complaint(R"(,"apparmorProfile":"a\nb")"), "process.apparmorProfile: \"a\\nb\" is not the name of a profile");
    EXPECT_EQ(process_complaint(R"(,"apparmorProfile":"docker-default")"), "");
    EXPECT_EQ(process_complaint(R"(,"selinuxLabel":"container_t")"), "process.selinuxLabel: \"container_t\" is not a label");
    EXPECT_EQ(process_complaint(R"(,"selinuxLabel":"u:r:")"), "process.selinuxLabel: \"u:r:\" is not a label");
    EXPECT_EQ(process_complaint(R"(,"selinuxLabel":"system_u:system_r:container_t:s0:c1,c2")"), "");
    EXPECT_EQ(linux_complaint(R"(,"mountLabel":"x")"), "linux.mountLabel: \"x\" is not a label");
}

TEST(ValidateProcess, cpu_lists_of_exec_are_lists)
{
    EXPECT_EQ(process_complaint(R"(,"execCPUAffinity":{"initial":"a"})"), "process.execCPUAffinity.initial: \"a\" is not a list of CPUs");
    EXPECT_EQ(process_complaint(R"(,"execCPUAffinity":{"final":"3-1"})"), "process.execCPUAffinity.final: \"3-1\" is not a list of CPUs");
    EXPECT_EQ(process_complaint(R"(,"execCPUAffinity":{"initial":"0-1, 5","final":"8191"})"), "");
}

TEST(ValidateConfig, unknown_capabilities_are_kept_and_can_be_listed)
{
    EXPECT_EQ(process_complaint(R"(,"capabilities":{"bounding":["CAP_KILL","CAP_FLY"],"ambient":["CAP_FLY","chown"]})"), "");
    Capabilities sets;
    sets.bounding = { "CAP_KILL", "CAP_FLY" };
    sets.ambient = { "CAP_FLY", "chown" };
    EXPECT_EQ(unknown_capabilities(sets), (std::vector<std::string> { "CAP_FLY", "chown" }));
    EXPECT_EQ(capability_words().size(), 41U);
    EXPECT_EQ(capability_words()[21], "CAP_SYS_ADMIN");
    EXPECT_EQ(capability_words()[40], "CAP_CHECKPOINT_RESTORE");
}

TEST(ValidateConfig, mounts_have_a_destination)
{
    EXPECT_EQ(top_complaint(R"(,"mounts":[{"destination":""}])"), "mounts[0].destination: is empty");
    EXPECT_EQ(top_complaint(R"(,"mounts":[{"destination":"proc","type":"proc"}])"), "");
}

TEST(ValidateConfig, idmapped_mounts_follow_runc)
{
    std::string const ids = R"("uidMappings":[{"containerID":0,"hostID":1,"size":1}],"gidMappings":[{"containerID":0,"hostID":1,"size":1}])";
    EXPECT_EQ(top_complaint(R"(,"mounts":[{"destination":"/d","source":"/s","options":["rbind"],)" + ids + "}]"), "");
    EXPECT_EQ(top_complaint(R"(,"mounts":[{"destination":"/d","source":"s","options":["bind"],)" + ids + "}]"),
        "mounts[0].source: \"s\" is not an absolute path, as an idmapped mount needs it");
    EXPECT_EQ(
        top_complaint(R"(,"mounts":[{"destination":"/d","source":"/s","type":"tmpfs",)" + ids + "}]"), "mounts[0]: only bind mounts can be idmapped");
    EXPECT_EQ(
        top_complaint(R"(,"mounts":[{"destination":"/d","source":"/s","options":["bind"],"uidMappings":[{"containerID":0,"hostID":1,"size":1}]}])"),
        "mounts[0].gidMappings: is missing beside uidMappings");
    EXPECT_EQ(
        top_complaint(R"(,"mounts":[{"destination":"/d","source":"/s","options":["bind"],"gidMappings":[{"containerID":0,"hostID":1,"size":1}]}])"),
        "mounts[0].uidMappings: is missing beside gidMappings");
    EXPECT_EQ(
        top_complaint(
            R"(,"mounts":[{"destination":"/d","source":"/s","options":["bind"],"uidMappings":[{"containerID":0,"hostID":1,"size":0}],"gidMappings":[{"containerID":0,"hostID":1,"size":1}]}])"),
        "mounts[0].uidMappings[0].size: is 0");
    EXPECT_EQ(top_complaint(R"(,"mounts":[{"destination":"/d","source":"/s","options":["bind","idmap"]}])"),
        "mounts[0]: idmap without mappings takes those of the user namespace, and there is none");
    EXPECT_EQ(complaint_about(
                  { .top = R"(,"mounts":[{"destination":"/d","source":"/s","options":["bind","ridmap"]}])", .namespaces = R"({"type":"user"})" }),
        "");
}

TEST(ValidateConfig, names_need_a_uts_namespace)
{
    EXPECT_EQ(
        complaint_about({ .top = R"(,"hostname":"a")", .namespaces = "" }), "hostname: needs a uts namespace: without one it would rename the host");
    EXPECT_EQ(complaint_about({ .top = R"(,"domainname":"a")", .namespaces = "" }),
        "domainname: needs a uts namespace: without one it would rename the host");
    EXPECT_EQ(complaint_about({ .top = R"(,"hostname":"a","domainname":"b")", .namespaces = R"({"type":"uts","path":"/proc/1/ns/uts"})" }), "");
    EXPECT_EQ(complaint_about({ .top = R"(,"hostname":"","domainname":"")", .namespaces = "" }), "");
    EXPECT_EQ(top_complaint(",\"hostname\":\"" + std::string(65, 'h') + "\"").find("hostname: "), 0U);
    EXPECT_EQ(top_complaint(",\"hostname\":\"" + std::string(64, 'h') + "\""), "");
}

TEST(ValidateConfig, hooks_have_absolute_paths_and_positive_timeouts)
{
    for (std::string kind : { "prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop" }) {
        EXPECT_EQ(top_complaint(",\"hooks\":{\"" + kind + R"(":[{"path":"/a"},{"path":"b"}]})"),
            "hooks." + kind + "[1].path: \"b\" is not an absolute path");
        EXPECT_EQ(top_complaint(",\"hooks\":{\"" + kind + R"(":[{"path":"/a","timeout":0}]})"),
            "hooks." + kind + "[0].timeout: 0 is not a positive number of seconds");
    }
    EXPECT_EQ(top_complaint(R"(,"hooks":{"poststop":[{"path":"/a","timeout":1}]})"), "");
}

TEST(ValidateConfig, annotations_have_names)
{
    EXPECT_EQ(top_complaint(R"(,"annotations":{"":"x"})"), "annotations: has an entry without a name");
    EXPECT_EQ(top_complaint(R"(,"annotations":{"x":""})"), "");
}

TEST(ValidateLinux, a_namespace_is_listed_once)
{
    EXPECT_EQ(complaint_about({ .namespaces = R"({"type":"pid"},{"type":"mount"},{"type":"pid","path":"/x"})" }),
        "linux.namespaces[2].type: the pid namespace is listed twice");
}

TEST(ValidateLinux, namespace_paths_are_absolute)
{
    EXPECT_EQ(complaint_about({ .namespaces = R"({"type":"pid","path":"x"})" }), "linux.namespaces[0].path: \"x\" is not an absolute path");
}

TEST(ValidateLinux, mappings_need_a_user_namespace)
{
    EXPECT_EQ(linux_complaint(R"(,"uidMappings":[{"containerID":0,"hostID":0,"size":1}])"), "linux.uidMappings: needs a user namespace");
    EXPECT_EQ(linux_complaint(R"(,"gidMappings":[{"containerID":0,"hostID":0,"size":1}])"), "linux.gidMappings: needs a user namespace");
}

TEST(ValidateLinux, mappings_neither_overlap_nor_overflow)
{
    EXPECT_EQ(mapping_complaint(R"([{"containerID":0,"hostID":1000,"size":10},{"containerID":10,"hostID":2000,"size":10}])"), "");
    EXPECT_EQ(mapping_complaint(R"([{"containerID":0,"hostID":1000,"size":0}])"), "linux.uidMappings[0].size: is 0");
    EXPECT_EQ(mapping_complaint(R"([{"containerID":0,"hostID":1000,"size":10},{"containerID":9,"hostID":2000,"size":10}])"),
        "linux.uidMappings[1]: overlaps the container's ids of linux.uidMappings[0]");
    EXPECT_EQ(mapping_complaint(R"([{"containerID":0,"hostID":1000,"size":10},{"containerID":10,"hostID":995,"size":6}])"),
        "linux.uidMappings[1]: overlaps the host's ids of linux.uidMappings[0]");
    EXPECT_EQ(mapping_complaint(R"([{"containerID":0,"hostID":0,"size":4294967295}])"), "");
    EXPECT_EQ(mapping_complaint(R"([{"containerID":1,"hostID":0,"size":4294967295}])"), "linux.uidMappings[0]: goes beyond the last id, 4294967294");
    EXPECT_EQ(mapping_complaint(R"([{"containerID":0,"hostID":4294967290,"size":6}])"), "linux.uidMappings[0]: goes beyond the last id, 4294967294");
    EXPECT_EQ(complaint_about({ .linux_section = R"(,"gidMappings":[{"containerID":0,"hostID":1,"size":0}])", .namespaces = R"({"type":"user"})" }),
        "linux.gidMappings[0].size: is 0");
}

TEST(ValidateLinux, mappings_are_as_many_as_the_kernel_takes)
{
    std::string mappings;
    for (int number = 0; number < 341; ++number)
        mappings += (number ? "," : "[") + std::string(R"({"size":1,"containerID":)") + std::to_string(number)
            + ",\"hostID\":" + std::to_string(number) + "}";
    EXPECT_EQ(mapping_complaint(mappings + "]"), "linux.uidMappings: has more than 340 entries, which is all the kernel takes");
}

TEST(ValidateLinux, time_offsets_need_a_new_time_namespace)
{
    std::string_view const offsets = R"(,"timeOffsets":{"boottime":{"secs":5,"nanosecs":999999999}})";
    EXPECT_EQ(linux_complaint(offsets), "linux.timeOffsets: needs a time namespace");
    EXPECT_EQ(complaint_about({ .linux_section = offsets, .namespaces = R"({"type":"time"})" }), "");
    EXPECT_EQ(complaint_about({ .linux_section = offsets, .namespaces = R"({"type":"time","path":"/x"})" }),
        "linux.timeOffsets: the time namespace is joined by path, so its clocks are set already");
    EXPECT_EQ(complaint_about({ .linux_section = R"(,"timeOffsets":{"monotonic":{"nanosecs":1000000000}})", .namespaces = R"({"type":"time"})" }),
        "linux.timeOffsets.monotonic.nanosecs: 1000000000 is a second or more");
}

TEST(ValidateLinux, devices_have_absolute_paths_and_numbers_that_exist)
{
    EXPECT_EQ(linux_complaint(R"(,"devices":[{"path":"dev/a","type":"c","major":1,"minor":1}])"),
        "linux.devices[0].path: \"dev/a\" is not an absolute path");
    EXPECT_EQ(
        linux_complaint(R"(,"devices":[{"path":"/dev/a","type":"c","major":-1,"minor":1}])"), "linux.devices[0].major: -1 is not between 0 and 4095");
    EXPECT_EQ(linux_complaint(R"(,"devices":[{"path":"/dev/a","type":"b","major":1,"minor":1048576}])"),
        "linux.devices[0].minor: 1048576 is not between 0 and 1048575");
    EXPECT_EQ(linux_complaint(R"(,"devices":[{"path":"/dev/a","type":"u","major":4095,"minor":1048575}])"), "");
}

TEST(ValidateLinux, net_devices_have_names_the_kernel_takes)
{
    EXPECT_EQ(linux_complaint(R"(,"netDevices":{"eth0":{"name":"net0"},"eth1":{}})"), "");
    EXPECT_EQ(linux_complaint(R"(,"netDevices":{"a/b":{}})").find("linux.netDevices[\"a/b\"]: is not the name of an interface"), 0U);
    EXPECT_EQ(linux_complaint(R"(,"netDevices":{"sixteen-letters-":{}})").find("linux.netDevices[\"sixteen-letters-\"]: is not the name"), 0U);
    EXPECT_EQ(linux_complaint(R"(,"netDevices":{"eth0":{"name":".."}})").find("linux.netDevices[\"eth0\"].name: \"..\" is not the name"), 0U);
    EXPECT_EQ(linux_complaint(R"(,"netDevices":{"eth0":{"name":"a b"}})").find("linux.netDevices[\"eth0\"].name: \"a b\" is not the name"), 0U);
    EXPECT_EQ(linux_complaint(R"(,"netDevices":{"eth0":{"name":"eth1"},"eth1":{}})"),
        "linux.netDevices: two devices would be called \"eth1\" in the container");
    EXPECT_EQ(complaint_about({ .linux_section = R"(,"netDevices":{"eth0":{}})", .namespaces = "" }), "linux.netDevices: needs a network namespace");
}

TEST(ValidateLinux, the_cgroups_path_does_not_lead_upwards)
{
    EXPECT_EQ(linux_complaint(R"(,"cgroupsPath":"/a/../b")"), "linux.cgroupsPath: \"/a/../b\" leads upwards with \"..\"");
    EXPECT_EQ(linux_complaint(R"(,"cgroupsPath":"..")"), "linux.cgroupsPath: \"..\" leads upwards with \"..\"");
    EXPECT_EQ(linux_complaint(R"(,"cgroupsPath":"a\nb")"), "linux.cgroupsPath: \"a\\nb\" contains a control character");
    EXPECT_EQ(linux_complaint(R"(,"cgroupsPath":"system.slice:docker:a..b")"), "");
}

TEST(ValidateLinux, masked_and_readonly_paths_are_absolute)
{
    EXPECT_EQ(linux_complaint(R"(,"maskedPaths":["/a","b"])"), "linux.maskedPaths[1]: \"b\" is not an absolute path");
    EXPECT_EQ(linux_complaint(R"(,"readonlyPaths":[""])"), "linux.readonlyPaths[0]: \"\" is not an absolute path");
}

TEST(ValidateLinux, paths_are_hidden_only_in_a_mount_namespace)
{
    EXPECT_EQ(complaint_about({ .linux_section = R"(,"maskedPaths":["/a"])", .namespaces = "" }),
        "linux.maskedPaths: needs a mount namespace: without one it would hide the host's files");
    EXPECT_EQ(complaint_about({ .linux_section = R"(,"readonlyPaths":["/a"])", .namespaces = "" }),
        "linux.readonlyPaths: needs a mount namespace: without one it would change the host's files");
}

TEST(ValidateLinux, the_rdt_class_is_one_folder)
{
    EXPECT_EQ(linux_complaint(R"(,"intelRdt":{"closID":".."})"), "linux.intelRdt.closID: \"..\" is not the name of a class of service");
    EXPECT_EQ(linux_complaint(R"(,"intelRdt":{"closID":"a/b"})"), "linux.intelRdt.closID: \"a/b\" is not the name of a class of service");
    EXPECT_EQ(linux_complaint(R"(,"intelRdt":{"memBwSchema":"L3:0=1"})"),
        "linux.intelRdt.memBwSchema: \"L3:0=1\" is not one line that begins with \"MB:\"");
    EXPECT_EQ(linux_complaint(R"(,"intelRdt":{"closID":"guest","memBwSchema":"MB:0=70"})"), "");
}

TEST(ValidateLinux, memory_policies_have_the_nodes_that_they_need)
{
    EXPECT_EQ(linux_complaint(R"(,"memoryPolicy":{"mode":"MPOL_BIND"})"), "linux.memoryPolicy.nodes: is missing, and MPOL_BIND needs nodes");
    EXPECT_EQ(linux_complaint(R"(,"memoryPolicy":{"mode":"MPOL_LOCAL","nodes":"0"})"), "linux.memoryPolicy.nodes: MPOL_LOCAL takes no nodes");
    EXPECT_EQ(linux_complaint(R"(,"memoryPolicy":{"mode":"MPOL_BIND","nodes":"1024"})"),
        "linux.memoryPolicy.nodes: \"1024\" is not a list of memory nodes");
    EXPECT_EQ(linux_complaint(R"(,"memoryPolicy":{"mode":"MPOL_BIND","nodes":"0","flags":["MPOL_F_STATIC_NODES","MPOL_F_RELATIVE_NODES"]})"),
        "linux.memoryPolicy.flags: MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each other");
    EXPECT_EQ(linux_complaint(R"(,"memoryPolicy":{"mode":"MPOL_PREFERRED"})"), "");
    EXPECT_EQ(linux_complaint(R"(,"memoryPolicy":{"mode":"MPOL_INTERLEAVE","nodes":"0-1"})"), "");
}

TEST(ValidateSysctl, ipc_sysctls_need_an_ipc_namespace)
{
    for (std::string name : { "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall", "kernel.shmmax", "kernel.shmmni",
             "kernel.shm_rmid_forced", "fs.mqueue.msg_max", "kernel/sem", "fs/mqueue/msg_max" }) {
        auto sysctl = ",\"sysctl\":{\"" + name + "\":\"1\"}";
        EXPECT_EQ(linux_complaint(sysctl), "") << name;
        EXPECT_EQ(complaint_about({ .linux_section = sysctl, .namespaces = "" }),
            "linux.sysctl[\"" + name + "\"]: needs an ipc namespace: without one it would change the host");
    }
}

TEST(ValidateSysctl, net_sysctls_need_a_network_namespace)
{
    std::string_view const sysctl = R"(,"sysctl":{"net/ipv4/ip_forward":"1","net.ipv4.conf.eth0/1.forwarding":"1"})";
    std::string const objection
        = "linux.sysctl[\"net.ipv4.conf.eth0/1.forwarding\"]: needs a network namespace: without one it would change the host";
    EXPECT_EQ(linux_complaint(sysctl), "");
    EXPECT_EQ(complaint_about({ .linux_section = sysctl, .namespaces = "" }), objection);
    EXPECT_EQ(complaint_about({ .linux_section = sysctl, .namespaces = R"({"type":"network","path":"/proc/self/ns/net"})" }), objection);
    EXPECT_EQ(complaint_about({ .linux_section = sysctl, .namespaces = R"({"type":"network","path":"/run/netns/a"})" }), "");
}

TEST(ValidateSysctl, names_of_the_host_are_set_by_their_members)
{
    EXPECT_EQ(linux_complaint(R"(,"sysctl":{"kernel.domainname":"d"})"), "");
    EXPECT_EQ(complaint_about({ .linux_section = R"(,"sysctl":{"kernel.domainname":"d"})", .namespaces = "" }),
        "linux.sysctl[\"kernel.domainname\"]: needs a uts namespace: without one it would change the host");
    EXPECT_EQ(linux_complaint(R"(,"sysctl":{"kernel.hostname":"d"})"), "linux.sysctl[\"kernel.hostname\"]: is what the member hostname sets");
}

TEST(ValidateSysctl, everything_else_belongs_to_the_host)
{
    for (std::string name : { "kernel.core_pattern", "vm.swappiness", "fs.file-max", "kernel/core_pattern", "network.x", "net" })
        EXPECT_EQ(linux_complaint(",\"sysctl\":{\"" + name + "\":\"1\"}"),
            "linux.sysctl[\"" + name + "\"]: belongs to no namespace: it would change the host");
}

TEST(ValidateSysctl, names_do_not_leave_their_folder)
{
    for (std::string name : { "", ".", "net..ipv4", "net/../kernel/core_pattern", "net.//.kernel.core_pattern", "/net/ipv4", "net.", "net/./x" })
        EXPECT_EQ(linux_complaint(",\"sysctl\":{\"" + name + "\":\"1\"}"), "linux.sysctl[\"" + name + "\"]: is not the name of a sysctl");
}

TEST(ValidateSysctl, both_forms_name_the_same_file)
{
    EXPECT_EQ(sysctl_path("net.ipv4.conf.eth0/1.forwarding"), "net/ipv4/conf/eth0.1/forwarding");
    EXPECT_EQ(sysctl_path("net/ipv4/conf/eth0.1/forwarding"), "net/ipv4/conf/eth0.1/forwarding");
    EXPECT_EQ(sysctl_path("kernel"), "kernel");
    EXPECT_EQ(sysctl_path("a/../b"), std::nullopt);
}

TEST(ValidateSeccomp, a_filter_that_cannot_be_made_is_refused)
{
    auto complaint
        = [](std::string_view members) { return linux_complaint(",\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ERRNO\"" + std::string(members) + "}"); };
    EXPECT_EQ(complaint(""), "");
    EXPECT_EQ(linux_complaint(R"(,"seccomp":{"defaultAction":"SCMP_ACT_NOTIFY"})"),
        "linux.seccomp.defaultAction: SCMP_ACT_NOTIFY cannot be the default: the runtime could not finish its own work");
    EXPECT_EQ(complaint(R"(,"defaultErrnoRet":65536)"), "linux.seccomp.defaultErrnoRet: 65536 is more than 65535");
    EXPECT_EQ(complaint(R"(,"syscalls":[{"names":[],"action":"SCMP_ACT_ALLOW"}])"), "linux.seccomp.syscalls[0].names: is empty");
    EXPECT_EQ(complaint(R"(,"syscalls":[{"names":["read",""],"action":"SCMP_ACT_ALLOW"}])"), "linux.seccomp.syscalls[0].names[1]: is empty");
    EXPECT_EQ(complaint(R"(,"syscalls":[{"names":["read"],"action":"SCMP_ACT_ERRNO","errnoRet":65536}])"),
        "linux.seccomp.syscalls[0].errnoRet: 65536 is more than 65535");
    EXPECT_EQ(complaint(R"(,"syscalls":[{"names":["read"],"action":"SCMP_ACT_ALLOW","args":[{"index":6,"value":0,"op":"SCMP_CMP_EQ"}]}])"),
        "linux.seccomp.syscalls[0].args[0].index: 6 is not between 0 and 5: a system call has six arguments");
    EXPECT_EQ(complaint(R"(,"syscalls":[{"names":["mkdir"],"action":"SCMP_ACT_NOTIFY"}])"),
        "linux.seccomp.listenerPath: is missing, and SCMP_ACT_NOTIFY needs a listener");
    EXPECT_EQ(complaint(R"(,"listenerPath":"/l","syscalls":[{"names":["mkdir"],"action":"SCMP_ACT_NOTIFY"}])"), "");
    EXPECT_EQ(complaint(R"(,"listenerPath":"/l","syscalls":[{"names":["mkdir","write"],"action":"SCMP_ACT_NOTIFY"}])")
                  .find("linux.seccomp.syscalls[0].names[1]: write cannot be sent"),
        0U);
    EXPECT_EQ(complaint(R"(,"listenerMetadata":"m")"), "linux.seccomp.listenerMetadata: is given without listenerPath");
}

TEST(ValidateSeccomp, words_in_a_struct_are_checked_as_well)
{
    auto config = MUST(parse_config(test::config_text({ .linux_section = R"(,"seccomp":{"defaultAction":"SCMP_ACT_ERRNO"})" })));
    auto complaint = [&](auto change) {
        Config changed = config;
        change(changed);
        auto message = validate_config(changed).error().message;
        return message.substr(0, message.find(" one of"));
    };
    EXPECT_EQ(complaint([](Config& c) { c.linux_section.seccomp->default_action = "x"; }), "linux.seccomp.defaultAction: must be");
    EXPECT_EQ(complaint([](Config& c) { c.linux_section.seccomp->architectures = { "x" }; }), "linux.seccomp.architectures[0]: must be");
    EXPECT_EQ(complaint([](Config& c) { c.linux_section.seccomp->flags = { "x" }; }), "linux.seccomp.flags[0]: must be");
    EXPECT_EQ(complaint([](Config& c) { c.linux_section.seccomp->syscalls = { { .names = { "a" }, .action = "x" } }; }),
        "linux.seccomp.syscalls[0].action: must be");
    EXPECT_EQ(complaint([](Config& c) { c.linux_section.rootfs_propagation = "x"; }), "linux.rootfsPropagation: must be");
    EXPECT_EQ(complaint([](Config& c) { c.linux_section.personality = Personality { .domain = "x" }; }), "linux.personality.domain: must be");
    EXPECT_EQ(complaint([](Config& c) { c.linux_section.memory_policy = MemoryPolicy { .mode = "x" }; }), "linux.memoryPolicy.mode: must be");
}

TEST(ValidateResources, values_have_their_ranges)
{
    EXPECT_EQ(resources_complaint(R"({"memory":{"limit":-2}})"), "memory.limit: -2 is not a number of bytes, nor -1 for no limit");
    EXPECT_EQ(resources_complaint(R"({"memory":{"swap":-1,"kernelTCP":-9}})"), "memory.kernelTCP: -9 is not a number of bytes, nor -1 for no limit");
    EXPECT_EQ(resources_complaint(R"({"memory":{"swappiness":101}})"), "memory.swappiness: 101 is not between 0 and 100");
    EXPECT_EQ(resources_complaint(R"({"cpu":{"idle":2}})"), "cpu.idle: 2 is neither 0 nor 1");
    EXPECT_EQ(resources_complaint(R"({"cpu":{"cpus":"0\n1"}})"), "cpu.cpus: \"0\\n1\" is not a list of CPUs");
    EXPECT_EQ(resources_complaint(R"({"cpu":{"mems":"0\n1"}})"), "cpu.mems: \"0\\n1\" is not a list of memory nodes");
    EXPECT_EQ(
        resources_complaint(R"({"blockIO":{"weightDevice":[{"major":8,"minor":0}]}})"), "blockIO.weightDevice[0]: has neither weight nor leafWeight");
    EXPECT_EQ(resources_complaint(R"({"blockIO":{"weight":0}})"), ""); // as Docker writes it
    EXPECT_EQ(resources_complaint(R"({"hugepageLimits":[{"pageSize":"2M","limit":1}]})"), "hugepageLimits[0].pageSize: \"2M\" is not a page size");
    EXPECT_EQ(
        resources_complaint(R"({"hugepageLimits":[{"pageSize":"../2MB","limit":1}]})"), "hugepageLimits[0].pageSize: \"../2MB\" is not a page size");
    EXPECT_EQ(resources_complaint(R"({"hugepageLimits":[{"pageSize":"64KB","limit":1},{"pageSize":"1GB","limit":1}]})"), "");
    EXPECT_EQ(
        linux_complaint(R"(,"resources":{"memory":{"limit":-2}})"), "linux.resources.memory.limit: -2 is not a number of bytes, nor -1 for no limit");
}

TEST(ValidateResources, names_cannot_leave_the_group_or_the_line)
{
    for (std::string name : { "", "memory", "../memory.high", "a/b.c", ".hidden", "memory.\\nhigh" })
        EXPECT_EQ(
            resources_complaint("{\"unified\":{\"" + name + "\":\"1\"}}"), "unified[\"" + name + "\"]: is not the name of a control group's file");
    EXPECT_EQ(resources_complaint(R"({"unified":{"memory.high":"1","hugetlb.2MB.max":"1"}})"), "");
    EXPECT_EQ(resources_complaint(R"({"rdma":{"a b":{}}})"), "rdma[\"a b\"]: is not the name of a device");
    EXPECT_EQ(resources_complaint(R"({"network":{"priorities":[{"name":"a b","priority":1}]}})"),
        "network.priorities[0].name: \"a b\" is not the name of an interface");
}

TEST(NumberLists, name_numbers_in_order_and_once)
{
    EXPECT_EQ(numbers_of_list("3,0-1,1", 10), (std::vector<std::uint32_t> { 0, 1, 3 }));
    EXPECT_EQ(numbers_of_list(" 2 - 3 , 5 ", 10), (std::vector<std::uint32_t> { 2, 3, 5 }));
    EXPECT_EQ(numbers_of_list("10", 10), (std::vector<std::uint32_t> { 10 }));
    for (auto const* wrong : { "", ",", "1,", "-", "1-", "-1", "2-1", "11", "0-11", "a", "1 2", "1--2", "99999999999" })
        EXPECT_EQ(numbers_of_list(wrong, 10), std::nullopt) << wrong;
}

TEST(NumberLists, of_hostile_length_are_refused)
{
    std::string list = "0-8191";
    while (list.size() < 1'000'000)
        list += ",0-8191";
    EXPECT_EQ(numbers_of_list(list, largest_cpu), std::nullopt);
}

} // namespace
} // namespace bulkhead::oci
