"""containerd through ctr: tasks, exec, limits, mounts, namespaces."""
import json
import os
import re
import subprocess
import time

from support import guest_image
from support.harness import Skip, eventually, expect, expect_equal, expect_in, run, test
from support.host_view import cgroup_value, criu_problem, namespace
from support.terminal import Terminal

MIB = 1 << 20


@test
def run_prints_the_output_and_returns_the_exit_status(containerd):
    expect_equal(containerd.run(shell="echo out"), "out")
    for status in (1, 42, 255):
        containerd.run(shell=f"exit {status}", status=status)


@test
def standard_input_is_piped_to_the_process(containerd):
    expect_equal(containerd.run(command=["head", "-c", "6"], input="hello\n"), "hello")


@test
def a_terminal_has_a_size_and_follows_a_resize(containerd):
    command = containerd.command(*containerd.run_command("--rm", "--tty", containerd.image, containerd.new_name(), "bash", "--norc"))
    with Terminal(command, 31, 97) as person:
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
def exec_runs_another_process_and_returns_its_status(containerd):
    with containerd.container() as name:
        expect_equal(containerd.exec(name, "cat", "/proc/1/comm"), "sleep")
        containerd.exec(name, "sh", "-c", "exit 13", status=13)
        expect_equal(containerd.exec(name, "sh", "-c", "id -u; pwd", options=("--user", "33", "--cwd", "/usr/lib")).split(), ["33", "/usr/lib"])
        outcome = containerd.try_("tasks", "exec", "--exec-id", "bad", name, "no-such-program")
        expect(outcome.status != 0, outcome.describe())
        expect_in("no-such-program", outcome.err)


@test
def exec_with_a_terminal_has_the_right_size(containerd):
    with containerd.container() as name:
        with Terminal(containerd.command("tasks", "exec", "--tty", "--exec-id", "person", name, "bash", "--norc"), 20, 61) as person:
            person.expect(r"[#$] ")
            _wait_for_size(person, 20, 61)
            person.send("exit 3\r")
            expect_equal(person.wait(), 3, "exit status")


@test
def a_detached_exec_is_listed_among_the_processes(containerd):
    with containerd.container() as name:
        containerd.exec(name, "sleep", "4321", options=("--detach",))
        listing = containerd("tasks", "ps", name).splitlines()[1:]
        expect_equal(len(listing), 2, f"processes {listing}")
        for line in listing:
            expect(os.path.exists(f"/proc/{line.split()[0]}"), f"no such process: {line}")


@test
def pause_and_resume_stop_and_continue_the_task(containerd):
    with containerd.container(shell="while :; do echo; sleep 0.02; done") as name:
        eventually(lambda: len(containerd.output(name)) > 5, "it ticks")
        containerd("tasks", "pause", name)
        expect_equal(containerd.task(name)[1], "PAUSED")
        before = len(containerd.output(name))
        time.sleep(0.4)
        expect_equal(len(containerd.output(name)), before, "ticks while paused")
        containerd("tasks", "resume", name)
        eventually(lambda: len(containerd.output(name)) > before + 3, "it ticks again")


@test
def kill_delivers_the_signal_and_delete_gives_the_status(containerd):
    with containerd.container(shell="trap 'exit 8' USR1; echo up; while :; do sleep 0.05; done") as name:
        eventually(lambda: "up" in containerd.output(name), "it is up")
        outcome = containerd.try_("tasks", "rm", name)
        expect(outcome.status != 0, "a running task was deleted without force")
        containerd("tasks", "kill", "--signal", "SIGUSR1", name)
        eventually(lambda: containerd.task(name)[1] == "STOPPED", "it stopped")
        outcome = containerd.try_("tasks", "rm", name)
        expect_in("exit code 8", outcome.err)
    with containerd.container() as name:
        containerd("tasks", "kill", "--all", "--signal", "SIGKILL", name)
        eventually(lambda: containerd.task(name)[1] == "STOPPED", "it stopped")


