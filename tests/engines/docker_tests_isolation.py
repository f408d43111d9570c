"""Docker: namespaces, network, mounts, devices, identity, capabilities, seccomp."""
import json
import os
import urllib.request

from support.harness import eventually, expect, expect_equal, expect_in, test
from support.host_view import CAP_SYS_RESOURCE, host_capabilities, namespace, needs_every_capability

WEB_SERVER = "mkdir /www; echo served > /www/index.html; exec busybox httpd -f -p 8080 -h /www"


# Network

@test
def network_none_has_only_loopback(docker):
    expect_equal(docker.run("--network", "none", shell="ls /sys/class/net"), "lo")
    expect_in("LOOPBACK,UP", docker.run("--network", "none", shell="ip link show lo"))


@test
def network_host_is_the_hosts_network(docker):
    expect_equal(docker.run("--network", "host", shell="readlink /proc/self/ns/net"), namespace("self", "net"))


@test
def a_published_port_reaches_the_container(docker):
    with docker.container("-p", "127.0.0.1::8080", shell=WEB_SERVER) as name:
        address = docker("port", name, "8080")
        eventually(lambda: _fetch(f"http://{address}/") == "served\n", "the published port answers")
        inner = docker.inspect(name, ".NetworkSettings.IPAddress")
        expect_equal(_fetch(f"http://{inner}:8080/"), "served\n", "over the bridge")


def _fetch(address):
    try:
        return urllib.request.urlopen(address, timeout=3).read().decode()
    except OSError as problem:
        return f"{problem}"


@test
def one_container_reaches_another_by_name(docker):
    docker("network", "create", "together")
    try:
        with docker.container("--network", "together", "--network-alias", "web", shell=WEB_SERVER):
            out = eventually(lambda: docker.try_("run", "--rm", "--network", "together", docker.image,
                                                 "busybox", "wget", "-qO-", "http://web:8080/").out, "the other container answers")
            expect_equal(out, "served\n")
    finally:
        docker("network", "rm", "together")


@test
def hostname_hosts_and_resolver_are_written(docker):
    out = docker.run("--hostname", "given.example", "--add-host", "other:10.1.2.3", "--dns", "10.9.8.7", "--dns-search", "example",
                     shell="hostname; cat /etc/hostname; getent hosts other; cat /etc/resolv.conf")
    lines = out.splitlines()
    expect_equal(lines[:2], ["given.example"] * 2)
    expect_equal(lines[2].split(), ["10.1.2.3", "other"])
    expect_in("nameserver 10.9.8.7", lines)


# Namespaces

@test
def each_container_has_its_own_namespaces(docker):
    with docker.container() as name:
        pid = docker.pid(name)
        for kind in ("ipc", "mnt", "net", "pid", "uts"):
            expect(namespace(pid, kind) != namespace("self", kind), f"{kind} namespace is the host's")


@test
def pid_host_sees_the_hosts_processes(docker):
    expect_equal(docker.run("--pid", "host", shell="readlink /proc/self/ns/pid"), namespace("self", "pid"))
    expect_in("dockerd", docker.run("--pid", "host", shell="ps -eo comm"))


@test
def namespaces_of_another_container_can_be_joined(docker):
    with docker.container("--ipc", "shareable", shell="exec sleep 4242") as first:
        with docker.container("--pid", f"container:{first}", "--ipc", f"container:{first}", "--network", f"container:{first}") as second:
            expect_in("sleep 4242", docker("exec", second, "ps", "-eo", "args"))
            for kind in ("pid", "ipc", "net"):
                expect_equal(namespace(docker.pid(second), kind), namespace(docker.pid(first), kind), kind)
            expect(namespace(docker.pid(second), "mnt") != namespace(docker.pid(first), "mnt"), "the mounts are shared, too")


@test
def uts_host_and_ipc_host_are_the_hosts(docker):
    expect_equal(docker.run("--uts", "host", "--ipc", "host", shell="hostname; readlink /proc/self/ns/ipc").split(),
                 [os.uname().nodename, namespace("self", "ipc")])


@test
def cgroup_namespaces_are_private_or_the_hosts(docker):
    look = "readlink /proc/self/ns/cgroup; cut -d: -f3 /proc/self/cgroup | sort -u"
    shared = docker.run("--cgroupns", "host", shell=look).splitlines()
    expect_equal(shared[0], namespace("self", "cgroup"))
    private = docker.run("--cgroupns", "private", shell=look).splitlines()
    expect(private[0] != shared[0], "the cgroup namespace is the host's")
    expect_equal(private[1:], ["/"], "cgroup paths in a private namespace")


@test
def sysctls_of_the_namespaces_are_set(docker):
    expect_equal(docker.run("--sysctl", "net.core.somaxconn=77", "--sysctl", "kernel.msgmax=12345",
                            shell="cat /proc/sys/net/core/somaxconn /proc/sys/kernel/msgmax").split(), ["77", "12345"])


# Mounts

