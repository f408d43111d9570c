"""A person's terminal: a command on a pty whose size can change."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

from support.harness import Failed


class Terminal:
    def __init__(self, command, rows=31, columns=97, env=None):
        self.command, self.seen = list(map(str, command)), ""
        self.master, slave = pty.openpty()
        self.resize(rows, columns)
        environment = dict(env or os.environ, TERM="xterm")
        self.process = subprocess.Popen(self.command, stdin=slave, stdout=slave, stderr=slave, env=environment,
                                        start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        os.close(self.master)

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def send(self, text):
        os.write(self.master, text.encode())

    def expect(self, pattern, timeout=15):
        """Reads until the pattern appears, and forgets everything up to its end."""
        deadline = time.monotonic() + timeout
        while not (found := re.search(pattern, self.seen)):
            if not self._read(deadline - time.monotonic()):
                raise Failed(f"terminal of {' '.join(self.command)}: no {pattern!r} within {timeout} s in {self.seen!r}")
        self.seen = self.seen[found.end():]
        return found

    def wait(self, timeout=15):
        deadline = time.monotonic() + timeout
        while self.process.poll() is None:
            self._read(0.05)
            if time.monotonic() > deadline:
                raise Failed(f"terminal of {' '.join(self.command)}: no end within {timeout} s; saw {self.seen!r}")
        return self.process.returncode

    def _read(self, timeout):
        ready, _, _ = select.select([self.master], [], [], max(0, timeout))
        if not ready:
            return False
        try:
            self.seen += os.read(self.master, 65536).decode(errors="replace")
        except OSError:  # EIO: the other side is closed
            time.sleep(0.05)
            return self.process.poll() is None
        return True
