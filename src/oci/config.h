// config.json of the OCI runtime specification 1.0 to 1.3 as plain structs: the specification's names in our spelling,
// no behaviour. parse_config() fills them and complains with JSON paths; validate_config() holds the rules that span
// several members. Units are the specification's own (bytes, microseconds, ids) unless a member says otherwise.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bulkhead::oci {

struct IdMapping {
    std::uint32_t container_id = 0;
    std::uint32_t host_id = 0;
    std::uint32_t size = 0;
};

struct Root {
    std::string path; // as written: relative to the bundle unless absolute
    bool readonly = false;
};

struct Mount {
    std::string destination;
    std::string type;
    std::string source;
    std::vector<std::string> options;
    std::vector<IdMapping> uid_mappings;
    std::vector<IdMapping> gid_mappings;
};

struct ConsoleSize {
    std::uint32_t height = 0;
    std::uint32_t width = 0;
};

struct User {
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::optional<std::uint32_t> umask;
    std::vector<std::uint32_t> additional_gids;
};

// Names as in capabilities(7): "CAP_CHOWN". Absent sets are empty.
struct Capabilities {
    std::vector<std::string> effective;
    std::vector<std::string> bounding;
    std::vector<std::string> inheritable;
    std::vector<std::string> permitted;
    std::vector<std::string> ambient;
};

struct Rlimit {
    std::string type; // "RLIMIT_NOFILE"
    std::uint64_t soft = 0;
    std::uint64_t hard = 0;
};

struct Scheduler {
    std::string policy; // "SCHED_OTHER"
    std::int32_t nice = 0;
    std::int32_t priority = 0;
    std::vector<std::string> flags;
    std::uint64_t runtime = 0; // nanoseconds, SCHED_DEADLINE
    std::uint64_t deadline = 0; // nanoseconds
    std::uint64_t period = 0; // nanoseconds
};

struct IoPriority {
    std::string io_class; // "IOPRIO_CLASS_BE"
    std::int32_t priority = 0;
};

struct ExecCpuAffinity {
    std::string initial;
    std::string final_list;
};

struct Process {
    bool terminal = false;
    std::optional<ConsoleSize> console_size;
    User user;
    std::vector<std::string> args;
    std::string command_line; // Windows only; kept so that it can be refused
    std::vector<std::string> env;
    std::string cwd;
    std::optional<Capabilities> capabilities;
    std::vector<Rlimit> rlimits;
    bool no_new_privileges = false;
    std::string apparmor_profile;
    std::optional<std::int32_t> oom_score_adj;
    std::optional<Scheduler> scheduler;
    std::string selinux_label;
    std::optional<IoPriority> io_priority;
    std::optional<ExecCpuAffinity> exec_cpu_affinity;
};

struct Hook {
    std::string path;
    std::vector<std::string> args;
    std::vector<std::string> env;
    std::optional<std::int32_t> timeout; // seconds
};

struct Hooks {
    std::vector<Hook> prestart;
    std::vector<Hook> create_runtime;
    std::vector<Hook> create_container;
    std::vector<Hook> start_container;
    std::vector<Hook> poststart;
    std::vector<Hook> poststop;
};

enum class NamespaceType { pid, network, mount, ipc, uts, user, cgroup, time };

struct Namespace {
    NamespaceType type = NamespaceType::pid;
    std::string path; // empty: a new one
};

struct Device {
    std::string path;
    std::string type; // "c", "u", "b", "p"
    std::int64_t major = 0;
    std::int64_t minor = 0;
    std::optional<std::uint32_t> file_mode; // as written: engines add the file type's bits (S_IFMT)
    std::optional<std::uint32_t> uid;
    std::optional<std::uint32_t> gid;
};

struct NetDevice {
    std::string host_name; // key of linux.netDevices
    std::string name; // inside; empty: the same
};

struct DeviceRule {
    bool allow = false;
    std::string type; // "a", "c", "b"; empty means "a"
    std::optional<std::int64_t> major; // absent: all
    std::optional<std::int64_t> minor;
    std::string access; // of "rwm"; empty means all
};

struct MemoryResources {
    std::optional<std::int64_t> limit;
    std::optional<std::int64_t> reservation;
    std::optional<std::int64_t> swap; // memory plus swap
    std::optional<std::int64_t> kernel;
    std::optional<std::int64_t> kernel_tcp;
    std::optional<std::uint64_t> swappiness;
    std::optional<bool> disable_oom_killer;
    std::optional<bool> use_hierarchy;
    std::optional<bool> check_before_update;
};

struct CpuResources {
    std::optional<std::uint64_t> shares;
    std::optional<std::int64_t> quota;
    std::optional<std::uint64_t> burst;
    std::optional<std::uint64_t> period;
    std::optional<std::int64_t> realtime_runtime;
    std::optional<std::uint64_t> realtime_period;
    std::string cpus;
    std::string mems;
    std::optional<std::int64_t> idle;
};

struct WeightDevice {
    std::int64_t major = 0;
    std::int64_t minor = 0;
    std::optional<std::uint16_t> weight;
    std::optional<std::uint16_t> leaf_weight;
};

struct ThrottleDevice {
    std::int64_t major = 0;
    std::int64_t minor = 0;
    std::uint64_t rate = 0;
};

struct BlockIoResources {
    std::optional<std::uint16_t> weight;
    std::optional<std::uint16_t> leaf_weight;
    std::vector<WeightDevice> weight_device;
    std::vector<ThrottleDevice> throttle_read_bps;
    std::vector<ThrottleDevice> throttle_write_bps;
    std::vector<ThrottleDevice> throttle_read_iops;
    std::vector<ThrottleDevice> throttle_write_iops;
};