@test
def volumes_are_writable_or_read_only(docker):
    folder = docker.folder()
    docker.run("-v", f"{folder}:/data", shell="echo written > /data/file")
    expect_equal(open(f"{folder}/file").read(), "written\n")
    out = docker.try_("run", "--rm", "-v", f"{folder}:/data:ro", docker.image, "bash", "-c", "cat /data/file; echo no > /data/file")
    expect_equal(out.out, "written\n")
    expect_in("Read-only file system", out.err)


@test
def a_named_volume_outlives_its_container(docker):
    volume = "v" + docker.new_name()
    docker.run("-v", f"{volume}:/data", shell="echo kept > /data/file")
    expect_equal(docker.run("-v", f"{volume}:/other", shell="cat /other/file"), "kept")
    docker("volume", "rm", volume)


@test
def a_volume_starts_with_the_images_files(docker):
    volume = "v" + docker.new_name()
    expect_in("os-release", docker.run("-v", f"{volume}:/etc", shell="ls /etc"))
    docker("volume", "rm", volume)


@test
def a_single_file_is_bound(docker):
    folder = docker.folder()
    with open(f"{folder}/one", "w") as file:
        file.write("from the host\n")
    expect_equal(docker.run("-v", f"{folder}/one:/etc/one:ro", "-v", f"{folder}/one:/new/place/two", shell="cat /etc/one /new/place/two"),
                 "from the host\nfrom the host")


@test
def mount_propagation_is_as_asked(docker):
    folder = docker.folder()
    out = docker.run("--mount", f"type=bind,source={folder},target=/p,bind-propagation=rprivate",
                     shell="grep ' /p ' /proc/self/mountinfo")
    expect("shared:" not in out and "master:" not in out, out)


@test
def a_tmpfs_has_its_options(docker):
    out = docker.run("--tmpfs", "/scratch:rw,noexec,nosuid,size=2m,mode=1770", shell="grep ' /scratch ' /proc/mounts; stat -c %a /scratch")
    for part in ("tmpfs", "noexec", "nosuid", "size=2048k", "1770"):
        expect_in(part, out)


@test
def a_read_only_root_refuses_writes_and_tmpfs_takes_them(docker):
    out = docker.try_("run", "--rm", "--read-only", "--tmpfs", "/tmp", docker.image, "bash", "-c", "echo x > /tmp/x && cat /tmp/x; echo y > /root/y")
    expect_equal(out.out, "x\n")
    expect_in("Read-only file system", out.err)


@test
def kernel_paths_are_masked_or_read_only(docker):
    masked = [path for path in ("/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/sched_debug") if os.path.exists(path)]
    expect_equal(docker.run(shell=f"cat {' '.join(masked)} | wc -c; ls -A /sys/firmware | wc -l").split(), ["0", "0"])
    out = docker.try_("run", "--rm", docker.image, "bash", "-c", "echo x > /proc/sys/kernel/hostname; "
                      "echo 3 > /proc/irq/default_smp_affinity; d=/sys/fs/cgroup; test -d $d/memory && d=$d/memory; mkdir $d/new")
    expect_equal(out.err.count("Read-only file system"), 3, out.err)


@test
def the_usual_devices_are_there_and_work(docker):
    out = docker.run(shell="cd /dev; for d in null zero full random urandom tty; do test -c $d || echo no $d; done; "
                           "readlink fd stdin ptmx; head -c 4 zero | wc -c; echo x > null; ls -d pts shm mqueue")
    expect_equal(out.split(), ["/proc/self/fd", "/proc/self/fd/0", "pts/ptmx", "4", "mqueue", "pts", "shm"])


# Devices

@test
def a_device_is_given_with_its_permissions(docker):
    try_read = "exec 3</dev/probe && echo readable; exec 4<>/dev/probe && echo writable"
    out = docker.try_("run", "--rm", "--device", "/dev/fuse:/dev/probe:r", docker.image, "bash", "-c", try_read)
    expect_equal(out.out, "readable\n")
    expect_in("Operation not permitted", out.err)
    expect_equal(docker.run("--device", "/dev/fuse:/dev/probe", shell=try_read).split(), ["readable", "writable"])


@test
def other_devices_are_refused_by_the_device_cgroup(docker):
    out = docker.try_("run", "--rm", docker.image, "bash", "-c", "mknod /tmp/probe c 10 229 && echo made; exec 3</tmp/probe && echo opened")
    expect_equal(out.out, "made\n")
    expect_in("Operation not permitted", out.err)


# Identity and privilege

@test
def users_come_by_name_number_and_group(docker):
    look = "echo $(id -u):$(id -g):$(id -G | tr ' ' ,)"
    for argument, wanted in (("www-data", "33:33:33"), ("1234:5678", "1234:5678:5678"), ("games:tty", "5:5:5")):
        expect_equal(docker.run("--user", argument, shell=look), wanted, argument)
    expect_equal(docker.run("--user", "1000", "--group-add", "audio", "--group-add", "4321", shell="id -G").split(), ["0", "29", "4321"])
    out = docker.try_("run", "--rm", "--user", "nobody-knows", docker.image, "true")
    expect(out.status != 0 and "nobody-knows" in out.err, out.describe())


