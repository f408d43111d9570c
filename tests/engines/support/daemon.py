"""A daemon that the tests start: its log, waiting until it answers, stopping it by its pid."""
import os
import signal
import subprocess

from support.harness import Failed, eventually

NOISE = ("level=debug", "level=info", "after shim disconnected", "reading from a closed fifo", "file already closed",
         "deprecated", "devmapper", "kernel does not support")


class Daemon:
    def __init__(self, command, log_path, env=None):
        self.command, self.log_path, self.env, self.process = list(map(str, command)), log_path, env, None

    def start(self, is_ready, timeout=60):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env,
                                            start_new_session=True)
        eventually(lambda: self._is_up(is_ready), f"{self.command[0]} answers", timeout)

    def stop(self, number=signal.SIGTERM, timeout=30):
        if not self.process or self.process.poll() is not None:
            return
        self.process.send_signal(number)
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def log_mark(self):
        return os.path.getsize(self.log_path) if os.path.exists(self.log_path) else 0

    def log_since(self, mark):
        """What a person wants to see of the log: no idle talk, not more than a screen."""
        if not os.path.exists(self.log_path):
            return ""
        with open(self.log_path, errors="replace") as log:
            log.seek(mark)
            lines = [line for line in log.read().splitlines() if not any(noise in line for noise in NOISE)]
        return "\n".join(line[:600] for line in lines[-12:])

    def _is_up(self, is_ready):
        if self.process.poll() is not None:
            raise Failed(f"{self.command[0]} ended with {self.process.returncode} at its start")
        return is_ready()
