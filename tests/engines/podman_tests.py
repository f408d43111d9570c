"""Podman: containers, exec, pods, id-mapped and rootless containers."""
import json
import os
import re
import subprocess
import time
import urllib.request

from support import guest_image
from support.harness import Skip, eventually, expect, expect_equal, expect_in, run, test
from support.host_view import cgroup_value, criu_problem, namespace
from support.private_host import ROOTLESS_USER
from support.terminal import Terminal

MIB = 1 << 20


# Processes

@test
def run_prints_the_output_and_returns_the_exit_status(podman):
    expect_equal(podman.run(shell="echo out"), "out")
    for status in (1, 42, 255):
        podman.run(shell=f"exit {status}", status=status)
    podman.run("--init", shell="kill -SEGV $BASHPID", status=139)


@test
def standard_input_is_piped_to_the_process(podman):
    expect_equal(podman.run("-i", podman.image, "tr", "a-z", "A-Z", input="hello\n"), "HELLO")


@test
def a_terminal_has_its_size_at_start_and_after_a_resize(podman):
    command = podman.command("run", "--rm", "--network=none", "-it", podman.image, "bash", "--norc")
    with Terminal(command, 31, 97, podman.environment) as person:
        person.expect(r"[#$] ")
        _wait_for_size(person, 31, 97)
        person.resize(44, 132)
        _wait_for_size(person, 44, 132)
        person.send("exit 5\r")
        expect_equal(person.wait(), 5, "exit status")


def _wait_for_size(person, rows, columns):
    for _ in range(20):
        person.send("stty size\r")
        if person.expect(r"[\r\n](\d+) (\d+)\r").groups() == (str(rows), str(columns)):
            return
        time.sleep(0.1)
    expect(False, f"the terminal never became {rows} {columns}; last seen {person.seen!r}")


@test
def exec_runs_another_process_with_its_own_settings(podman):
    with podman.container("-e", "OUTER=1") as name:
        podman("exec", name, "sh", "-c", "exit 13", status=13)
        expect_equal(podman("exec", "-i", name, "cat", input="through\n"), "through")
        out = podman("exec", "-u", "33:12", "-w", "/usr/lib", "-e", "INNER=2", name, "sh", "-c", "id -u; id -g; pwd; echo $OUTER$INNER")
        expect_equal(out.split(), ["33", "12", "/usr/lib", "12"])
        podman("exec", "-d", name, "sh", "-c", "echo yes > /tmp/mark")
        eventually(lambda: podman.try_("exec", name, "cat", "/tmp/mark").out == "yes\n", "the detached process wrote its file")
        outcome = podman.try_("exec", name, "no-such-program")
        expect_equal(outcome.status, 127, outcome.describe())
        outcome = podman.try_("exec", name, "/etc/passwd")
        expect_equal(outcome.status, 126, outcome.describe())


@test
def exec_with_a_terminal_can_be_resized(podman):
    with podman.container() as name:
        with Terminal(podman.command("exec", "-it", name, "bash", "--norc"), 20, 61, podman.environment) as person:
            person.expect(r"[#$] ")
            _wait_for_size(person, 20, 61)
            person.resize(25, 83)
            _wait_for_size(person, 25, 83)
            person.send("exit 3\r")
            expect_equal(person.wait(), 3, "exit status")


@test
def logs_keep_both_streams(podman):
    with podman.container(shell="echo one; echo two >&2") as name:
        podman("wait", name)
        outcome = podman.try_("logs", name)
        expect_equal((outcome.out, outcome.err), ("one\n", "two\n"))


@test
def wait_attach_and_start_give_the_exit_status(podman):
    with podman.container(shell="sleep 0.5; exit 7") as name:
        expect_equal(podman("wait", name), "7")
        outcome = podman.try_("start", "--attach", name)
        expect_equal(outcome.status, 7, outcome.describe())


@test
def a_paused_container_makes_no_progress(podman):
    folder = podman.folder()
    with podman.container("-v", f"{folder}:/shared", shell="while :; do echo >> /shared/ticks; sleep 0.02; done") as name:
        ticks = lambda: os.path.getsize(f"{folder}/ticks") if os.path.exists(f"{folder}/ticks") else 0
        eventually(lambda: ticks() > 5, "it ticks")
        podman("pause", name)
        before = ticks()
        time.sleep(0.4)
        expect_equal(ticks(), before, "ticks while paused")
        podman("unpause", name)
        eventually(lambda: ticks() > before + 3, "it ticks again")