@test
def capabilities_are_dropped_and_added(docker):
    look = "grep -E 'Cap(Prm|Eff|Bnd|Amb)' /proc/self/status"
    default = _capabilities(docker.run(shell=look))
    expect_equal(default["CapEff"], 0xA80425FB)
    none = _capabilities(docker.run("--cap-drop", "ALL", shell=look))
    expect_equal(set(none.values()), {0})
    one = _capabilities(docker.run("--cap-drop", "ALL", "--cap-add", "NET_ADMIN", shell=look))
    expect_equal((one["CapEff"], one["CapBnd"]), (1 << 12, 1 << 12))
    user = _capabilities(docker.run("--user", "1000", shell=look))
    expect_equal((user["CapEff"], user["CapAmb"]), (0, 0), "capabilities of a user")


def _capabilities(text):
    return {line.split(":")[0]: int(line.split(":")[1], 16) for line in text.splitlines()}


@test
def a_privileged_container_has_the_hosts_capabilities_and_devices(docker):
    script = ("grep CapEff /proc/self/status; grep Seccomp: /proc/self/status; test -e /dev/fuse && echo devices; "
              "mount -t tmpfs none /mnt && echo mounts; test -w /proc/sys/kernel && echo sysctls")
    with needs_every_capability():
        out = docker.run("--privileged", shell=script)
        expect_equal(out.split(), ["CapEff:", host_capabilities(), "Seccomp:", "0", "devices", "mounts", "sysctls"])


@test
def every_capability_but_one_is_given(docker):
    out = docker.run("--cap-add", "ALL", "--cap-drop", "SYS_RESOURCE", "--security-opt", "seccomp=unconfined",
                     shell="grep CapEff /proc/self/status; mount -t tmpfs none /mnt && echo mounted")
    expect_equal(out.split()[2], "mounted")
    known = (1 << 38) - 1  # Docker 20.10 has not heard of later capabilities
    expect_equal(int(out.split()[1], 16) & known, int(host_capabilities(), 16) & known & ~(1 << CAP_SYS_RESOURCE))


@test
def no_new_privileges_is_set_when_asked(docker):
    look = "grep NoNewPrivs /proc/self/status"
    expect_equal(docker.run("--security-opt", "no-new-privileges", shell=look).split()[1], "1")
    expect_equal(docker.run(shell=look).split()[1], "0")


@test
def the_default_seccomp_profile_filters(docker):
    expect_equal(docker.run(shell="grep Seccomp: /proc/self/status").split()[1], "2")
    out = docker.try_("run", "--rm", docker.image, "unshare", "--user", "true")
    expect_in("Operation not permitted", out.err)


@test
def a_custom_seccomp_profile_denies_one_call(docker):
    profile = f"{docker.folder()}/profile.json"
    with open(profile, "w") as file:
        json.dump({"defaultAction": "SCMP_ACT_ALLOW",
                   "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 95}]}, file)
    out = docker.try_("run", "--rm", "--security-opt", f"seccomp={profile}", docker.image, "bash", "-c", "touch /tmp/file && echo fine; mkdir /tmp/folder")
    expect_equal(out.out, "fine\n")
    expect_in("cannot create directory", out.err)


@test
def seccomp_can_be_switched_off(docker):
    expect_equal(docker.run("--security-opt", "seccomp=unconfined", shell="grep Seccomp: /proc/self/status").split()[1], "0")


# The process's surroundings

@test
def working_directory_environment_and_entrypoint(docker):
    out = docker.run("--workdir", "/usr/share/not/there/yet", "-e", "A=one two", "-e", "EMPTY=", "--entrypoint", "/bin/sh", docker.image,
                     "-c", "pwd; echo \"$A\"; echo \"[${EMPTY-unset}]\"; echo $0 $1", "zero", "one")
    expect_equal(out.splitlines(), ["/usr/share/not/there/yet", "one two", "[]", "zero one"])
    expect_in("HOME=/root", docker.run(shell="env"))
    expect_in("HOME=/var/www", docker.run("--user", "www-data", shell="env"))


@test
def a_working_directory_that_is_a_file_is_an_error(docker):
    outcome = docker.try_("run", "--rm", "--workdir", "/etc/passwd", docker.image, "true")
    expect(outcome.status in (125, 126, 127), outcome.describe())
    expect_in("/etc/passwd", outcome.err)


@test
def a_missing_mount_source_is_an_error_that_names_it(docker):
    folder, name = docker.folder(), docker.new_name()
    docker("create", "--name", name, "--mount", f"type=bind,source={folder},target=/gone", docker.image, "true")
    os.rmdir(folder)
    outcome = docker.try_("start", name)
    expect(outcome.status != 0, outcome.describe())
    expect_in(folder, outcome.err)
    docker("rm", name)


@test
def no_descriptor_of_the_runtime_is_left_open(docker):
    out = docker.run(shell="ls /proc/$$/fd; true")
    expect_equal(set(out.split()) - {"255"}, {"0", "1", "2"}, "open descriptors")
