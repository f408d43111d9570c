"""containerd: a private daemon, driven with ctr (runc-v2 shim, BinaryName) and through its CRI socket."""
import contextlib
import itertools
import os
import shutil

from support import guest_image
from support.daemon import Daemon
from support.harness import Failed, Skip, run

import containerd_cri_tests
import containerd_tests

TEST_MODULES = [containerd_tests, containerd_cri_tests]

CONFIGURATION = """
version = 2
root = "{scratch}/root"
state = "/run/containerd-test/state"
oom_score = 0
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs",
                    "io.containerd.snapshotter.v1.devmapper", "io.containerd.tracing.processor.v1.otlp"]
[grpc]
address = "/run/containerd-test/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
restrict_oom_score_adj = true
sandbox_image = "localhost/guest:tiny"
max_container_log_line_size = 16384
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "/run/containerd-test/cni"
[plugins."io.containerd.grpc.v1.cri".containerd]
default_runtime_name = "under-test"
snapshotter = "{snapshotter}"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.under-test]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.under-test.options]
BinaryName = "{runtime}"
SystemdCgroup = false
"""
CNI = """{"cniVersion": "0.4.0", "name": "pods", "plugins": [
 {"type": "bridge", "bridge": "pods0", "isGateway": true, "ipMasq": false,
  "ipam": {"type": "host-local", "subnet": "10.77.0.0/16", "dataDir": "/run/containerd-test/addresses"}},
 {"type": "loopback"}]}"""


class Engine:
    name = "containerd"
    image, tiny = "localhost/guest:debian", "localhost/guest:tiny"
    socket = "/run/containerd-test/containerd.sock"

    def __init__(self, runtime, scratch):
        self.runtime, self.scratch = runtime, scratch
        self._numbers = itertools.count(1)
        self.snapshotter = os.environ.get("CONTAINERD_SNAPSHOTTER", "overlayfs")

    def start(self):
        for program in ("containerd", "ctr", "containerd-shim-runc-v2"):
            if not shutil.which(program):
                raise Skip(f"{program} is not installed")
        os.makedirs("/run/containerd-test/cni")
        with open("/run/containerd-test/cni/pods.conflist", "w") as file:
            file.write(CNI)
        with open(f"{self.scratch}/config.toml", "w") as file:
            file.write(CONFIGURATION.replace("{scratch}", self.scratch).replace("{runtime}", self.runtime)
                       .replace("{snapshotter}", self.snapshotter))
        self.daemon = Daemon(["containerd", "--config", f"{self.scratch}/config.toml"], f"{self.scratch}/containerd.log")
        self.daemon.start(lambda: self.try_("version", timeout=10).status == 0)
        # The images of CRI live in a namespace of their own.
        for namespace, images in (("engine-tests", (guest_image.DEBIAN, guest_image.TINY)), ("k8s.io", (guest_image.TINY,))):
            for tar in images:
                self.in_namespace(namespace, "image", "import", "--snapshotter", self.snapshotter, guest_image.archive_of(tar))

    def first_container(self):
        """One run, before everything else: when this fails, nothing else can work."""
        self.run(shell="true")

    def stop(self):
        if not getattr(self, "daemon", None) or not self.daemon.process:
            return
        with contextlib.suppress(Failed):
            for name in self("tasks", "ls", "-q", timeout=10).split():
                self.try_("tasks", "rm", "--force", name, timeout=20)
        self.daemon.stop(timeout=15)

    def log_mark(self):
        return self.daemon.log_mark() if getattr(self, "daemon", None) else 0

    def log_since(self, mark):
        return self.daemon.log_since(mark) if getattr(self, "daemon", None) else ""

    # What tests use.

    def command(self, *arguments, namespace="engine-tests"):
        return ["ctr", "--address", self.socket, "--namespace", namespace, *map(str, arguments)]

    def in_namespace(self, namespace, *arguments, status=0):
        outcome = run(self.command(*arguments, namespace=namespace))
        if outcome.status != status:
            raise Failed(outcome.describe())
        return outcome.out.strip()

    def try_(self, *arguments, **options):
        return run(self.command(*arguments), **options)

    def __call__(self, *arguments, status=0, **options):
        outcome = self.try_(*arguments, **options)
        if outcome.status != status:
            raise Failed(f"{outcome.describe()}\nwanted exit status {status}")
        return outcome.out.strip()

    def run_command(self, *arguments):
        return ["run", "--runtime", "io.containerd.runc.v2", "--runc-binary", self.runtime, "--snapshotter", self.snapshotter, *arguments]

    def try_run(self, *options, shell=None, command=None, image=None, **more):
        """ctr run --rm OPTIONS IMAGE ID COMMAND."""
        process = command or ["bash", "-c", shell]
        return self.try_(*self.run_command("--rm", *options, image or self.image, self.new_name(), *process), **more)

    def run(self, *options, status=0, **more):
        outcome = self.try_run(*options, **more)
        if outcome.status != status:
            raise Failed(f"{outcome.describe()}\nwanted exit status {status}")
        return outcome.out.strip()

    def new_name(self):
        return f"t{next(self._numbers)}"

    @contextlib.contextmanager
    def container(self, *options, shell="exec sleep infinity", image=None):
        """A detached task, whose output goes to a file; yields its name."""
        name = self.new_name()
        try:
            self(*self.run_command("-d", "--log-uri", f"file://{self.log_of(name)}", *options, image or self.image, name, "bash", "-c", shell))
            yield name
        finally:
            self.try_("tasks", "rm", "--force", name)
            self.try_("containers", "rm", name)

    def log_of(self, name):
        return f"{self.scratch}/{name}.log"

    def output(self, name):
        with open(self.log_of(name)) as file:
            return file.read()

    def exec(self, name, *command, status=0, options=(), **more):
        return self("tasks", "exec", "--exec-id", self.new_name(), *options, name, *command, status=status, **more)

    def task(self, name):
        """(pid, status) as `ctr tasks ls` tells them, or None."""
        for line in self("tasks", "ls").splitlines()[1:]:
            fields = line.split()
            if fields[0] == name:
                return int(fields[1]), fields[2]
        return None

    def folder(self):
        path = f"{self.scratch}/folder-{self.new_name()}"
        os.mkdir(path)
        os.chmod(path, 0o755)
        return path
