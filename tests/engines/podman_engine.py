"""Podman: no daemon; its settings are in /etc/containers of the private host, its containers under conmon."""
import contextlib
import itertools
import json
import os
import shutil

from support import guest_image
from support.harness import Failed, Skip, run

import podman_tests

TEST_MODULES = [podman_tests]

CONTAINERS_CONF = """
[containers]
# Without CAP_SYS_RESOURCE nobody can raise limits, and Podman's defaults do.
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
log_driver = "k8s-file"
init_path = "/usr/bin/tini-static"
[engine]
runtime = "under-test"
cgroup_manager = "cgroupfs"
events_logger = "file"
image_default_transport = "containers-storage:"
infra_image = "localhost/guest:tiny"
infra_command = "/bin/sleep infinity"
runtime_supports_json = ["under-test"]
[engine.runtimes]
under-test = ["{runtime}"]
[network]
network_backend = "cni"
default_subnet = "10.88.0.0/16"
"""
STORAGE_CONF = """
[storage]
driver = "{driver}"
graphroot = "{scratch}/storage"
runroot = "/run/containers/storage"
rootless_storage_path = "$HOME/storage"
"""


class Engine:
    name = "podman"
    image, tiny = "localhost/guest:debian", "localhost/guest:tiny"

    def __init__(self, runtime, scratch):
        self.runtime, self.scratch = runtime, scratch
        self._numbers = itertools.count(1)
        self.environment = dict(os.environ, HOME=f"{scratch}", TMPDIR=scratch)

    def start(self):
        for program in ("podman", "conmon"):
            if not shutil.which(program):
                raise Skip(f"{program} is not installed")
        if not os.path.isdir("/etc/containers"):
            raise Skip("there is no folder /etc/containers: install podman with its recommended packages")
        os.chmod(self.scratch, 0o755)
        driver = os.environ.get("PODMAN_STORAGE_DRIVER", "overlay")
        for file, text in (("containers.conf", CONTAINERS_CONF.replace("{runtime}", self.runtime)),
                           ("storage.conf", STORAGE_CONF.replace("{driver}", driver).replace("{scratch}", self.scratch)),
                           ("registries.conf", ""), ("policy.json", json.dumps({"default": [{"type": "insecureAcceptAnything"}]}))):
            with open(f"/etc/containers/{file}", "w") as out:
                out.write(text)
        for tar, name in ((guest_image.DEBIAN, self.image), (guest_image.TINY, self.tiny)):
            self("import", "-c", "CMD sleep infinity", "-c", f"ENV PATH={guest_image.PATH}", tar, name)

    def first_container(self):
        """One run, before everything else: when this fails, nothing else can work."""
        self.run(shell="true")

    def stop(self):
        with contextlib.suppress(Failed):
            self.try_("rm", "--all", "--force", "--time", "0", timeout=30)
            self.try_("pod", "rm", "--all", "--force", timeout=20)

    def log_mark(self):
        return 0

    def log_since(self, _):
        return ""

    # What tests use.

    def command(self, *arguments):
        return ["podman", *map(str, arguments)]

    def try_(self, *arguments, **options):
        return run(self.command(*arguments), env=self.environment, **{"cwd": self.scratch, **options})

    def __call__(self, *arguments, status=0, **options):
        outcome = self.try_(*arguments, **options)
        if outcome.status != status:
            raise Failed(f"{outcome.describe()}\nwanted exit status {status}")
        return outcome.out.strip()

    def run(self, *arguments, shell=None, network="none", **options):
        """podman run --rm; without a network unless the test is about that, because it is quicker."""
        command = ["bash", "-c", shell] if shell is not None else []
        image = [] if self.image in arguments or self.tiny in arguments else [self.image]
        chosen = [f"--network={network}"] if network else []
        return self("run", "--rm", *chosen, *arguments, *image, *command, **options)

    def new_name(self):
        return f"p{next(self._numbers)}"

    @contextlib.contextmanager
    def container(self, *arguments, shell="exec sleep infinity", network="none"):
        name = self.new_name()
        try:
            chosen = [f"--network={network}"] if network else []
            self("run", "-d", "--name", name, *chosen, *arguments, self.image, "bash", "-c", shell)
            yield name
        finally:
            self.try_("rm", "-f", "-v", "-t", "0", name)

    def inspect(self, name, field):
        return self("inspect", "-f", "{{" + field + "}}", name)

    def pid(self, name):
        return int(self.inspect(name, ".State.Pid"))

    def folder(self):
        path = f"{self.scratch}/folder-{self.new_name()}"
        os.mkdir(path)
        return path
