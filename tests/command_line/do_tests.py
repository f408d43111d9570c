"""`bulkhead do`, by root and by a normal user."""
import os
import signal
import subprocess
import termios
import time

from case import HOME, LIMIT, PATH, RUNTIME, UID, USER, Case, UserCase
from support.terminal import Terminal


class Promises:
    """What holds for everybody."""

    def do(self, *words, **options):
        return self.execute([RUNTIME, "do", *words], **options)

    def shell(self, script, *flags, **options):
        outcome = self.do(*flags, "--", "bash", "-c", script, **options)
        self.assertEqual(outcome.status, 0, outcome)
        return outcome.out.strip()

    def test_the_exit_status_is_the_commands(self):
        cases = ((["true"], 0), (["false"], 1), (["sh", "-c", "exit 77"], 77), (["bash", "-c", "(kill -9 $BASHPID); exit $?"], 137),
                 (["no-such-program"], 127), (["/etc/passwd"], 126), (["bash", "-c", "(kill $BASHPID); exit $?"], 143))
        for command, status in cases:
            outcome = self.do("--", *command)
            self.assertEqual(outcome.status, status, outcome)

    def test_a_file_of_no_known_format_is_not_executable(self):
        with open(f"{self.folder}/strange", "wb") as file:
            file.write(bytes(64))
        os.chmod(f"{self.folder}/strange", 0o755)
        outcome = self.do("--", "./strange")
        self.assertEqual(outcome.status, 126, outcome)
        self.assertIn("strange", outcome.err)

    def test_writes_vanish_and_are_seen_inside_until_then(self):
        with open(f"{self.folder}/kept", "w") as file:
            file.write("old\n")
        os.chown(f"{self.folder}/kept", *self.owner)
        out = self.shell("echo new > kept && echo x > made && mkdir sub && echo y > sub/z && echo t > /tmp/t && cat kept made sub/z /tmp/t")
        self.assertEqual(out.split(), ["new", "x", "y", "t"])
        self.assertEqual(sorted(os.listdir(self.folder)), ["kept"])
        with open(f"{self.folder}/kept") as file:
            self.assertEqual(file.read(), "old\n")

    def test_what_is_writable_really_changes_and_nothing_beside_it(self):
        for name in ("open", "closed"):
            os.mkdir(f"{self.folder}/{name}")
            os.chown(f"{self.folder}/{name}", *self.owner)
        self.shell("echo 1 > open/file; echo 2 > closed/file", "--writable", f"{self.folder}/open")
        with open(f"{self.folder}/open/file") as file:
            self.assertEqual(file.read(), "1\n")
        self.assertEqual((os.stat(f"{self.folder}/open/file").st_uid, os.listdir(f"{self.folder}/closed")), (self.owner[0], []))

    def test_without_a_network_there_is_a_loopback_that_works_and_nothing_else(self):
        script = ("import socket, os; s = socket.create_server(('127.0.0.1', 0)); socket.create_connection(s.getsockname()).close();"
                  "print(socket.if_nameindex(), os.readlink('/proc/self/ns/net'))")
        outcome = self.do("--", "/usr/bin/env", "python3", "-c", script)
        self.assertEqual(outcome.status, 0, outcome)
        self.assertIn("[(1, 'lo')]", outcome.out)
        self.assertNotIn(os.readlink("/proc/self/ns/net"), outcome.out)

    def test_with_network_host_it_is_the_hosts(self):
        self.assertEqual(self.shell("readlink /proc/self/ns/net", "--network", "host"), os.readlink("/proc/self/ns/net"))

    def test_processes_names_and_privileges_are_its_own(self):
        out = self.shell("echo $$; hostname; ls -d /proc/[0-9]* | wc -l; grep NoNewPrivs /proc/self/status").split()
        self.assertEqual(out[0], "2")  # process 1 reaps and hands signals on
        self.assertNotEqual(out[1], os.uname().nodename)
        self.assertLess(int(out[2]), 6)
        self.assertEqual(out[4], "1")

    def test_environment_and_folder_are_as_asked_for(self):
        os.mkdir(f"{self.folder}/here")
        environment = {"PATH": PATH, "MINE": "own value", "SECRET": "not passed on", "HOME": "/"}
        if self.owner[0]:
            environment = {**self.environment, **environment, "HOME": HOME}
        out = self.shell("pwd; echo $A; echo $MINE; echo ${SECRET-unset}", "-e", "A=b c", "--env", "MINE", "--cwd", f"{self.folder}/here", env=environment)
        self.assertEqual(out.split("\n"), [f"{self.folder}/here", "b c", "own value", "unset"])
        self.assertEqual(self.shell("pwd", "--cwd", "/usr/bin"), "/usr/bin")

    def test_standard_input_and_output_are_pipes_all_the_way(self):
        data = os.urandom(1 << 20).hex().encode()
        outcome = self.do("--", "cat", input=data)
        self.assertEqual((outcome.status, outcome.out == data.decode()), (0, True), outcome.err)
        outcome = self.do("--", "sh", "-c", "echo out; echo err >&2")
        self.assertEqual((outcome.out, outcome.err.splitlines()[-1]), ("out\n", "err"))

    def test_a_signal_to_it_reaches_the_command(self):
        process = subprocess.Popen([RUNTIME, "do", "--", "bash", "-c", "trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done"],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=self.folder, **self.identity)
        self.assertEqual(process.stdout.readline(), "ready\n")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(LIMIT), 9)
        process.stdout.close()

    def test_ctrl_c_and_a_signal_end_a_program_that_does_not_expect_to_be_process_1(self):
        with Terminal([*self.as_whom, RUNTIME, "do", "--", "sh", "-c", "echo ready; exec sleep 300"], env=self.terminal_environment) as terminal:
            terminal.expect("ready")
            terminal.send("\x03")
            self.assertEqual(terminal.wait(), 130)
        process = subprocess.Popen([RUNTIME, "do", "--", "sh", "-c", "echo ready; exec sleep 300"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, text=True, cwd=self.folder, **self.identity)
        self.assertEqual(process.stdout.readline(), "ready\n")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(LIMIT), 143)
        process.stdout.close()

    def test_orphans_are_reaped_and_end_with_the_command(self):
        self.assertEqual(self.shell("(sleep 0.01 &); (sleep 300 &); sleep 0.3; ps -eo stat= | grep -c Z || true"), "0")

    def test_on_a_terminal_size_ctrl_c_and_job_control_work(self):
        with Terminal([*self.as_whom, RUNTIME, "do", "-e", "PS1=ready> ", "--", "bash", "--norc", "-i"], env=self.terminal_environment) as terminal:
            terminal.expect("ready> ")
            terminal.send("stty size\n")
            terminal.expect(r"31 97\r\n")
            terminal.send("stty -opost; printf 'a\\nb\\n'; stty opost\n")
            terminal.expect(r"a\nb\n")
            terminal.resize(40, 120)
            terminal.send("sleep 0.1; stty size\n")
            terminal.expect(r"40 120\r\n")
            terminal.send("sleep 300\n")
            time.sleep(0.3)
            terminal.send("\x03")
            terminal.expect(r"(?s)\^C.*ready> ")
            terminal.send("sleep 301\n")
            time.sleep(0.3)
            terminal.send("\x1a")
            terminal.expect("Stopped")
            terminal.send("jobs; kill %1; wait; tty; exit 21\n")
            terminal.expect("sleep 301")
            self.assertEqual(terminal.wait(), 21)
            self.assertTrue(termios.tcgetattr(terminal.master)[3] & termios.ECHO, "the terminal's settings were not restored")

    def test_what_it_cannot_do_is_said(self):
        for words, part in ((["--writable", "/", "--", "true"], "nothing to protect"), (["--network", "some", "--", "true"], "--network"),
                            (["--memory", "many", "--", "true"], "--memory"), (["--user", "no-such-user", "--", "true"], "no-such-user"),
                            (["--cwd", "/no/such/folder", "--", "true"], "/no/such/folder"), ([], "which command"),
                            (["--writable", "/no/such", "--", "true"], "/no/such")):
            outcome = self.do(*words)
            self.assertEqual(outcome.status, 125, outcome)
            self.assertIn(part, outcome.err)