struct HugepageLimit {
    std::string page_size; // "2MB"
    std::uint64_t limit = 0;
};

struct InterfacePriority {
    std::string name;
    std::uint32_t priority = 0;
};

struct NetworkResources {
    std::optional<std::uint32_t> class_id;
    std::vector<InterfacePriority> priorities;
};

struct RdmaLimit {
    std::optional<std::uint32_t> hca_handles;
    std::optional<std::uint32_t> hca_objects;
};

struct Resources {
    std::vector<DeviceRule> devices;
    std::optional<MemoryResources> memory;
    std::optional<CpuResources> cpu;
    std::optional<std::int64_t> pids_limit;
    std::optional<BlockIoResources> block_io;
    std::vector<HugepageLimit> hugepage_limits;
    std::optional<NetworkResources> network;
    std::map<std::string, RdmaLimit> rdma;
    std::map<std::string, std::string> unified; // cgroup v2 file to text
};

struct SeccompArg {
    std::uint32_t index = 0;
    std::uint64_t value = 0;
    std::uint64_t value_two = 0;
    std::string op; // "SCMP_CMP_EQ"
};

struct SeccompSyscall {
    std::vector<std::string> names;
    std::string action; // "SCMP_ACT_ALLOW"
    std::optional<std::uint32_t> errno_ret;
    std::vector<SeccompArg> args;
};

struct Seccomp {
    std::string default_action;
    std::optional<std::uint32_t> default_errno_ret;
    std::vector<std::string> architectures; // "SCMP_ARCH_X86_64"
    std::vector<std::string> flags; // "SECCOMP_FILTER_FLAG_LOG"
    std::string listener_path;
    std::string listener_metadata;
    std::vector<SeccompSyscall> syscalls;
};

struct IntelRdt {
    std::string clos_id;
    std::vector<std::string> schemata;
    std::string l3_cache_schema;
    std::string mem_bw_schema;
    bool enable_monitoring = false;
};

struct Personality {
    std::string domain; // "LINUX" or "LINUX32"
    std::vector<std::string> flags;
};

struct TimeOffset {
    std::int64_t seconds = 0;
    std::uint32_t nanoseconds = 0;
};

struct MemoryPolicy {
    std::string mode; // "MPOL_BIND"
    std::string nodes;
    std::vector<std::string> flags;
};

struct LinuxSection {
    std::vector<Namespace> namespaces;
    std::vector<IdMapping> uid_mappings;
    std::vector<IdMapping> gid_mappings;
    std::map<std::string, TimeOffset> time_offsets; // "monotonic", "boottime"
    std::vector<Device> devices;
    std::vector<NetDevice> net_devices;
    std::string cgroups_path;
    std::optional<Resources> resources;
    std::optional<IntelRdt> intel_rdt;
    std::optional<MemoryPolicy> memory_policy;
    std::map<std::string, std::string> sysctl;
    std::optional<Seccomp> seccomp;
    std::string rootfs_propagation; // "", "shared", "slave", "private", "unbindable" and their r... forms
    std::vector<std::string> masked_paths;
    std::vector<std::string> readonly_paths;
    std::string mount_label;
    std::optional<Personality> personality;
};

struct Config {
    std::string oci_version;
    Root root;
    std::vector<Mount> mounts;
    std::optional<Process> process;
    std::string hostname;
    std::string domainname;
    Hooks hooks;
    std::map<std::string, std::string> annotations;
    LinuxSection linux_section;
    std::vector<std::string> unknown_members; // JSON paths that were ignored, for --debug

    Namespace const* find_namespace(NamespaceType) const; // null when the config does not list it
};

// "pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time"
std::string_view namespace_name(NamespaceType);
std::optional<NamespaceType> namespace_by_name(std::string_view);

// The text of config.json. Checks types, required members and closed sets of words; unknown members are ignored and
// listed. Does not touch the file system.
Result<Config> parse_config(std::string_view text);
// The process document of exec --process.
Result<Process> parse_process(std::string_view text);
// The resources document of update --resources.
Result<Resources> parse_resources(std::string_view text);

// Rules over several members and values that no host can honour. Does not touch the file system, so one rule is left to
// the caller: with net.* sysctls, a network namespace that is joined by path must not be the runtime's own.
Result<Unit> validate_config(Config const&);
// The part for a process alone, as exec needs it. PLACE is "process" or "" for the document.
Result<Unit> validate_process(Process const&, std::string_view place);
// The part for resources alone, as update needs it. PLACE is "linux.resources" or "" for the document.
Result<Unit> validate_resources(Resources const&, std::string_view place);

// The file of a sysctl below /proc/sys: "net.ipv4.conf.eth0/1.forwarding" and "net/ipv4/conf/eth0.1/forwarding" both
// name net/ipv4/conf/eth0.1/forwarding (sysctl.d(5)). Nothing when a part is empty, "." or "..".
std::optional<std::string> sysctl_path(std::string_view name);

// The numbers of a list such as "0-3,7" of CPUs or memory nodes, ascending; nothing when it is none or names a number
// above LARGEST.
std::optional<std::vector<std::uint32_t>> numbers_of_list(std::string_view text, std::uint32_t largest);
constexpr std::uint32_t largest_cpu = 8191; // CONFIG_NR_CPUS goes no further
constexpr std::uint32_t largest_memory_node = 1023; // CONFIG_NODES_SHIFT goes no further

} // namespace bulkhead::oci
