"""Docker: images and files, id-mapped and restarted daemons, checkpoints."""
import os
import signal

from support.harness import Skip, eventually, expect, expect_equal, expect_in, test
from support.host_view import criu_problem
from support.private_host import REMAP_USER


@test
def files_are_copied_in_and_out(docker):
    folder = docker.folder()
    with open(f"{folder}/in", "w") as file:
        file.write("copied\n")
    with docker.container() as name:
        docker("cp", f"{folder}/in", f"{name}:/root/in")
        expect_equal(docker("exec", name, "cat", "/root/in"), "copied")
        docker("exec", name, "sh", "-c", "echo back > /root/out")
        docker("cp", f"{name}:/root/out", f"{folder}/out")
        expect_equal(open(f"{folder}/out").read(), "back\n")


@test
def a_committed_container_is_an_image(docker):
    with docker.container(image=docker.tiny, shell="echo mine > /root/file") as name:
        docker("wait", name)
        image = docker("commit", name)
    expect_equal(docker("run", "--rm", image, "cat", "/root/file"), "mine")
    docker("rmi", image)


@test
def a_dockerfile_is_built_and_run(docker):
    folder = docker.folder()
    with open(f"{folder}/Dockerfile", "w") as file:
        file.write(f"FROM {docker.tiny}\nARG WORD=none\nRUN mkdir /app && echo $WORD > /app/word && id -u > /app/uid\nCOPY Dockerfile /app/\n"
                   "WORKDIR /app\nUSER guest\nENTRYPOINT [\"sh\", \"-c\"]\nCMD [\"id -u; pwd; cat word uid; ls\"]\n")
    docker("build", "-t", "built", "--build-arg", "WORD=given", folder, timeout=120)
    expect_equal(docker("run", "--rm", "built").split(), ["1000", "/app", "given", "0", "Dockerfile", "uid", "word"])
    with open(f"{folder}/Dockerfile", "a") as file:
        file.write("USER root\nRUN exit 9\n")
    outcome = docker.try_("build", folder, timeout=120)
    expect(outcome.status != 0, outcome.describe())
    expect_in("returned a non-zero code: 9", outcome.out + outcome.err)


@test
def the_daemon_names_the_runtime_under_test(docker):
    expect_equal(docker("info", "-f", "{{.DefaultRuntime}}"), "under-test")
    with docker.container(image=docker.tiny) as name:
        expect_equal(docker.inspect(name, ".HostConfig.Runtime"), "under-test")


def _remapped(docker):
    return docker.other("remapped", **{"userns-remap": f"{REMAP_USER[1]}:{REMAP_USER[1]}"})


@test
def a_remapped_daemon_maps_container_root_to_a_subordinate_id(docker):
    docker = _remapped(docker)
    with docker.container(image=docker.tiny) as name:
        with open(f"/proc/{docker.pid(name)}/uid_map") as file:
            expect_equal(file.read().split(), ["0", str(REMAP_USER[2]), "65536"])
        expect_equal(os.stat(f"/proc/{docker.pid(name)}").st_uid, REMAP_USER[2], "host uid of container root")
        expect_equal(docker("exec", name, "id", "-u"), "0")
        docker("exec", name, "sh", "-c", "exit 3", status=3)
        expect_equal(docker("exec", "-u", "guest", name, "id", "-u"), "1000")
        docker("exec", name, "touch", "/root/file")


@test
def a_remapped_daemon_writes_volumes_with_mapped_ids(docker):
    docker = _remapped(docker)
    folder = docker.folder()
    for each in (docker.home, docker.scratch):
        os.chmod(each, 0o755)
    os.chown(folder, REMAP_USER[2], REMAP_USER[2])
    docker("run", "--rm", "-v", f"{folder}:/data", docker.tiny, "sh", "-c", "touch /data/file; mkdir /data/inner")
    expect_equal(os.stat(f"{folder}/file").st_uid, REMAP_USER[2])
    docker("run", "--rm", "--user", "guest", "-v", "named:/data", docker.tiny, "true")
    expect_equal(docker("run", "--rm", "-v", "named:/data", docker.tiny, "stat", "-c", "%u", "/data"), "0")