@test
def a_stopped_container_can_be_started_again(containerd):
    with containerd.container(shell="echo run >> /root/runs; cat /root/runs") as name:
        eventually(lambda: containerd.task(name)[1] == "STOPPED", "it ended")
        containerd("tasks", "rm", name)
        expect_equal(containerd("tasks", "start", name).split(), ["run", "run"])


@test
def metrics_show_memory_and_processes(containerd):
    with containerd.container(shell="sleep 1234 & sleep 5678 & wait") as name:
        eventually(lambda: len(containerd("tasks", "ps", name).splitlines()) == 4, "three processes")
        metrics = containerd("tasks", "metrics", name)
        expect(re.search(r"memory\S*usage\S* +[1-9]\d{4}", metrics), metrics)
        numbers = dict(re.findall(r"^(\S+) +(\d+) *$", metrics, re.M))
        expect_equal(numbers.get("pids.current"), "3", metrics)


@test
def limits_are_in_the_cgroup(containerd):
    with containerd.container("--memory-limit", str(64 * MIB), "--cpus", "0.5", "--cgroup", "/engine-test-parent/given") as name:
        pid = containerd.task(name)[0]
        expect_equal(cgroup_value(pid, "memory.max"), str(64 * MIB))
        expect_equal(cgroup_value(pid, "cpu.quota"), "50000")
        with open(f"/proc/{pid}/cgroup") as file:
            expect_in("/engine-test-parent/given", file.read())


@test
def a_memory_limit_kills_and_an_event_tells(containerd):
    events = subprocess.Popen(containerd.command("events"), stdout=subprocess.PIPE, text=True)
    try:
        containerd.run("--memory-limit", str(32 * MIB), command=["tail", "/dev/zero"], status=137)
        time.sleep(0.3)
    finally:
        events.terminate()
        told = events.communicate(timeout=10)[0]
    expect_in("/tasks/oom", told)


@test
def read_only_roots_and_mounts(containerd):
    folder = containerd.folder()
    with open(f"{folder}/file", "w") as file:
        file.write("from the host\n")
    out = containerd.try_run("--read-only", "--mount", f"type=bind,src={folder},dst=/mnt,options=rbind:ro",
                             "--mount", "type=tmpfs,src=tmpfs,dst=/tmp,options=size=2m:nosuid",
                             shell="cat /mnt/file; echo x > /tmp/x && cat /tmp/x; echo y > /mnt/y; echo z > /root/z")
    expect_equal(out.out, "from the host\nx\n", out.err)
    expect_equal(out.err.count("Read-only file system"), 2, out.err)


@test
def a_root_folder_of_ones_own_is_used(containerd):
    root = containerd.folder()
    subprocess.run(["tar", "-xf", guest_image.TINY, "-C", root], check=True)
    name = containerd.new_name()
    out = containerd(*containerd.run_command("--rm", "--rootfs", root, name, "/bin/sh", "-c", "echo mine > /root/file; ls /bin/busybox"))
    expect_equal(out, "/bin/busybox")
    expect_equal(open(f"{root}/root/file").read(), "mine\n")


@test
def capabilities_privileges_and_seccomp(containerd):
    look = "grep -E 'CapEff|NoNewPrivs|Seccomp:' /proc/self/status | cut -f2"
    default = containerd.run(shell=look).split()
    expect_equal(default[1:], ["1", "0"])
    changed = containerd.run("--cap-drop", "CAP_CHOWN", "--cap-add", "CAP_SYS_ADMIN", "--allow-new-privs", "--seccomp", shell=look).split()
    expect_equal(int(changed[0], 16), int(default[0], 16) & ~1 | 1 << 21)
    expect_equal(changed[1:], ["0", "2"])


@test
def a_custom_seccomp_profile_denies_one_call(containerd):
    profile = f"{containerd.folder()}/profile.json"
    with open(profile, "w") as file:
        json.dump({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 95}]}, file)
    out = containerd.try_run("--seccomp", "--seccomp-profile", profile, shell="touch /tmp/file && echo fine; mkdir /tmp/folder")
    expect_equal(out.out, "fine\n", out.err)
    expect_in("Operation not supported", out.err)