class DoByRoot(Promises, Case):
    subject = "do, by root"
    identity, as_whom = {}, []
    terminal_environment = dict(os.environ, PATH=PATH)

    def test_the_hosts_files_can_be_changed_inside_and_stay_as_they_are(self):
        with open("/etc/debian_version") as file:
            before = file.read()
        self.assertEqual(self.shell("echo gone > /etc/debian_version; rm -rf /usr/bin/env; touch /root/x /usr/x /var/x; cat /etc/debian_version"), "gone")
        with open("/etc/debian_version") as file:
            self.assertEqual(file.read(), before)
        self.assertTrue(os.path.exists("/usr/bin/env"))
        self.assertFalse(any(os.path.exists(path) for path in ("/root/x", "/usr/x", "/var/x")))

    def test_more_memory_than_allowed_is_the_end_of_it(self):
        outcome = self.do("--memory", "64m", "--", "python3", "-c", "x = bytearray(300 << 20); print(len(x))", env=self.terminal_environment)
        self.assertEqual((outcome.status, outcome.out), (137, ""), outcome)
        self.shell("true", "-m", "1g")

    def test_the_user_is_the_one_asked_for(self):
        self.assertEqual(self.shell("id -u; id -g", "--user", "nobody").split(), ["65534", "65534"])
        self.assertEqual(self.shell("id -u; id -g; id -G", "-u", "1234:5678").split(), ["1234", "5678", "5678"])
        self.assertEqual(self.do("--user", "nobody", "--", "cat", "/etc/shadow").status, 1)


class DoByAUser(Promises, UserCase):
    subject = "do, by a user"
    identity = {"user": UID, "group": UID, "extra_groups": [], "env": UserCase.environment}
    as_whom = ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups"]
    terminal_environment = UserCase.environment

    def test_the_caller_is_root_inside_and_gains_nothing_by_it(self):
        self.assertEqual(self.shell("id -u"), "0")
        self.shell("echo x > /etc/made")
        for script in ("cat /etc/shadow", "mknod /tmp/node c 1 1", "mount -t proc proc /tmp"):
            self.assertNotEqual(self.do("--", "bash", "-c", script).status, 0, script)
        self.assertFalse(os.path.exists("/etc/made"))

    def test_a_limit_that_cannot_be_kept_is_an_error(self):
        outcome = self.do("--memory", "64m", "--", "true")
        self.assertEqual(outcome.status, 125, outcome)
        self.assertIn("leave --memory out", outcome.err)

    def test_a_user_without_a_runtime_folder_can_use_it(self):
        environment = {name: value for name, value in self.environment.items() if name not in ("XDG_RUNTIME_DIR", "USER")}
        self.assertEqual(self.do("--", "true", env=environment).status, 0)

    def test_another_user_cannot_be_had(self):
        outcome = self.do("--user", "nobody", "--", "true")
        self.assertEqual(outcome.status, 125, outcome)
        self.assertIn("one user only", outcome.err)
        self.assertNotIn(USER, outcome.out)