@test
def kill_and_stop_deliver_their_signals(podman):
    with podman.container(shell="trap 'echo usr1' USR1; trap 'exit 8' TERM; echo up; while :; do sleep 0.05; done") as name:
        eventually(lambda: "up" in podman("logs", name), "it is up")
        podman("kill", "-s", "USR1", name)
        eventually(lambda: "usr1" in podman("logs", name), "the trap ran")
        podman("stop", "-t", "10", name)
        expect_equal(podman.inspect(name, ".State.ExitCode"), "8")
    with podman.container() as name:
        podman("kill", name)
        expect_equal(podman("wait", name), "137")
    with podman.container(shell="trap '' TERM; echo up; while :; do sleep 0.05; done") as name:
        eventually(lambda: "up" in podman("logs", name), "it is up")
        podman("stop", "-t", "1", name)
        expect_equal(podman.inspect(name, ".State.ExitCode"), "137")


@test
def restart_gives_a_new_process_in_the_same_container(podman):
    with podman.container(shell="echo start >> /root/starts; exec sleep infinity") as name:
        first = podman.pid(name)
        podman("restart", "-t", "0", name)
        expect(podman.pid(name) != first, "the process is the old one")
        eventually(lambda: podman("exec", name, "cat", "/root/starts").split() == ["start", "start"], "the second start")


@test
def the_restart_policy_counts_its_tries(podman):
    with podman.container("--restart", "on-failure:2", shell="exit 3") as name:
        eventually(lambda: podman.inspect(name, ".RestartCount .State.Status".replace(" ", "}} {{")) == "2 exited", "two restarts, then exited")


@test
def top_and_stats_see_the_processes_and_their_memory(podman):
    with podman.container(shell="sleep 1234 & sleep 5678 & wait") as name:
        listing = podman("top", name, "pid", "args")
        for part in ("sleep 1234", "sleep 5678"):
            expect_in(part, listing)
        memory, pids = podman("stats", "--no-stream", "--format", "{{.MemUsage}}|{{.PIDs}}", name).split("|")
        expect(re.match(r"[1-9][\d.]*[kM]B /", memory), f"memory figure {memory!r}")
        expect_equal(pids, "3", "number of processes")


@test
def a_healthcheck_is_run_on_demand(podman):
    with podman.container("--health-cmd", "test -e /tmp/healthy", "--health-interval", "disable") as name:
        podman("healthcheck", "run", name, status=1)
        podman("exec", name, "touch", "/tmp/healthy")
        podman("healthcheck", "run", name)


@test
def an_init_process_reaps(podman):
    with podman.container("--init", shell="(sleep 0.1 &); sleep infinity") as name:
        time.sleep(0.4)
        expect_in("init", podman("exec", name, "cat", "/proc/1/cmdline"))
        eventually(lambda: " Z" not in podman("exec", name, "ps", "-eo", "pid,stat"), "no zombie is left")


@test
def an_unknown_command_is_127_and_a_plain_file_126(podman):
    for program, status in (("no-such-program", 127), ("/no/such/file", 127), ("/etc/passwd", 126)):
        outcome = podman.try_("run", "--rm", "--network=none", podman.image, program)
        expect_equal(outcome.status, status, outcome.describe())
        expect_in(program, outcome.err)


@test
def ten_containers_at_once_keep_their_own_results(podman):
    commands = [podman.command("run", "--rm", "--network=none", podman.tiny, "sh", "-c", f"echo number {i}; exit {i}") for i in range(10)]
    started = [subprocess.Popen(c, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=podman.environment) for c in commands]
    for i, process in enumerate(started):
        out, err = process.communicate(timeout=120)
        expect_equal((out, process.returncode), (f"number {i}\n", i), err)


# Limits

@test
def limits_given_to_run_are_in_the_cgroup(podman):
    with podman.container("--memory", "64m", "--cpus", "0.5", "--cpuset-cpus", "1", "--pids-limit", "77", "--cgroup-parent", "/engine-test-pods") as name:
        pid = podman.pid(name)
        expect_equal(cgroup_value(pid, "memory.max"), str(64 * MIB))
        expect_equal(cgroup_value(pid, "cpu.quota"), "50000")
        expect_equal(cgroup_value(pid, "cpuset.cpus"), "1")
        expect_equal(cgroup_value(pid, "pids.max"), "77")
        with open(f"/proc/{pid}/cgroup") as file:
            expect_in("/engine-test-pods/", file.read())