@test
def a_user_namespace_maps_the_ids(containerd):
    look = ["sh", "-c", "cat /proc/self/uid_map; id -u; touch /root/file && stat -c %u /root/file"]
    out = containerd.run("--uidmap", "0:300000:65536", "--gidmap", "0:300000:65536", command=look, image=containerd.tiny)
    expect_equal(out.split(), ["0", "300000", "65536", "0", "0"])


@test
def namespaces_are_private_the_hosts_or_joined(containerd):
    look = "for n in cgroup ipc net pid uts; do readlink /proc/self/ns/$n; done"
    wanted = [namespace("self", kind) for kind in ("cgroup", "ipc", "net", "pid", "uts")]
    own = containerd.run(shell=look).split()
    expect(not set(own[1:]) & set(wanted[1:]), f"shared with the host: {set(own) & set(wanted)}")
    expect_equal(containerd.run("--net-host", shell=look).split()[2], wanted[2])
    with containerd.container() as name:
        pid = containerd.task(name)[0]
        joined = containerd.run("--with-ns", f"network:/proc/{pid}/ns/net", "--with-ns", f"ipc:/proc/{pid}/ns/ipc", shell=look).split()
        expect_equal(joined[1:3], [namespace(pid, "ipc"), namespace(pid, "net")])


@test
def a_device_is_given(containerd):
    out = containerd.try_run("--device", "/dev/fuse", shell="exec 3<>/dev/fuse && echo opened; mknod /tmp/x c 10 237; exec 4</tmp/x && echo other")
    expect_equal(out.out, "opened\n", out.err)
    expect_in("Operation not permitted", out.err)


@test
def environment_and_directory_are_as_given(containerd):
    out = containerd.run("--env", "A=one two", "--cwd", "/usr/lib", shell="echo \"$A\"; pwd")
    expect_equal(out.splitlines(), ["one two", "/usr/lib"])


@test
def an_unknown_command_is_an_error_that_names_it(containerd):
    for program in ("no-such-program", "/etc/passwd"):
        outcome = containerd.try_run(command=[program])
        expect(outcome.status != 0, outcome.describe())
        expect_in(program, outcome.err)


@test
def a_missing_mount_source_is_an_error_that_names_it(containerd):
    outcome = containerd.try_run("--mount", "type=bind,src=/no/such/folder,dst=/mnt,options=rbind", shell="true")
    expect(outcome.status != 0, outcome.describe())
    expect_in("/no/such/folder", outcome.err)


@test
def ten_tasks_at_once_keep_their_own_results(containerd):
    commands = [containerd.command(*containerd.run_command("--rm", containerd.tiny, containerd.new_name(), "sh", "-c", f"echo number {i}; exit {i}"))
                for i in range(10)]
    started = [subprocess.Popen(c, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for c in commands]
    for i, process in enumerate(started):
        out, err = process.communicate(timeout=120)
        expect_equal((out, process.returncode), (f"number {i}\n", i), err)


@test(alone=True)
def a_task_lives_through_a_killed_daemon(containerd):
    import signal
    with containerd.container() as name:
        pid = containerd.task(name)[0]
        containerd.daemon.stop(signal.SIGKILL)
        containerd.daemon.start(lambda: run(containerd.command("version"), timeout=10).status == 0)
        expect_equal(containerd.task(name), (pid, "RUNNING"))
        expect_equal(containerd.exec(name, "echo", "still here"), "still here")


@test
def a_checkpoint_is_made_and_restored(containerd):
    if problem := criu_problem():
        raise Skip(problem)
    with containerd.container() as name:
        containerd("tasks", "checkpoint", "--exit", "--image-path", containerd.folder(), name)
        eventually(lambda: containerd.task(name)[1] == "STOPPED", "it stopped")
