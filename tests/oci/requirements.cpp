#include "requirements.h"

namespace conformance {

namespace {

using enum Level;

constexpr std::string_view bundle = "1. bundle.md";
constexpr std::string_view life = "2. runtime.md: state and lifecycle";
constexpr std::string_view operations = "3. runtime.md: operations";
constexpr std::string_view config = "4. config.md: version, root, extensibility, annotations";
constexpr std::string_view mounts = "5. config.md: mounts";
constexpr std::string_view process = "6. config.md: process, user, host name";
constexpr std::string_view hooks = "7. config.md: hooks";
constexpr std::string_view spaces = "8. config-linux.md: namespaces, user mappings, time offsets";
constexpr std::string_view devices = "9. config-linux.md, runtime-linux.md: file systems, devices, descriptors";
constexpr std::string_view groups = "10. config-linux.md: control groups";
constexpr std::string_view kernel = "11. config-linux.md: intelRdt, sysctl, memory policy, network devices";
constexpr std::string_view filter = "12. config-linux.md: seccomp";
constexpr std::string_view paths = "13. config-linux.md: propagation, masked and read-only paths, labels, personality";
constexpr std::string_view features = "14. features.md, features-linux.md";
constexpr std::string_view command_line = "15. Beyond the specification: what engines rely on";

constexpr Requirement table[] = {
    // --- bundle.md
    { "R-1.1", must, "1.0", bundle, "config.json must lie in the root of the bundle folder, under that name: create without it is an error" },
    { "R-1.2", must, "1.0", bundle, "a bundle in transport includes config.json", "concerns whoever packs bundles" },

    // --- runtime.md: state and lifecycle
    { "R-2.1", must, "1.0", life, "whoever created a container can use every operation on it" },
    { "R-2.2", must, "1.0", life, "the state has ociVersion, in the form of a semantic version" },
    { "R-2.3", must, "1.0", life, "the state has the id given to create" },
    { "R-2.4", must, "1.0", life, "ids are unique on the host: a second container of the same id is an error and leaves the first alone" },
    { "R-2.5", must, "1.0", life, "the state has a status: creating, created, running or stopped; other words only for other states" },
    { "R-2.6", must, "1.0", life, "while created or running the state has the pid of the container process as the host sees it" },
    { "R-2.7", must, "1.0", life, "the state has the absolute path of the bundle" },
    { "R-2.8", must, "1.0", life, "the state has the annotations of the config" },
    { "R-2.9", must, "1.0", life, "the state is one JSON object with these types" },
    { "R-2.10", must, "1.0", life, "create makes the environment that the config describes, or is an error" },
    { "R-2.11", must, "1.0", life, "the user's program does not run before start" },
    { "R-2.12", must, "1.0", life, "a change of config.json after create has no effect on the container" },
    { "R-2.13", must, "1.0", life, "a failing prestart hook is an error and the container is destroyed" },
    { "R-2.14", must, "1.0.2", life, "a failing createRuntime hook is an error and the container is destroyed" },
    { "R-2.15", must, "1.0.2", life, "a failing createContainer hook is an error and the container is destroyed" },
    { "R-2.16", must, "1.0.2", life, "a failing startContainer hook is an error, and the user's program never runs" },
    { "R-2.17", must, "1.0", life, "start runs the program that process describes" },
    { "R-2.18", must, "1.2", life, "a failing poststart hook is an error and stops the container (up to 1.1: only a warning)" },
    { "R-2.19", must, "1.0", life, "deleting undoes what creating did: state, control groups, processes, mounts" },
    { "R-2.20", must, "1.0", life, "poststop hooks are called when the container is deleted" },
    { "R-2.21", must, "1.0", life, "a failing poststop hook stops neither the other hooks nor the deletion" },
    { "R-2.22", must, "1.0", life,
        "after an error the environment is as if nothing was tried: a failed create leaves no container, control group or process" },
    { "R-2.23", must, "1.0", life, "a logged warning does not change the flow of the operation", "how a warning is logged is left to the runtime" },
    { "R-2.24", must, "1.0", life, "once its process ended, for whatever reason, a container is stopped" },

    // --- runtime.md: operations
    { "R-3.1", must, "1.0", operations, "state without an id is an error" },
    { "R-3.2", must, "1.0", operations, "state of an unknown container is an error" },
    { "R-3.3", must, "1.0", operations, "state returns the state" },
    { "R-3.4", must, "1.0", operations, "create without an id is an error" },
    { "R-3.5", must, "1.0", operations, "create with an invalid id is an error (empty, with a slash, or ..)" },
    { "R-3.6", must, "1.0", operations, "create applies every property except process: the namespaces and the root exist" },
    { "R-3.7", must, "1.0", operations, "process.args is not applied before start" },
    { "R-3.8", must, "1.0", operations, "a property that cannot be applied is an error and no container is created" },
    { "R-3.9", must, "1.0", operations, "after create the status is created" },
    { "R-3.10", must, "1.0", operations, "start without an id is an error" },
    { "R-3.11", must, "1.0", operations, "start of an unknown container is an error" },
    { "R-3.12", must, "1.0", operations, "start of a running container is an error and has no effect" },
    { "R-3.13", must, "1.0", operations, "start of a stopped container is an error and has no effect" },
    { "R-3.14", must, "1.0", operations, "after start the status is running" },
    { "R-3.15", must, "1.0", operations, "a config without process cannot be started" },
    { "R-3.16", must, "1.0", operations, "kill without an id is an error" },
    { "R-3.17", must, "1.0", operations, "kill of a stopped container is an error" },
    { "R-3.18", must, "1.0", operations, "kill sends the signal it was given to the container process" },
    { "R-3.19", must, "1.0", operations, "kill reaches a container that was created and not yet started" },
    { "R-3.20", must, "1.0", operations, "delete without an id is an error" },
    { "R-3.21", must, "1.0", operations, "delete of an unknown container is an error" },
    { "R-3.22", must, "1.0", operations, "delete of a running container is an error and has no effect" },
    { "R-3.23", must, "1.0", operations, "delete of a created container is an error and has no effect" },
    { "R-3.24", must, "1.0", operations, "delete removes what create made" },
    { "R-3.25", must, "1.0", operations, "delete leaves alone what create did not make: the bundle, bind sources, namespaces joined by path" },
    { "R-3.26", may, "1.0", operations, "the id of a deleted container can be used again" },
    { "R-3.27", must, "1.0", operations, "kill of an unknown container is an error" },

    // --- config.md: version, root, extensibility, annotations
    { "R-4.1", must, "1.0", config, "ociVersion is required and must be a semantic version: without it, or with another text, create is an error" },
    { "R-4.2", must, "1.0", config, "configs of every released 1.x up to the version that the runtime claims are accepted" },
    { "R-4.3", must, "1.0", config, "a config of another major version is an unsupported value: an error" },
    { "R-4.4", must, "1.0", config, "root is required" },
    { "R-4.5", must, "1.0", config, "root.path is absolute, or relative to the bundle and not to the runtime's working directory" },
    { "R-4.6", must, "1.0", config, "root.path must be a folder that exists" },
    { "R-4.7", must, "1.0", config, "root.readonly makes the root file system read-only inside" },
    { "R-4.8", must, "1.0", config, "without root.readonly the root file system is writable" },
    { "R-4.9", must, "1.0", config, "unknown properties, at any depth, are ignored" },
    { "R-4.10", must, "1.0", config, "invalid values are an error: broken JSON, wrong types" },
    { "R-4.11", must, "1.0", config, "annotation values must be strings" },
    { "R-4.12", must, "1.0", config, "annotation keys must not be empty" },
    { "R-4.13", must, "1.0", config, "unknown annotation keys, in the reserved namespace too, are accepted" },
    { "R-4.14", should, "1.0", config, "annotation keys use reverse domain notation", "concerns whoever writes configs" },
    { "R-4.15", must, "1.0", config, "Windows, Solaris, VM, FreeBSD and z/OS sections", "concern other platforms" },

    // --- config.md: mounts
    { "R-5.1", must, "1.0", mounts, "mounts are made in the listed order" },
    { "R-5.2", must, "1.2", mounts, "a relative destination counts from the container's /" },
    { "R-5.3", must, "1.0", mounts, "a relative source of a bind mount counts from the bundle" },
    { "R-5.4", must, "1.0", mounts, "a bind mount can bring a folder or a single file" },
    { "R-5.5", must, "1.0", mounts, "a mount is a bind mount by its option bind or rbind, whatever its type says" },
    { "R-5.6", must, "1.0", mounts, "destination is required" },
    { "R-5.7", must, "1.0", mounts, "a bind source that does not exist is an error" },
    { "R-5.8", must, "1.0", mounts, "a file system type that the kernel does not know is an error" },
    { "R-5.10", must, "1.0", mounts, "options ro, rw; of opposite options the later one wins, here and below" },
    { "R-5.11", must, "1.0", mounts, "options nosuid, suid" },
    { "R-5.12", must, "1.0", mounts, "options nodev, dev" },
    { "R-5.13", must, "1.0", mounts, "options noexec, exec" },
    { "R-5.14", must, "1.0", mounts, "options noatime, atime" },
    { "R-5.15", must, "1.0", mounts, "options nodiratime, diratime" },
    { "R-5.16", must, "1.0", mounts, "options relatime, norelatime" },
    { "R-5.17", must, "1.0", mounts, "options strictatime, nostrictatime" },
    { "R-5.18", must, "1.0", mounts, "options sync, async" },
    { "R-5.19", must, "1.0", mounts, "option dirsync" },
    { "R-5.20", must, "1.0", mounts, "options lazytime, nolazytime" },
    { "R-5.21", must, "1.0", mounts, "options iversion, noiversion, silent, loud, defaults are known" },
    { "R-5.22", must, "1.0", mounts, "option bind takes the mount alone, rbind also those below it" },
    { "R-5.23", must, "1.0", mounts, "option remount" },
    { "R-5.24", must, "1.0", mounts, "flags on a bind mount are applied to it (ro, nosuid, nodev, noexec)" },
    { "R-5.25", must, "1.0", mounts, "propagation options private, rprivate" },
    { "R-5.26", must, "1.0", mounts, "propagation options shared, rshared" },
    { "R-5.27", must, "1.0", mounts, "propagation options slave, rslave" },
    { "R-5.28", must, "1.0", mounts, "propagation options unbindable, runbindable" },
    { "R-5.30", should, "1.1", mounts, "options nosymfollow, symfollow" },
    { "R-5.31", should, "1.1", mounts, "recursive options rro, rrw" },
    { "R-5.32", should, "1.1", mounts, "recursive options rnosuid, rsuid" },
    { "R-5.33", should, "1.1", mounts, "recursive options rnodev, rdev" },
    { "R-5.34", should, "1.1", mounts, "recursive options rnoexec, rexec" },
    { "R-5.35", should, "1.1", mounts, "recursive options rnoatime, ratime, rrelatime, rnorelatime, rstrictatime, rnostrictatime" },
    { "R-5.36", should, "1.1", mounts, "recursive options rnodiratime, rdiratime" },
    { "R-5.37", should, "1.1", mounts, "recursive options rnosymfollow, rsymfollow" },
    { "R-5.40", may, "1.1", mounts, "option tmpcopyup fills a tmpfs with what lay below, and keeps its options" },
    { "R-5.41", should, "1.2", mounts, "option idmap with uidMappings and gidMappings maps the owners of a mount" },
    { "R-5.42", must, "1.2", mounts, "option idmap without mappings and without a user namespace is an error" },
    { "R-5.43", must, "1.1", mounts, "uidMappings without gidMappings (and the other way round) is an error" },
    { "R-5.44", should, "1.2", mounts, "option ridmap maps the mounts below, too" },
    { "R-5.45", should, "1.0", mounts, "an option that is not known goes to the file system as its own data (size=, mode=, nr_inodes=)" },
    { "R-5.46", may, "1.0", mounts, "options mand, nomand (deprecated by the kernel)", "optional, and kernels since 5.15 ignore them" },

    // --- config.md: process, user, host name
    { "R-6.1", must, "1.0", process, "terminal: standard input, output and error are one pseudoterminal" },
    { "R-6.2", must, "1.0", process, "without terminal there is none" },
    { "R-6.3", must, "1.0", process, "consoleSize sets the size of the terminal" },
    { "R-6.4", must, "1.0", process, "consoleSize is ignored without terminal" },
    { "R-6.5", must, "1.0", process, "cwd is the working directory of the program" },
    { "R-6.6", must, "1.0", process, "cwd must be absolute" },
    { "R-6.7", must, "1.0", process, "env is the whole environment (a HOME that the runtime adds is tolerated)" },
    { "R-6.8", must, "1.0", process, "args needs one entry" },
    { "R-6.9", must, "1.0", process, "args[0] is found as execvp does: through PATH of env when it has no slash" },
    { "R-6.10", must, "1.0", process, "args arrive exactly, empty and odd ones too" },
    { "R-6.11", must, "1.0", process, "a program that does not exist is an error of create or start" },
    { "R-6.12", must, "1.0", process, "rlimits: an unknown type is an error" },
    { "R-6.13", must, "1.0", process, "rlimits: soft is the limit in force" },
    { "R-6.14", must, "1.0", process, "rlimits: hard is the ceiling" },
    { "R-6.15", must, "1.0", process, "rlimits: the same type twice is an error" },
    { "R-6.16", must, "1.0", process, "capabilities: effective" },
    { "R-6.17", must, "1.0", process, "capabilities: bounding" },
    { "R-6.18", must, "1.0", process, "capabilities: inheritable" },
    { "R-6.19", must, "1.0", process, "capabilities: permitted" },
    { "R-6.20", must, "1.0", process, "capabilities: ambient" },
    { "R-6.21", should, "1.1", process, "capabilities: one that is unknown or cannot be granted does not fail the container" },
    { "R-6.22", must, "1.1", process, "capabilities: one that is unknown or cannot be granted is logged as a warning" },
    { "R-6.23", must, "1.0", process, "noNewPrivileges sets no_new_privs" },
    { "R-6.24", must, "1.0", process, "without noNewPrivileges no_new_privs is not set" },
    { "R-6.25", must, "1.0", process, "oomScoreAdj is set as given" },
    { "R-6.26", must, "1.0", process, "without oomScoreAdj the value is not changed" },
    { "R-6.27", must, "1.1", process, "scheduler: policy, nice and priority are applied" },
    { "R-6.28", must, "1.1", process, "scheduler: nice and priority are 0 when not set" },
    { "R-6.29", must, "1.1", process, "scheduler: flags are applied; an unknown policy is an error" },
    { "R-6.30", must, "1.1", process, "ioPriority: class and priority are applied" },
    { "R-6.31", must, "1.1", process, "ioPriority: an unknown class is an error" },
    { "R-6.32", must, "1.2.1", process, "execCPUAffinity: final is the affinity of a process started by exec" },
    { "R-6.33", must, "1.2.1", process, "execCPUAffinity does not concern the container's first process" },
    { "R-6.34", must, "1.2.1", process, "execCPUAffinity: initial is where the runtime's process runs before it joins the control group",
        "over before the program begins" },
    { "R-6.35", must, "1.0", process, "user: uid and gid" },
    { "R-6.36", must, "1.0", process, "user: additionalGids are the supplementary groups" },
    { "R-6.37", must, "1.0.2", process, "user: umask" },
    { "R-6.38", should, "1.0.2", process, "user: without umask the program has that of the caller, or the usual 0022" },
    { "R-6.39", must, "1.0", process, "hostname is seen inside, and not outside" },
    { "R-6.40", must, "1.1", process, "domainname is seen inside, and not outside" },
    { "R-6.41", must, "1.0", process, "apparmorProfile confines the process" },
    { "R-6.42", must, "1.0", process, "selinuxLabel is the label of the process" },
    { "R-6.43", must, "1.0", process, "a security label that the host cannot apply is an error" },
    { "R-6.44", must, "1.0", process, "scheduler SCHED_DEADLINE with runtime, deadline and period" },

    // --- config.md: hooks
    { "R-7.1", must, "1.0", hooks, "the path of a hook must be absolute" },
    { "R-7.2", must, "1.0", hooks, "the args of a hook are its whole argv, args[0] too" },
    { "R-7.3", must, "1.0", hooks, "the env of a hook is its whole environment" },
    { "R-7.4", must, "1.0", hooks, "a timeout must be greater than zero" },
    { "R-7.5", must, "1.0", hooks, "a timeout ends the hook, and counts as its failure" },
    { "R-7.6", must, "1.0", hooks, "hooks of one kind run in the listed order" },
    { "R-7.7", must, "1.0", hooks, "every hook reads the state on standard input: id, bundle, version, annotations" },
    { "R-7.8", must, "1.0", hooks, "prestart hooks run in the runtime's namespaces, before createRuntime hooks" },
    { "R-7.9", must, "1.0.2", hooks, "createRuntime hooks run in the runtime's namespaces, within create, when the container's namespaces exist" },
    { "R-7.10", must, "1.0.2", hooks,
        "createContainer hooks run after createRuntime hooks, within create, in the container's namespaces, before the root changes" },
    { "R-7.11", must, "1.0.2", hooks, "startContainer hooks run within start, before the program, in the container's namespaces and root" },
    { "R-7.12", must, "1.0", hooks, "poststart hooks run in the runtime's namespaces after the program was started and before start returns" },
    { "R-7.13", must, "1.0", hooks, "poststop hooks run in the runtime's namespaces after the deletion and before delete returns" },
    { "R-7.14", must, "1.0", hooks, "the status in the state fits: creating or created, running, stopped" },
    { "R-7.15", must, "1.0.2", hooks, "pid in the state is as the hook's own namespace sees it" },
    { "R-7.16", must, "1.0", hooks, "a hook whose program does not exist fails" },
    { "R-7.17", should, "1.0", hooks, "a hook without env does not inherit the runtime's own environment" },

    // --- config-linux.md: namespaces, user mappings, time offsets
    { "R-8.1", must, "1.0", spaces, "a pid namespace without path is new" },
    { "R-8.2", must, "1.0", spaces, "a network namespace without path is new" },
    { "R-8.3", must, "1.0", spaces, "a mount namespace without path is new" },
    { "R-8.4", must, "1.0", spaces, "an ipc namespace without path is new" },
    { "R-8.5", must, "1.0", spaces, "a uts namespace without path is new" },
    { "R-8.6", must, "1.0", spaces, "a user namespace without path is new" },
    { "R-8.7", must, "1.0", spaces, "a cgroup namespace without path is new, and hides the path above" },
    { "R-8.8", must, "1.1", spaces, "a time namespace without path is new" },
    { "R-8.9", must, "1.0", spaces, "a namespace with path is joined: network, ipc, uts" },
    { "R-8.10", must, "1.0", spaces, "a pid namespace with path is joined" },
    { "R-8.11", must, "1.0", spaces, "a path to a namespace of another type is an error" },
    { "R-8.12", must, "1.0", spaces, "a relative path is an error" },
    { "R-8.13", must, "1.0", spaces, "a type that is not listed is inherited from the runtime" },
    { "R-8.14", must, "1.0", spaces, "the same type twice is an error" },
    { "R-8.15", must, "1.0", spaces, "an unknown type is an error" },
    { "R-8.16", must, "1.0", spaces, "a path that does not exist is an error" },
    { "R-8.17", must, "1.0", spaces, "uidMappings and gidMappings are the maps of the user namespace" },
    { "R-8.18", should, "1.0", spaces, "the mapping changes no ownership in the root file system" },
    { "R-8.19", must, "1.1", spaces, "timeOffsets shift the monotonic and boot time clocks" },
    { "R-8.20", must, "1.0", spaces, "a user namespace with path is joined" },
    { "R-8.21", must, "1.0", spaces, "a cgroup namespace with path is joined" },

    // --- config-linux.md, runtime-linux.md: file systems, devices, descriptors
    { "R-9.1", should, "1.0", devices, "/proc, /sys, /dev/pts and /dev/shm are there with the right types" },
    { "R-9.2", must, "1.0", devices, "configured devices exist with their type and numbers" },
    { "R-9.3", must, "1.0", devices, "configured devices have fileMode, uid and gid" },
    { "R-9.4", must, "1.0", devices, "a file in the place of a device that does not match it is an error" },
    { "R-9.5", may, "1.0", devices, "devices may lie outside /dev" },
    { "R-9.6", must, "1.0", devices, "type p is a pipe and needs no numbers; type u is c" },
    { "R-9.7", must, "1.0", devices, "major and minor are required unless the type is p" },
    { "R-9.8", must, "1.0", devices, "/dev/null, zero, full, random, urandom and tty are supplied, usable by anyone" },
    { "R-9.9", must, "1.0", devices, "/dev/console is the terminal when there is one" },
    { "R-9.10", must, "1.0", devices, "/dev/ptmx leads to the container's own /dev/pts/ptmx" },
    { "R-9.11", must, "1.0", devices, "/dev/fd, stdin, stdout and stderr are links into /proc/self/fd" },
    { "R-9.12", must, "1.0", devices, "only standard input, output and error are open in the program" },
    { "R-9.13", must, "1.0", devices, "an unknown device type is an error" },
    { "R-9.14", must, "1.0", devices, "device nodes that are not listed cannot be used" },
    { "R-9.15", may, "1.0", devices, "more descriptors may be passed, as LISTEN_FDS asks" },

    // --- config-linux.md: control groups
    { "R-10.1", must, "1.0", groups, "an absolute cgroupsPath counts from the mount point of the control groups" },
    { "R-10.2", must, "1.0", groups, "the same cgroupsPath leads to the same place again" },
    { "R-10.3", may, "1.0", groups, "a relative cgroupsPath leads to one place of the runtime's choice" },
    { "R-10.4", may, "1.0", groups, "without cgroupsPath the runtime chooses a place of its own for the container" },
    { "R-10.5", must, "1.0", groups, "the container process is in the group before its program runs" },
    { "R-10.6", must, "1.0", groups, "the device list is applied in order: a later entry wins" },
    { "R-10.7", must, "1.0", groups, "the device list tells read and write apart" },
    { "R-10.8", must, "1.0", groups, "the device list: type a, and entries without numbers, mean all" },
    { "R-10.9", must, "1.0", groups, "memory.limit" },
    { "R-10.10", must, "1.0", groups, "memory.limit is enforced: who takes more is killed" },
    { "R-10.11", must, "1.0", groups, "memory.reservation" },
    { "R-10.12", must, "1.0", groups, "memory.swap" },
    { "R-10.13", must, "1.0", groups, "memory.swappiness" },
    { "R-10.14", must, "1.0", groups, "memory.disableOOMKiller" },
    { "R-10.15", must, "1.0", groups, "memory: -1 is unlimited" },
    { "R-10.16", must, "1.0", groups, "memory.kernelTCP" },
    { "R-10.17", must, "1.1", groups, "memory.checkBeforeUpdate refuses a limit below the usage" },
    { "R-10.18", must, "1.0", groups, "cpu.shares" },
    { "R-10.19", must, "1.0", groups, "cpu.quota and cpu.period" },
    { "R-10.20", must, "1.1", groups, "cpu.burst" },
    { "R-10.21", must, "1.1", groups, "cpu.idle" },
    { "R-10.22", must, "1.0", groups, "cpu.cpus and cpu.mems" },
    { "R-10.23", must, "1.0", groups, "cpu.realtimeRuntime and realtimePeriod" },
    { "R-10.24", must, "1.0", groups, "blockIO: throttling of reads and writes by bytes and by operations" },
    { "R-10.25", must, "1.0", groups, "blockIO: weight" },
    { "R-10.26", must, "1.0", groups, "hugepageLimits" },
    { "R-10.27", must, "1.0", groups, "network: classID and priorities" },
    { "R-10.28", must, "1.0", groups, "pids.limit" },
    { "R-10.29", must, "1.0", groups, "pids.limit is enforced" },
    { "R-10.30", must, "1.0.2", groups, "rdma" },
    { "R-10.31", must, "1.0.2", groups, "unified: the files are written, unknown ones too" },
    { "R-10.32", must, "1.0.2", groups, "unified: a controller that is absent is an error" },
    { "R-10.33", must, "1.0", groups, "a limit whose controller is absent is an error, not silence" },
    { "R-10.34", should, "1.1", groups, "the owner of the control group stays root on version 1" },
    { "R-10.35", must, "1.1", groups, "on version 2 the group is handed over to a user namespace's root, with the files that the kernel lists" },
    { "R-10.36", must, "1.1", groups, "a frozen or occupied control group is an error, where the runtime looks", "looking is optional" },
    { "R-10.37", must, "1.0", groups, "blockIO.weightDevice sets weights by device", "the block layer here has no weights on version 1" },
    { "R-10.38", must, "1.0", groups, "a cgroup mount shows the container's own groups, and is read-only with ro" },

    // --- config-linux.md: intelRdt, sysctl, memory policy, network devices
    { "R-11.1", must, "1.0", kernel, "intelRdt without a mounted resctrl is an error" },
    { "R-11.2", must, "1.0", kernel, "intelRdt: the process is in the group of closID, and its schemata are written" },
    { "R-11.3", must, "1.0", kernel, "intelRdt: an existing group with other schemata is an error" },
    { "R-11.4", must, "1.0", kernel, "without intelRdt no resctrl is touched" },
    { "R-11.5", must, "1.0", kernel, "sysctl values are set, with dots or slashes in their names" },
    { "R-11.6", must, "1.0", kernel, "a sysctl that does not exist is an error" },
    { "R-11.7", must, "1.0", kernel, "a sysctl of the whole host is refused" },
    { "R-11.8", must, "1.3", kernel, "memoryPolicy: mode and nodes are applied" },
    { "R-11.9", must, "1.3", kernel, "memoryPolicy: an unknown mode is an error" },
    { "R-11.10", must, "1.3", kernel, "netDevices are moved into the container's network namespace, renamed, and are up" },
    { "R-11.11", must, "1.3", kernel, "netDevices keep their attributes: MTU, addresses" },
    { "R-11.12", must, "1.3", kernel, "netDevices: an absent device is an error" },
    { "R-11.13", must, "1.3", kernel, "netDevices: a name that is taken inside is an error" },

    // --- config-linux.md: seccomp
    { "R-12.1", must, "1.0", filter, "defaultAction decides for every call without a rule" },
    { "R-12.2", must, "1.0", filter, "SCMP_ACT_ERRNO: EPERM when no errnoRet is given" },
    { "R-12.3", must, "1.0.2", filter, "errnoRet is the errno returned" },
    { "R-12.4", must, "1.1", filter, "defaultErrnoRet is the errno of the default action" },
    { "R-12.5", must, "1.0.2", filter, "errnoRet with an action that has none is an error" },
    { "R-12.6", must, "1.0", filter, "architectures: known ones are accepted, an unknown one is an error" },
    { "R-12.7", must, "1.0.2", filter, "flags: a known one works or is refused aloud, an unknown one is an error" },
    { "R-12.8", must, "1.0", filter, "SCMP_ACT_KILL and KILL_THREAD end the thread" },
    { "R-12.9", must, "1.0.2", filter, "SCMP_ACT_KILL_PROCESS ends the process" },
    { "R-12.10", must, "1.0", filter, "SCMP_ACT_TRAP sends SIGSYS" },
    { "R-12.11", must, "1.0", filter, "SCMP_ACT_TRACE without a tracer is ENOSYS" },
    { "R-12.12", must, "1.0", filter, "SCMP_ACT_LOG and ALLOW let the call pass" },
    { "R-12.13", must, "1.0", filter, "args compare: EQ, NE, LT, LE, GE, GT, MASKED_EQ" },
    { "R-12.14", must, "1.0", filter, "several args of one rule must all match" },
    { "R-12.15", must, "1.0", filter, "an unknown action or operator is an error" },
    { "R-12.16", must, "1.0", filter, "names needs one entry" },
    { "R-12.17", must, "1.1", filter, "SCMP_ACT_NOTIFY: the state and the descriptor go to listenerPath, and the listener answers calls" },
    { "R-12.18", must, "1.1", filter, "listener: a stream socket, one state per connection, closed after it" },
    { "R-12.19", must, "1.1", filter, "listener: the state has ociVersion, fds, pid, metadata and the container's state" },
    { "R-12.20", must, "1.1", filter, "listener: the descriptors come with the first message only" },
    { "R-12.21", must, "1.1", filter, "listener: a socket that cannot be reached is an error" },
    { "R-12.22", must, "1.1", filter, "listenerPath is ignored when no rule notifies" },
    { "R-12.23", must, "1.1", filter, "listenerMetadata without listenerPath is an error" },
    { "R-12.24", must, "1.1", filter, "listener: the socket is a unix stream socket", "seen by R-12.17: the driver offers nothing else" },

    // --- config-linux.md: propagation, masked and read-only paths, labels, personality
    { "R-13.1", must, "1.0", paths, "rootfsPropagation shared" },
    { "R-13.2", must, "1.0", paths, "rootfsPropagation slave" },
    { "R-13.3", must, "1.0", paths, "rootfsPropagation private" },
    { "R-13.4", must, "1.0", paths, "rootfsPropagation unbindable" },
    { "R-13.5", must, "1.0", paths, "an unknown rootfsPropagation is an error" },
    { "R-13.6", must, "1.0", paths, "maskedPaths: files and folders give nothing to read" },
    { "R-13.7", must, "1.0", paths, "maskedPaths must be absolute" },
    { "R-13.8", must, "1.0", paths, "readonlyPaths cannot be written, with what is mounted below them" },
    { "R-13.9", must, "1.0", paths, "readonlyPaths must be absolute" },
    { "R-13.10", must, "1.0", paths, "mountLabel is the SELinux context of mounts" },
    { "R-13.11", must, "1.1", paths, "personality LINUX32 is seen by uname" },
    { "R-13.12", must, "1.1", paths, "personality: an unknown domain is an error" },
    { "R-13.13", engine, "1.0", paths, "masked and read-only paths that do not exist are passed over" },
    { "R-13.14", engine, "1.0", paths, "a read-only path keeps nosuid, noexec and nodev of the mount it lies on" },

    // --- features.md, features-linux.md
    { "R-14.1", must, "1.1", features, "ociVersionMin and ociVersionMax are there, and are semantic versions" },
    { "R-14.2", must, "1.1", features, "ociVersionMax is not below ociVersionMin" },
    { "R-14.3", must, "1.1", features, "both are accepted as ociVersion of a config" },
    { "R-14.4", must, "1.1", features, "every hook kind listed is supported" },
    { "R-14.5", must, "1.1", features, "every mount option listed is recognized" },
    { "R-14.6", must, "1.1", features, "every namespace listed is recognized" },
    { "R-14.7", must, "1.1", features, "every capability listed is recognized" },
    { "R-14.8", must, "1.1", features, "every seccomp action, operator and architecture listed is recognized" },
    { "R-14.9", must, "1.1", features, "every seccomp flag listed as supported is" },
    { "R-14.10", must, "1.1", features, "there are no properties that the specification does not define" },
    { "R-14.11", must, "1.1", features, "annotations map strings to strings" },
    { "R-14.12", must, "1.2", features, "mountExtensions.idmap.enabled is true when mappings of mounts are recognized" },
    { "R-14.13", must, "1.1", features, "null is not confused with empty values", "concerns readers of the document" },
    { "R-14.14", must, "1.1", features, "properties have the types of the specification" },

    // --- what engines rely on
    { "R-15.1", engine, "1.0", command_line, "create --pid-file holds the pid of the state, and nothing else" },
    { "R-15.2", engine, "1.0", command_line, "run ends with the exit status of the program" },
    { "R-15.3", engine, "1.0", command_line, "run of a program that a signal killed ends with 128 + signal" },
    { "R-15.4", engine, "1.0", command_line, "exec ends with the exit status of the program" },
    { "R-15.5", engine, "1.0", command_line, "exec joins the container's namespaces, root and control groups" },
    { "R-15.6", engine, "1.0", command_line, "exec takes user, additionalGids and umask from the process JSON" },
    { "R-15.7", engine, "1.0", command_line, "exec takes env and cwd from the process JSON" },
    { "R-15.8", engine, "1.0", command_line, "exec takes capabilities from the process JSON" },
    { "R-15.9", engine, "1.0", command_line, "exec takes rlimits and noNewPrivileges from the process JSON" },
    { "R-15.10", engine, "1.0", command_line, "exec --tty with --console-socket gives a terminal" },
    { "R-15.11", engine, "1.0", command_line, "exec --detach --pid-file returns while the program runs" },
    { "R-15.12", engine, "1.0", command_line, "exec into a stopped or an unknown container is an error" },
    { "R-15.13", engine, "1.0", command_line, "exec of a program that does not exist is an error" },
    { "R-15.14", engine, "1.0", command_line, "exec runs under the container's seccomp filter" },
    { "R-15.15", engine, "1.0", command_line, "exec with command line words: --cwd --env --user" },
    { "R-15.16", engine, "1.0", command_line, "delete --force ends a running container; of an unknown one it succeeds" },
    { "R-15.17", engine, "1.0", command_line, "kill takes 10, USR1 and SIGUSR1; an unknown signal is an error" },
    { "R-15.18", engine, "1.0", command_line, "kill --all reaches every process of the container" },
    { "R-15.19", engine, "1.0", command_line, "list: -q and --format json name the containers" },
    { "R-15.20", engine, "1.0", command_line, "ps --format json is an array of host pids" },
    { "R-15.21", engine, "1.0", command_line, "pause and resume; the status between them is paused" },
    { "R-15.22", engine, "1.0", command_line, "update --resources - changes limits" },
    { "R-15.23", engine, "1.0", command_line, "events --stats prints JSON with cpu, memory and pids" },
    { "R-15.24", engine, "1.0", command_line, "spec writes a config.json that runs" },
    { "R-15.25", engine, "1.0", command_line, "--version begins with the name and tells the specification's version" },
    { "R-15.26", engine, "1.0", command_line, "--log FILE --log-format json: a failure is the last line, with level and msg" },
    { "R-15.27", engine, "1.0", command_line, "the error for an unknown id says \"does not exist\"" },
    { "R-15.28", engine, "1.0", command_line, "run --preserve-fds passes descriptors" },
    { "R-15.29", engine, "1.0", command_line, "run --detach returns while the program runs" },
    { "R-15.30", engine, "1.0", command_line, "a working directory that does not exist is made" },
    { "R-15.31", engine, "1.0", command_line, "a mount destination through a symbolic link stays inside the root" },
    { "R-15.32", engine, "1.0", command_line, "a mount destination that does not exist is made" },
    { "R-15.33", engine, "1.0", command_line, "an unknown command or flag is an error" },
    { "R-15.34", engine, "1.0", command_line, "two containers at once do not disturb each other" },
    { "R-15.35", engine, "1.0", command_line, "the first process dies: everything in its pid namespace dies, and delete works" },
    { "R-15.36", engine, "1.0", command_line, "delete works after the container process was killed from outside" },
    { "R-15.37", engine, "1.0", command_line, "bind mounts into a /proc or /sys replaced by a symbolic link are refused" },
    { "R-15.38", engine, "1.0", command_line, "LISTEN_FDS reaches the environment of the program with the descriptors" },
};

} // namespace

std::span<Requirement const> all_requirements()
{
    return table;
}

Requirement const* find_requirement(std::string_view number)
{
    for (auto const& requirement : table) {
        if (requirement.number == number)
            return &requirement;
    }
    return nullptr;
}

std::string_view level_name(Level level)
{
    switch (level) {
    case must:
        return "MUST";
    case should:
        return "SHOULD";
    case may:
        return "MAY";
    case engine:
        return "engine";
    }
    return "";
}

} // namespace conformance