@test
def a_memory_limit_kills_and_the_kill_is_reported(podman):
    name, folder = podman.new_name(), podman.folder()
    # conmon listens for the event, but on v1 may not hear it when the first process itself is the victim.
    podman("run", "--name", name, "--network=none", "--memory", "32m", "--memory-swap", "32m", podman.image, "bash", "-c",
           "tail /dev/zero; echo $?; sleep 0.5; exit 3", status=3, cwd=folder)
    expect_equal(podman("logs", name), "137")
    # Podman 4.3 always says OOMKilled false: conmon writes the file "oom" where Podman was called, Podman looks elsewhere.
    expect(os.path.exists(f"{folder}/oom"), "conmon saw no OOM kill")
    podman("rm", name)


@test
def the_pids_limit_stops_a_fork_bomb(podman):
    outcome = podman.try_("run", "--rm", "--network=none", "--pids-limit", "12", podman.image, "bash", "-c", "for i in $(seq 40); do sleep 20 & done")
    expect_in("Resource temporarily unavailable", outcome.err)


@test
def ulimits_shared_memory_sysctls_and_oom_score(podman):
    out = podman.run("--ulimit", "nofile=512:600", "--ulimit", "nproc=900:900", "--shm-size", "20m", "--sysctl", "kernel.msgmax=12345", "--oom-score-adj", "345",
                     shell="ulimit -Sn; ulimit -Hn; df -B1 --output=size /dev/shm | tail -1; cat /proc/sys/kernel/msgmax /proc/self/oom_score_adj")
    expect_equal(out.split(), ["512", "600", str(20 * MIB), "12345", "345"])


# Isolation

@test
def volumes_tmpfs_and_a_read_only_root(podman):
    folder = podman.folder()
    podman.run("-v", f"{folder}:/data", shell="echo written > /data/file")
    expect_equal(open(f"{folder}/file").read(), "written\n")
    script = "cat /data/file; echo no > /data/file; echo x > /scratch/x && cat /scratch/x; echo y > /root/y; stat -c %a /scratch"
    out = podman.try_("run", "--rm", "--network=none", "--read-only", "-v", f"{folder}:/data:ro", "-v", f"{folder}/file:/etc/one:ro",
                      "--tmpfs", "/scratch:size=2m,mode=1770", podman.image, "bash", "-c", script)
    expect_equal(out.out.split(), ["written", "x", "1770"], out.err)
    expect_equal(out.err.count("Read-only file system"), 2, out.err)
    volume = podman.new_name()
    podman.run("-v", f"{volume}:/data", shell="echo kept > /data/file")
    expect_equal(podman.run("-v", f"{volume}:/data", shell="cat /data/file"), "kept")


@test
def capabilities_users_and_privileges(podman):
    look = "grep -E 'Cap(Eff|Bnd)|NoNewPrivs|Seccomp:' /proc/self/status | cut -f2; echo $(id -u):$(id -g)"
    expect_equal(podman.run("--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", "1234:5678", shell=look).split(),
                 ["0" * 16, "0" * 16, "1", "2", "1234:5678"])
    out = podman.run("--cap-drop", "ALL", "--cap-add", "NET_ADMIN", "--security-opt", "seccomp=unconfined", shell=look).split()
    expect_equal([int(out[0], 16), int(out[1], 16), *out[2:]], [1 << 12, 1 << 12, "0", "0", "0:0"])
    expect_equal(podman.run("--group-add", "audio", shell="id -Gn").split(), ["root", "audio"])


@test
def a_custom_seccomp_profile_denies_one_call(podman):
    profile = f"{podman.folder()}/profile.json"
    with open(profile, "w") as file:
        json.dump({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 95}]}, file)
    out = podman.try_("run", "--rm", "--network=none", "--security-opt", f"seccomp={profile}", podman.image, "bash", "-c", "touch /tmp/file && echo fine; mkdir /tmp/folder")
    expect_equal(out.out, "fine\n")
    expect_in("Operation not supported", out.err)


