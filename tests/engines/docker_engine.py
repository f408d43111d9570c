"""Docker: a private dockerd (with its own containerd) whose default runtime is the one under test."""
import contextlib
import itertools
import json
import os
import shutil
import signal
import threading

from support import guest_image
from support.daemon import Daemon
from support.harness import Failed, Skip, run

import docker_tests_daemon
import docker_tests_isolation
import docker_tests_limits
import docker_tests_process

TEST_MODULES = [docker_tests_process, docker_tests_limits, docker_tests_isolation, docker_tests_daemon]
# Another client may come first in PATH; Debian's belongs to Debian's daemon.
CLIENT = os.environ.get("DOCKER") or ("/usr/bin/docker" if os.path.exists("/usr/bin/docker") else "docker")


class Engine:
    name = "docker"
    image, tiny = "guest:debian", "guest:tiny"

    def __init__(self, runtime, scratch):
        self.runtime, self.scratch = runtime, scratch
        self._numbers, self._others, self._lock = itertools.count(1), {}, threading.Lock()

    def start(self, label="main", images=("debian", "tiny"), **configuration):
        if not shutil.which("dockerd"):
            raise Skip("dockerd is not installed (Debian: docker.io)")
        self.home = f"{self.scratch}/{label}"
        os.makedirs(self.home)
        self.socket = f"unix:///run/docker-{label}.sock"
        self.environment = dict(os.environ, HOME=self.home, DOCKER_HOST=self.socket, DOCKER_BUILDKIT="0")
        self._configure(label, configuration)
        # A daemon without bridge deletes the bridge of another one, unless it has a network of its own.
        apart = ["unshare", "--net"] if configuration.get("bridge") == "none" else []
        self.daemon = Daemon([*apart, "dockerd", "--config-file", f"{self.home}/daemon.json"], f"{self.home}/dockerd.log",
                             env=dict(self.environment, TMPDIR=self.home))
        self.wake()
        for image in images:
            tar = guest_image.DEBIAN if image == "debian" else guest_image.TINY
            self("import", "-c", "CMD sleep infinity", "-c", f"ENV PATH={guest_image.PATH}", tar, f"guest:{image}")

    def _configure(self, label, more):
        configuration = {
            "hosts": [self.socket], "data-root": f"{self.home}/data", "exec-root": f"/run/docker-{label}",
            "pidfile": f"/run/docker-{label}.pid", "storage-driver": os.environ.get("DOCKER_STORAGE_DRIVER", "overlay2"),
            "exec-opts": ["native.cgroupdriver=cgroupfs"], "cgroup-parent": f"/docker-{label}",
            "runtimes": {"under-test": {"path": self.runtime}}, "default-runtime": "under-test",
            "oom-score-adjust": 0, "experimental": True, "shutdown-timeout": 5, "log-level": "info", **more}
        with open(f"{self.home}/daemon.json", "w") as file:
            json.dump(configuration, file, indent=2)

    def wake(self):
        self.daemon.start(lambda: self.try_("info", timeout=20).status == 0)

    def first_container(self):
        """One run, before everything else: when this fails, nothing else can work."""
        self.run(shell="true")

    def stop(self):
        for other in self._others.values():
            other.stop()
        if getattr(self, "daemon", None):
            self.daemon.stop(timeout=15)

    def other(self, label, **configuration):
        """A second daemon, started when a test first asks for it; no bridge, only the tiny image."""
        with self._lock:
            if label not in self._others:
                self._others[label] = Engine(self.runtime, self.scratch)
                self._others[label].start(label, images=("tiny",), bridge="none", iptables=False, **configuration)
            return self._others[label]

    def log_mark(self):
        return self.daemon.log_mark() if getattr(self, "daemon", None) else 0

    def log_since(self, mark):
        if not getattr(self, "daemon", None):
            return ""
        parts = [self.daemon.log_since(mark)] + [other.log_since(0) for other in self._others.values()]
        return "\n".join(part for part in parts if part)

    # What tests use.

    def command(self, *arguments):
        return [CLIENT, *map(str, arguments)]

    def try_(self, *arguments, **options):
        return run(self.command(*arguments), env=self.environment, **options)

    def __call__(self, *arguments, status=0, **options):
        """Runs a docker command that must end with this status; returns what it printed."""
        outcome = self.try_(*arguments, **options)
        if outcome.status != status:
            raise Failed(f"{outcome.describe()}\nwanted exit status {status}")
        return outcome.out.strip()

    def run(self, *arguments, shell=None, **options):
        """docker run --rm with the Debian image; returns what it printed."""
        command = ["bash", "-c", shell] if shell is not None else []
        image = [] if self.image in arguments or self.tiny in arguments else [self.image]
        return self("run", "--rm", *arguments, *image, *command, **options)

    def new_name(self):
        return f"c{next(self._numbers)}"

    @contextlib.contextmanager
    def container(self, *arguments, shell="exec sleep infinity", image=None):
        """A running container, removed at the end; yields its name."""
        name = self.new_name()
        try:
            shell_program = "sh" if image == self.tiny else "bash"
            self("run", "-d", "--name", name, *arguments, image or self.image, shell_program, "-c", shell)
            yield name
        finally:
            self.try_("rm", "-fv", name)

    def inspect(self, name, field):
        return self("inspect", "-f", "{{" + field + "}}", name)

    def pid(self, name):
        return int(self.inspect(name, ".State.Pid"))

    def folder(self):
        path = f"{self.home}/folder-{self.new_name()}"
        os.mkdir(path)
        os.chmod(path, 0o755)
        return path
