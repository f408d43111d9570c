"""Docker: resource limits, seen in the cgroup and felt by the process."""
import time

from support.harness import expect, expect_equal, expect_in, test
from support.host_view import cgroup_folder, cgroup_value

MIB = 1 << 20


@test
def a_memory_limit_kills_and_the_kill_is_reported(docker):
    begun = time.time()
    name = docker.new_name()
    docker("run", "--name", name, "--memory", "32m", "--memory-swap", "32m", docker.image, "tail", "/dev/zero", status=137)
    expect_equal(docker.inspect(name, ".State.OOMKilled"), "true", "OOMKilled")
    events = docker("events", "--since", int(begun), "--until", f"{time.time() + 1:.0f}", "--filter", f"container={name}",
                    "--format", "{{.Action}}").split()
    for wanted in ("oom", "die"):
        expect_in(wanted, events, "events")
    docker("rm", name)


@test
def limits_given_to_run_are_in_the_cgroup(docker):
    with docker.container("--memory", "64m", "--cpus", "0.5", "--cpu-shares", "512", "--cpuset-cpus", "1", "--pids-limit", "77") as name:
        pid = docker.pid(name)
        expect_equal(cgroup_value(pid, "memory.max"), str(64 * MIB))
        expect_equal(cgroup_value(pid, "cpu.quota"), "50000")
        expect(abs(int(cgroup_value(pid, "cpu.shares")) - 512) < 30, cgroup_value(pid, "cpu.shares"))
        expect_equal(cgroup_value(pid, "cpuset.cpus"), "1")
        expect_equal(cgroup_value(pid, "pids.max"), "77")
        expect_equal(docker("exec", name, "nproc"), "1")


@test
def update_changes_the_limits_of_a_running_container(docker):
    with docker.container("--memory", "64m") as name:
        docker("update", "--memory", "96m", "--memory-swap", "96m", name)
        docker("update", "--cpus", "0.25", name)
        docker("update", "--pids-limit", "55", name)
        docker("update", "--cpu-shares", "256", "--cpuset-cpus", "0", name)
        pid = docker.pid(name)
        expect_equal(cgroup_value(pid, "memory.max"), str(96 * MIB))
        expect_equal(cgroup_value(pid, "cpu.quota"), "25000")
        expect_equal(cgroup_value(pid, "pids.max"), "55")
        expect_equal(cgroup_value(pid, "cpuset.cpus"), "0")


@test
def the_pids_limit_stops_a_fork_bomb(docker):
    script = "for i in $(seq 40); do sleep 20 & done; echo all"
    outcome = docker.try_("run", "--rm", "--pids-limit", "12", docker.image, "bash", "-c", script)
    expect_in("Resource temporarily unavailable", outcome.err)


@test
def the_cpu_quota_slows_a_busy_process(docker):
    with docker.container("--cpus", "0.2", shell="while :; do :; done") as name:
        folder = cgroup_folder(docker.pid(name), "cpu").removeprefix("v2:")
        time.sleep(1.2)
        with open(f"{folder}/cpu.stat") as file:
            statistics = dict(line.split() for line in file)
        expect(int(statistics["nr_throttled"]) >= 2, f"never throttled: {statistics}")


@test
def a_cgroup_parent_is_honoured(docker):
    with docker.container("--cgroup-parent", "/engine-test-parent") as name:
        folder = cgroup_folder(docker.pid(name), "memory")
        expect_in("/engine-test-parent/" + docker.inspect(name, ".Id"), folder)


@test
def nothing_of_the_cgroup_is_left_after_the_container(docker):
    import os
    with docker.container() as name:
        folders = [cgroup_folder(docker.pid(name), c).removeprefix("v2:") for c in ("memory", "pids", "cpu", "devices", "freezer")]
        expect(all(map(os.path.isdir, folders)), f"not all there: {folders}")
        docker("rm", "-f", name)
        expect(not any(map(os.path.exists, folders)), f"left: {[f for f in folders if os.path.exists(f)]}")


@test
def ulimits_are_lowered(docker):
    expect_equal(docker.run("--ulimit", "nofile=512:1024", "--ulimit", "core=0", shell="ulimit -Sn; ulimit -Hn; ulimit -Hc").split(),
                 ["512", "1024", "0"])


@test
def the_shared_memory_folder_has_its_size(docker):
    expect_equal(docker.run("--shm-size", "20m", shell="df -B1 --output=size /dev/shm | tail -1"), str(20 * MIB))


@test
def the_oom_score_is_set(docker):
    expect_equal(docker.run("--oom-score-adj", "345", shell="cat /proc/self/oom_score_adj"), "345")