@test
def namespaces_are_private_or_the_hosts_as_asked(podman):
    look = "for n in cgroup ipc net pid uts; do readlink /proc/self/ns/$n; done"
    own = podman.run(shell=look).split()
    host = podman.run("--cgroupns=host", "--ipc=host", "--pid=host", "--uts=host", network="host", shell=look).split()
    wanted = [namespace("self", kind) for kind in ("cgroup", "ipc", "net", "pid", "uts")]
    expect_equal(host, wanted)
    expect(not set(own[1:]) & set(wanted[1:]), f"shared with the host: {set(own) & set(wanted)}")
    private = podman.run("--cgroupns=private", shell="cut -d: -f3 /proc/self/cgroup | sort -u")
    expect_equal(private, "/")


@test
def a_device_is_given(podman):
    out = podman.try_("run", "--rm", "--network=none", "--device", "/dev/fuse:/dev/probe:r", podman.image, "bash", "-c",
                      "exec 3</dev/probe && echo readable; exec 4<>/dev/probe && echo writable")
    expect_equal(out.out, "readable\n", out.err)


@test
def a_published_port_reaches_the_container(podman):
    script = "mkdir /www; echo served > /www/index.html; exec busybox httpd -f -p 8080 -h /www"
    try:
        podman("network", "inspect", "podman")
    except Exception as problem:
        raise Skip(f"no default network: {problem}")
    with podman.container("-p", "18080:8080", shell=script, network=None) as name:
        address = podman.inspect(name, ".NetworkSettings.IPAddress")
        eventually(lambda: _fetch(f"http://{address}:8080/") == "served\n", "over the bridge")
        eventually(lambda: _fetch("http://127.0.0.1:18080/") == "served\n", "over the published port")


def _fetch(address):
    try:
        return urllib.request.urlopen(address, timeout=3).read().decode()
    except OSError as problem:
        return f"{problem}"


@test
def secrets_are_files_and_variables(podman):
    podman("secret", "create", "word", "-", input="hush")
    expect_equal(podman.run("--secret", "word", "--secret", "word,type=env,target=WORD", shell="cat /run/secrets/word; echo $WORD"), "hushhush")


@test
def a_missing_mount_source_is_an_error_that_names_it(podman):
    outcome = podman.try_("run", "--rm", "--network=none", "-v", "/no/such/folder:/x", podman.image, "true")
    expect(outcome.status != 0, outcome.describe())
    expect_in("/no/such/folder", outcome.err)


@test
def working_directory_environment_and_entrypoint(podman):
    out = podman.run("--workdir", "/usr/lib", "-e", "A=one two", "--entrypoint", "/bin/sh", "--hostname", "given", podman.image,
                     "-c", "pwd; echo \"$A\"; hostname; echo $0", "zero")
    expect_equal(out.splitlines(), ["/usr/lib", "one two", "given", "zero"])


# Pods

@test
def the_containers_of_a_pod_share_namespaces(podman):
    pod = podman.new_name()
    podman("pod", "create", "--name", pod, "--share", "net,ipc,uts,pid", "--network", "none", "--hostname", "podhost")
    try:
        with podman.container("--pod", pod, shell="exec sleep 4242", network=None) as first, \
                podman.container("--pod", pod, network=None) as second:
            for kind in ("net", "ipc", "uts", "pid"):
                expect_equal(namespace(podman.pid(second), kind), namespace(podman.pid(first), kind), kind)
            expect_in("sleep 4242", podman("exec", second, "ps", "-eo", "args"))
            expect_equal(podman("exec", second, "hostname"), "podhost")
        podman("pod", "stop", "-t", "1", pod)
    finally:
        podman("pod", "rm", "-f", pod)


@test
def a_kubernetes_pod_is_played(podman):
    path = f"{podman.folder()}/pod.yaml"
    with open(path, "w") as file:
        file.write(f"""
apiVersion: v1
kind: Pod
metadata: {{ name: played }}
spec:
  restartPolicy: Never
  containers:
  - name: one
    image: {podman.image}
    command: ["bash", "-c", "echo $WORD; id -u; sleep infinity"]
    env: [{{ name: WORD, value: hello }}]
    securityContext: {{ runAsUser: 1234, readOnlyRootFilesystem: true }}
    resources: {{ limits: {{ memory: 48Mi }} }}
""")
    podman("play", "kube", "--network", "none", path)
    try:
        eventually(lambda: podman("logs", "played-one").split() == ["hello", "1234"], "the played container printed")
        expect_equal(cgroup_value(podman.pid("played-one"), "memory.max"), str(48 * MIB))
    finally:
        podman("play", "kube", "--down", path)


