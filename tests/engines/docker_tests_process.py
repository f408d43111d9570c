"""Docker: processes, terminals, exec, logs, signals, and a container's life."""
import re
import subprocess
import time

from support.harness import eventually, expect, expect_equal, expect_in, run, test
from support.host_view import host_capabilities, needs_every_capability
from support.terminal import Terminal


@test
def run_prints_the_output_and_returns_the_exit_status(docker):
    expect_equal(docker.run(shell="echo out; echo err >&2; exit 0"), "out")
    for status in (1, 42, 255):
        docker.run(shell=f"exit {status}", status=status)


@test
def a_process_that_dies_of_a_signal_gives_128_plus_its_number(docker):
    docker.run(shell="kill -SEGV $BASHPID; sleep 1", status=0)  # process 1 is immune to its own signals
    docker.run("--init", shell="kill -SEGV $BASHPID", status=139)


@test
def standard_input_is_piped_to_the_process(docker):
    expect_equal(docker.run("-i", docker.image, "tr", "a-z", "A-Z", input="hello\n" * 3), "HELLO\n" * 2 + "HELLO")
    sent = "x" * (1 << 20)
    expect_equal(docker.run("-i", docker.image, "wc", "-c", input=sent), str(len(sent)), "bytes through a pipe")


@test
def a_terminal_has_its_size_at_start_and_after_a_resize(docker):
    with Terminal(docker.command("run", "--rm", "-it", docker.image, "bash", "--norc"), 31, 97, docker.environment) as person:
        person.expect(r"[#$] ")
        # The client sends the first size after the start, so the first question may come too early.
        _wait_for_size(person, 31, 97)
        person.resize(44, 132)
        _wait_for_size(person, 44, 132)
        person.send("tty; exit 5\r")
        person.expect(r"/dev/(pts/0|console)")
        expect_equal(person.wait(), 5, "exit status")


def _wait_for_size(person, rows, columns):
    for _ in range(20):
        person.send("stty size\r")
        if person.expect(r"[\r\n](\d+) (\d+)\r").groups() == (str(rows), str(columns)):
            return
        time.sleep(0.1)
    expect(False, f"the terminal never became {rows} {columns}; last seen {person.seen!r}")


@test
def control_c_on_the_terminal_interrupts_the_process(docker):
    command = docker.command("run", "--rm", "-it", docker.image, "bash", "-c", "trap 'exit 9' INT; echo up; sleep 30 & wait")
    with Terminal(command, env=docker.environment) as person:
        person.expect("up")
        person.send("\x03")
        expect_equal(person.wait(), 9, "exit status")


@test
def exec_runs_another_process_and_returns_its_status(docker):
    with docker.container() as name:
        expect_equal(docker("exec", name, "cat", "/proc/1/comm"), "sleep")
        docker("exec", name, "sh", "-c", "exit 13", status=13)
        expect_equal(docker("exec", "-i", name, "cat", input="through\n"), "through")


@test
def exec_takes_user_directory_and_environment(docker):
    with docker.container("-e", "OUTER=1") as name:
        out = docker("exec", "-u", "33:12", "-w", "/usr/lib", "-e", "INNER=2", name, "sh", "-c", "id -u; id -g; pwd; echo $OUTER$INNER")
        expect_equal(out.split(), ["33", "12", "/usr/lib", "12"])
        expect_equal(docker("exec", "-u", "www-data", name, "id", "-un"), "www-data")


@test
def exec_with_a_terminal_can_be_resized(docker):
    with docker.container() as name:
        with Terminal(docker.command("exec", "-it", name, "bash", "--norc"), 20, 61, docker.environment) as person:
            person.expect(r"[#$] ")
            _wait_for_size(person, 20, 61)
            person.resize(25, 83)
            _wait_for_size(person, 25, 83)
            person.send("exit 3\r")
            expect_equal(person.wait(), 3, "exit status")


@test
def a_detached_exec_goes_on_by_itself(docker):
    with docker.container() as name:
        docker("exec", "-d", name, "sh", "-c", "echo yes > /tmp/mark; exec sleep 4321")
        eventually(lambda: docker.try_("exec", name, "cat", "/tmp/mark").out == "yes\n", "the detached process wrote its file")
        expect_in("sleep 4321", docker("top", name))


@test
def exec_joins_the_containers_namespaces_and_cgroup(docker):
    with docker.container() as name:
        script = "for n in cgroup ipc mnt net pid uts; do readlink /proc/$1/ns/$n; done; cat /proc/$1/cgroup"
        first = docker("exec", name, "bash", "-c", script, "_", "1")
        expect_equal(docker("exec", name, "bash", "-c", script, "_", "self"), first)