@test
def a_remapped_daemon_runs_terminals_limits_and_read_only_roots(docker):
    docker = _remapped(docker)
    out = docker("run", "--rm", "-t", "--read-only", "--tmpfs", "/tmp", "--memory", "64m", docker.tiny, "sh", "-c",
                 "touch /tmp/x; touch /etc/x; test -t 0 && echo terminal")
    expect_in("terminal", out)
    expect_in("Read-only file system", out)


@test
def a_remapped_daemon_still_gives_host_namespaces_when_asked(docker):
    docker = _remapped(docker)
    out = docker("run", "--rm", "--userns", "host", docker.tiny, "cat", "/proc/self/uid_map").split()
    expect_equal(out, ["0", "0", "4294967295"])
    expect_equal(docker("run", "--rm", "--network", "none", docker.tiny, "ls", "/sys/class/net"), "lo")


@test(alone=True)
def a_container_lives_through_a_restart_of_a_live_restore_daemon(docker):
    docker = docker.other("restarted", **{"live-restore": True})
    with docker.container(image=docker.tiny, shell="trap 'exit 12' TERM; while :; do echo tick; sleep 0.1; done") as name:
        pid = docker.pid(name)
        docker.daemon.stop()
        expect(os.path.exists(f"/proc/{pid}"), "the container died with the daemon")
        docker.wake()
        expect_equal(docker.pid(name), pid, "process after the restart")
        expect_equal(docker("exec", name, "echo", "still here"), "still here")
        docker("stop", "-t", "10", name)
        expect_equal(docker.inspect(name, ".State.ExitCode"), "12")


@test(alone=True)
def a_container_lives_through_a_killed_live_restore_daemon(docker):
    docker = docker.other("restarted", **{"live-restore": True})
    with docker.container(image=docker.tiny) as name, docker.container(image=docker.tiny) as doomed:
        pid = docker.pid(name)
        docker.daemon.stop(signal.SIGKILL)
        os.kill(docker_pid := _pid_of(docker, doomed), signal.SIGKILL)
        docker.wake()
        expect_equal(docker.pid(name), pid, "process after the restart")
        docker("exec", name, "true")
        eventually(lambda: docker.inspect(doomed, ".State.Status") == "exited", f"the end of {docker_pid} is noticed")
        expect_equal(docker.inspect(doomed, ".State.ExitCode"), "137")


@test(alone=True)
def a_killed_daemon_recovers_and_restarts_what_it_should(docker):
    docker = docker.other("killed")
    with docker.container("--restart", "always", image=docker.tiny) as lasting, docker.container(image=docker.tiny) as plain:
        pid = docker.pid(lasting)
        docker.daemon.stop(signal.SIGKILL)
        docker.wake()
        eventually(lambda: docker.inspect(lasting, ".State.Running") == "true" and docker.pid(lasting) != pid, "it was restarted", 30)
        eventually(lambda: docker.inspect(plain, ".State.Status") == "exited", "the other one has ended", 30)
        docker("exec", lasting, "true")
        docker("start", plain)
        docker("exec", plain, "true")


def _pid_of(docker, name):
    """The process while no daemon answers: from the state that the daemon wrote."""
    import glob
    import json
    for path in glob.glob(f"{docker.home}/data/containers/*/config.v2.json"):
        with open(path) as file:
            state = json.load(file)
        if state["Name"] == f"/{name}":
            return state["State"]["Pid"]


@test
def a_checkpoint_is_made_and_restored(docker):
    if problem := criu_problem():
        raise Skip(problem)
    with docker.container("--security-opt", "seccomp=unconfined", image=docker.tiny) as name:
        docker("checkpoint", "create", name, "first")
        eventually(lambda: docker.inspect(name, ".State.Status") == "exited", "it is stopped")
        docker("start", "--checkpoint", "first", name)
        docker("exec", name, "true")