# Users

@test
def a_mapped_user_namespace_has_its_ids(podman):
    out = podman("run", "--rm", "--network=none", "--uidmap", "0:300000:5000", "--gidmap", "0:300000:5000", podman.tiny, "sh", "-c",
                 "cat /proc/self/uid_map; id -u; stat -c %u /bin/busybox; touch /root/file && echo written")
    expect_equal(out.split(), ["0", "300000", "5000", "0", "0", "written"])


@test
def automatic_user_namespaces_do_not_overlap(podman):
    look = ["run", "-d", "--network=none", "--userns=auto", podman.tiny, "sleep", "infinity"]
    names = [podman(*look) for _ in range(2)]
    try:
        maps = [podman("exec", name, "cat", "/proc/self/uid_map").split() for name in names]
        expect(all(map_[0] == "0" and map_[1] != "0" for map_ in maps), f"maps: {maps}")
        expect(maps[0][1] != maps[1][1], f"the same ids twice: {maps}")
    finally:
        podman("rm", "-f", "-t", "0", *names)


@test(alone=True)
def a_normal_user_runs_containers(podman):
    rootless = _rootless(podman)
    out = rootless("run", "--rm", "--network=none", podman.tiny, "sh", "-c", "id -u; cat /proc/self/uid_map; echo x > /root/x && cat /root/x")
    expect_equal(out.split()[:4], ["0", "0", str(ROOTLESS_USER[1]), "1"], "root is the user")
    expect_equal(out.split()[-1], "x")
    rootless("run", "--rm", "--network=none", "--user", "guest", podman.tiny, "sh", "-c", "test $(id -u) = 1000")
    rootless("run", "--rm", "--network=none", podman.tiny, "sh", "-c", "exit 9", status=9)


@test(alone=True)
def a_normal_user_execs_stops_and_mounts(podman):
    rootless = _rootless(podman)
    name = rootless("run", "-d", "--network=none", "--read-only", "-v", f"/run/home-{ROOTLESS_USER[0]}:/home", podman.tiny, "sh", "-c",
                    "trap 'exit 6' TERM; while :; do sleep 0.1; done")
    expect_equal(rootless("exec", name, "id", "-u"), "0")
    rootless("exec", name, "touch", "/home/file")
    expect_equal(os.stat(f"/run/home-{ROOTLESS_USER[0]}/file").st_uid, ROOTLESS_USER[1])
    rootless("exec", name, "touch", "/root/file", status=1)
    rootless("stop", "-t", "10", name)
    expect_equal(rootless("inspect", "-f", "{{.State.ExitCode}}", name), "6")
    rootless("rm", name)


def _rootless(podman):
    """podman as a user without privileges; its storage is made at the first call."""
    name, number, _ = ROOTLESS_USER
    home, runtime_folder = f"/run/home-{name}", f"/run/user/{number}"
    environment = {"HOME": home, "XDG_RUNTIME_DIR": runtime_folder, "PATH": os.environ["PATH"], "USER": name}
    if outcome := run(["test", "-x", podman.runtime], user=number, cwd="/").status:
        raise Skip(f"{podman.runtime} cannot be executed by a normal user (test -x: {outcome})")

    def call(*arguments, status=0):
        outcome = run(["podman", "--cgroup-manager=cgroupfs", *arguments], env=environment, user=number, cwd="/")
        expect_equal(outcome.status, status, outcome.describe())
        return outcome.out.strip()

    if not os.path.isdir(runtime_folder):
        os.makedirs("/run/user", exist_ok=True)
        os.mkdir(runtime_folder, 0o700)
        os.chown(runtime_folder, number, number)
        if not all(os.path.exists(f"/usr/bin/{program}") for program in ("newuidmap", "newgidmap")):
            raise Skip("newuidmap is not installed (Debian: uidmap)")
        call("import", guest_image.TINY, podman.tiny)
    return call


@test
def a_checkpoint_is_made_and_restored(podman):
    if problem := criu_problem():
        raise Skip(problem)
    with podman.container() as name:
        podman("container", "checkpoint", name)
        podman("container", "restore", name)
        podman("exec", name, "true")