@test
def a_privileged_exec_has_every_capability(docker):
    with docker.container() as name, needs_every_capability():
        expect_equal(docker("exec", "--privileged", name, "grep", "CapEff", "/proc/self/status").split()[1], host_capabilities())


@test
def exec_of_an_unknown_command_is_126_or_127(docker):
    with docker.container() as name:
        outcome = docker.try_("exec", name, "no-such-program")
        expect(outcome.status in (126, 127), outcome.describe())
        expect_in("no-such-program", outcome.out + outcome.err)
        outcome = docker.try_("exec", name, "/etc/passwd")
        expect_equal(outcome.status, 126, outcome.describe())


@test
def logs_keep_both_streams(docker):
    with docker.container(shell="echo one; echo two >&2; sleep 0.3; echo three; sleep infinity") as name:
        eventually(lambda: "three" in docker("logs", name), "the log is complete")
        outcome = docker.try_("logs", name)
        expect_equal((outcome.out, outcome.err), ("one\nthree\n", "two\n"))
        expect_equal(docker("logs", "--tail", "1", name), "three")


@test
def attach_gives_input_and_the_exit_status(docker):
    with docker.container("-i", shell="read line; echo got $line; sleep 0.3; exit 6") as name:
        # The daemon closes the output when the input ends, so the input has to stay open for a while.
        line = "(echo something; sleep 2) | " + " ".join(docker.command("attach", name))
        outcome = run(["bash", "-c", line], env=docker.environment)
        expect_equal((outcome.out, outcome.status), ("got something\n", 6))


@test
def wait_returns_the_exit_status(docker):
    with docker.container(shell="sleep 1; exit 7") as name:
        expect_equal(docker("wait", name), "7")


@test
def top_and_stats_see_the_processes_and_their_memory(docker):
    with docker.container(shell="sleep 1234 & sleep 5678 & wait") as name:
        listing = docker("top", name, "-eo", "pid,args")
        for part in ("sleep 1234", "sleep 5678"):
            expect_in(part, listing)
        memory, pids = docker("stats", "--no-stream", "--format", "{{.MemUsage}}|{{.PIDs}}", name).split("|")
        expect(re.match(r"[1-9][\d.]*[KM]iB /", memory), f"memory figure {memory!r}")
        expect_equal(pids, "3", "number of processes")


@test
def a_paused_container_makes_no_progress(docker):
    folder = docker.folder()
    with docker.container("-v", f"{folder}:/shared", shell="while :; do echo >> /shared/ticks; sleep 0.02; done") as name:
        ticks = lambda: len(open(f"{folder}/ticks").read())
        eventually(lambda: ticks() > 5, "it ticks")
        docker("pause", name)
        expect_equal(docker.inspect(name, ".State.Status"), "paused")
        before = ticks()
        time.sleep(0.4)
        expect_equal(ticks(), before, "ticks while paused")
        docker("exec", name, "true", status=1)
        docker("unpause", name)
        eventually(lambda: ticks() > before + 3, "it ticks again")


@test
def a_paused_container_can_be_removed_by_force(docker):
    with docker.container() as name:
        docker("pause", name)
        docker("rm", "-f", name)


@test
def kill_delivers_the_signal_asked_for(docker):
    with docker.container(shell="trap 'echo usr1' USR1; trap 'exit 8' HUP; echo up; while :; do sleep 0.05; done") as name:
        eventually(lambda: "up" in docker("logs", name), "it is up")
        docker("kill", "-s", "USR1", name)
        eventually(lambda: "usr1" in docker("logs", name), "the trap ran")
        docker("kill", "-s", "1", name)
        expect_equal(docker("wait", name), "8")
    with docker.container() as name:
        docker("kill", name)
        expect_equal(docker("wait", name), "137")
        docker("kill", name, status=1)


@test
def stop_asks_first_and_kills_after_the_time_limit(docker):
    with docker.container(shell="trap 'exit 5' TERM; echo up; while :; do sleep 0.05; done") as name:
        eventually(lambda: "up" in docker("logs", name), "it is up")
        docker("stop", "-t", "10", name)
        expect_equal(docker.inspect(name, ".State.ExitCode"), "5")
    with docker.container(shell="trap '' TERM; echo up; while :; do sleep 0.05; done") as name:
        eventually(lambda: "up" in docker("logs", name), "it is up")
        begun = time.monotonic()
        docker("stop", "-t", "1", name)
        expect(time.monotonic() - begun < 8, "stop took too long")
        expect_equal(docker.inspect(name, ".State.ExitCode"), "137")


