"""Terminals: run in the foreground, console sockets, exec -t, and what may not be combined."""
import contextlib
import json
import os
import pty
import select
import signal
import socket
import termios
import time

from case import RUNTIME, Case
from support.terminal import Terminal


class TerminalTests(Case):
    subject = "terminal"

    def terminal(self, *words):
        return Terminal(self.command(*words), env=dict(os.environ))

    @contextlib.contextmanager
    def console(self):
        """A console socket; yields its path and a function that takes the terminal's other side."""
        path = f"{self.folder}/console-{next(self.numbers)}"
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path)
            server.listen(1)
            server.settimeout(15)

            def receive():
                connection, _ = server.accept()
                with connection:
                    connection.settimeout(15)
                    _, descriptors, _, _ = socket.recv_fds(connection, 4096, 4)
                self.assertEqual(len(descriptors), 1)
                return descriptors[0]
            yield path, receive
        os.unlink(path)

    def read_text(self, path):
        with open(path) as file:
            return file.read()

    def read_until(self, descriptor, part, seconds=15):
        text, deadline = "", time.monotonic() + seconds
        while part not in text:
            ready, _, _ = select.select([descriptor], [], [], max(0, deadline - time.monotonic()))
            self.assertTrue(ready, f"no {part!r} in {text!r}")
            try:
                text += os.read(descriptor, 4096).decode()
            except OSError:  # EIO: the other side is closed
                self.assertIn(part, text)
        return text

    def test_run_hands_on_size_keys_and_resizes_and_restores_the_terminal(self):
        bundle = self.simple_bundle("sh", "-c", "stty size; trap 'stty size; exit 6' WINCH; echo waiting; while :; do sleep 0.05; done", terminal=True)
        with self.terminal("run", "-b", bundle, "one") as terminal:
            before = termios.tcgetattr(terminal.master)
            terminal.expect(r"31 97\r\n")
            terminal.expect("waiting")
            during = termios.tcgetattr(terminal.master)
            self.assertFalse(during[3] & (termios.ECHO | termios.ICANON | termios.ISIG), "the outer terminal is not raw")
            terminal.resize(50, 60)
            terminal.expect(r"50 60\r\n")
            self.assertEqual(terminal.wait(), 6)
            self.assertEqual(termios.tcgetattr(terminal.master), before)

    def test_ctrl_c_goes_to_the_program_and_not_to_the_runtime(self):
        bundle = self.simple_bundle("sh", "-c", "trap 'echo caught; exit 8' INT; echo waiting; while :; do sleep 0.05; done", terminal=True)
        with self.terminal("run", "-b", bundle, "one") as terminal:
            terminal.expect("waiting")
            terminal.send("\x03")
            terminal.expect("caught")
            self.assertEqual(terminal.wait(), 8)

    def test_the_terminal_is_restored_when_the_runtime_is_told_to_end(self):
        bundle = self.simple_bundle("sleep", "60", terminal=True)
        with self.terminal("run", "-b", bundle, "one") as terminal:
            before = termios.tcgetattr(terminal.master)
            self.wait_for(lambda: not termios.tcgetattr(terminal.master)[3] & termios.ECHO, "the terminal is raw")
            self.wait_for(lambda: self.call("state", "one").status == 0 and self.status_of("one") == "running", "it runs")
            self.succeed("kill", "one", "KILL")
            self.assertEqual(terminal.wait(), 137)
            self.assertEqual(termios.tcgetattr(terminal.master), before)

    def test_create_sends_the_terminal_to_the_console_socket(self):
        bundle = self.simple_bundle("sh", "-c", "read line; echo got $line; tty; exit 3", terminal=True)
        with self.console() as (path, receive):
            self.succeed("create", "-b", bundle, "--console-socket", path, "one")
            master = receive()
            try:
                self.succeed("start", "one")
                os.write(master, b"hello\n")
                self.assertIn("got hello", self.read_until(master, "/dev/pts/0"))
            finally:
                os.close(master)
        self.wait_for(lambda: self.status_of("one") == "stopped", "the container stops")
        self.succeed("delete", "one")

    def test_exec_gives_a_terminal_of_its_own(self):
        self.succeed("run", "--detach", "-b", self.simple_bundle("sleep", "60"), "one")
        with self.terminal("exec", "-t", "one", "sh", "-c", "tty; stty size; ps -o pid,tty | grep -c pts; read key; exit $key") as terminal:
            before = termios.tcgetattr(terminal.master)
            terminal.expect(r"/dev/pts/\d+\r\n31 97\r\n")
            terminal.send("12\r")
            self.assertEqual(terminal.wait(), 12)
            self.assertEqual(termios.tcgetattr(terminal.master), before)
        with self.console() as (path, receive):
            self.succeed("exec", "-t", "-d", "--console-socket", path, "--pid-file", f"{self.folder}/pid", "one", "sh", "-c", "echo over there; sleep 60")
            master = receive()
            self.read_until(master, "over there")
            os.close(master)
        self.succeed("delete", "--force", "one")

    def test_a_pidfd_of_each_process_is_sent_to_the_pidfd_socket(self):
        bundle = self.simple_bundle("sleep", "60")
        with self.console() as (path, receive):
            self.succeed("create", "-b", bundle, "--pidfd-socket", path, "one")
            first = receive()
            try:
                signal.pidfd_send_signal(first, 0)
                self.assertIn(f"Pid:\t{json.loads(self.succeed('state', 'one'))['pid']}\n", self.read_text(f"/proc/self/fdinfo/{first}"))
            finally:
                os.close(first)
        self.succeed("start", "one")
        with self.console() as (path, receive):
            self.succeed("exec", "-d", "--pidfd-socket", path, "--pid-file", f"{self.folder}/pid", "one", "sleep", "60")
            second = receive()
            try:
                self.assertIn(f"Pid:\t{self.read_text(self.folder + '/pid')}\n", self.read_text(f"/proc/self/fdinfo/{second}"))
            finally:
                os.close(second)
        self.succeed("delete", "--force", "one")
        outcome = self.call("create", "-b", bundle, "--pidfd-socket", f"{self.folder}/none", "two")
        self.assertEqual(outcome.status, 1, outcome)
        self.assertIn("--pidfd-socket", outcome.err)

    def test_without_a_terminal_here_exec_t_and_run_still_work(self):
        outcome = self.call("run", "-b", self.simple_bundle("sh", "-c", "test -t 1 && echo terminal; exit 2", terminal=True), "one")
        self.assertEqual((outcome.status, outcome.out), (2, "terminal\r\n"), outcome)

    def test_what_may_not_be_combined_is_said(self):
        with_terminal, without = self.simple_bundle("true", terminal=True), self.simple_bundle("true")
        with self.console() as (path, _):
            for words, part in ((["create", "-b", with_terminal], "console socket"), (["run", "-d", "-b", with_terminal], "console socket"),
                                (["create", "-b", without, "--console-socket", path], "console socket"),
                                (["run", "-b", with_terminal, "--console-socket", path], "console socket"),
                                (["create", "-b", with_terminal, "--console-socket", f"{self.folder}/none"], f"{self.folder}/none")):
                outcome = self.call(*words, "one")
                self.assertEqual(outcome.status, 1, outcome)
                self.assertIn(part, outcome.err)
                self.assertEqual(self.succeed("list", "-q"), "")

    def test_a_detached_container_holds_nothing_of_its_caller_but_the_given_streams(self):
        master, slave = pty.openpty()
        try:
            outcome = self.call("run", "--detach", "--pid-file", f"{self.folder}/pid", "-b", self.simple_bundle("sleep", "60"), "one", pass_fds=[master, slave])
        finally:
            os.close(master)
            os.close(slave)
        self.assertEqual(outcome.status, 0, outcome)
        with open(f"{self.folder}/pid") as file:
            pid = file.read()
        self.assertEqual(sorted(os.listdir(f"/proc/{pid}/fd")), ["0", "1", "2"])
        self.assertNotIn(RUNTIME, os.readlink(f"/proc/{pid}/exe"))