@test
def the_stop_signal_of_the_container_is_used(docker):
    with docker.container("--stop-signal", "USR2", shell="trap 'exit 21' USR2; echo up; while :; do sleep 0.05; done") as name:
        eventually(lambda: "up" in docker("logs", name), "it is up")
        docker("stop", "-t", "10", name)
        expect_equal(docker.inspect(name, ".State.ExitCode"), "21")


@test
def restart_gives_a_new_process_in_the_same_container(docker):
    with docker.container(shell="echo start >> /root/starts; exec sleep infinity") as name:
        eventually(lambda: docker.try_("exec", name, "cat", "/root/starts").out == "start\n", "the first start")
        first = docker.pid(name)
        docker("restart", "-t", "0", name)
        expect(docker.pid(name) != first, "the process is the old one")
        eventually(lambda: docker("exec", name, "cat", "/root/starts").split() == ["start", "start"], "the second start")


@test
def the_restart_policy_counts_its_tries(docker):
    with docker.container("--restart", "on-failure:2", shell="exit 3") as name:
        eventually(lambda: docker.inspect(name, ".RestartCount .State.Status .State.ExitCode".replace(" ", "}} {{")) == "2 exited 3",
                   "two restarts, then exited with 3")


@test
def a_healthcheck_follows_the_container_state(docker):
    with docker.container("--health-cmd", "test -e /tmp/healthy", "--health-interval", "0.5s", "--health-retries", "1") as name:
        status = lambda: docker.inspect(name, ".State.Health.Status")
        eventually(lambda: status() == "unhealthy", "it is unhealthy")
        docker("exec", name, "touch", "/tmp/healthy")
        eventually(lambda: status() == "healthy", "it is healthy")


@test
def an_unknown_command_is_exit_127_and_named(docker):
    outcome = docker.try_("run", "--rm", docker.image, "no-such-program")
    expect_equal(outcome.status, 127, outcome.describe())
    expect_in("no-such-program", outcome.err)
    outcome = docker.try_("run", "--rm", docker.image, "/no/such/file")
    expect_equal(outcome.status, 127, outcome.describe())


@test
def a_file_that_is_not_executable_is_exit_126_and_named(docker):
    for program in ("/etc/passwd", "/etc"):
        outcome = docker.try_("run", "--rm", docker.image, program)
        expect_equal(outcome.status, 126, outcome.describe())
        expect_in(program, outcome.err)


@test
def a_failed_start_leaves_nothing_running(docker):
    name = docker.new_name()
    docker("run", "--name", name, docker.image, "no-such-program", status=127)
    expect_equal(docker.inspect(name, ".State.Status"), "created")
    docker("rm", name)


@test
def an_init_process_reaps_and_forwards_signals(docker):
    with docker.container("--init", shell="trap 'exit 11' TERM; (sleep 0.1 & exec true) & while :; do sleep 0.05; done") as name:
        expect_equal(docker("exec", name, "cat", "/proc/1/comm"), "docker-init")
        time.sleep(0.3)
        eventually(lambda: " Z" not in docker("exec", name, "ps", "-eo", "pid,stat"), "no zombie is left")
        docker("stop", "-t", "10", name)
        expect_equal(docker.inspect(name, ".State.ExitCode"), "11")


@test
def events_tell_the_container_story(docker):
    begun = time.time()
    with docker.container(shell="exit 4") as name:
        docker("wait", name)
        out = docker("events", "--since", int(begun), "--until", f"{time.time() + 1:.0f}", "--filter", f"container={name}",
                     "--format", "{{.Action}} {{index .Actor.Attributes \"exitCode\"}}")
        lines = [line.strip() for line in out.splitlines()]
        for wanted in ("create", "start", "die 4"):
            expect(any(line.startswith(wanted) for line in lines), f"no event {wanted!r} in {lines}")


@test
def twenty_containers_at_once_keep_their_own_results(docker):
    commands = [docker.command("run", "--rm", docker.tiny, "sh", "-c", f"echo number {i}; exit {i}") for i in range(20)]
    started = [subprocess.Popen(c, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=docker.environment) for c in commands]
    for i, process in enumerate(started):
        out, err = process.communicate(timeout=120)
        expect_equal((out, process.returncode), (f"number {i}\n", i), err)
