"""What all tests share: bundles of a busybox, calls of the runtime with a time limit, and the look for what was left."""
import json
import os
import shutil
import subprocess
import tempfile
import time
import unittest

import traces
from support import private_host

RUNTIME = os.environ["RUNTIME"]
LIMIT = 30
USER, UID, FIRST_SUBORDINATE = private_host.ROOTLESS_USER
HOME = f"/run/home-{USER}"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def prepare(scratch):
    """The root file system of every bundle, made once; nothing in it is ever changed."""
    rootfs = f"{scratch}/rootfs"
    for folder in ("bin", "etc", "proc", "sys", "dev", "tmp", "root"):
        os.makedirs(f"{rootfs}/{folder}")
    os.chmod(f"{rootfs}/tmp", 0o1777)
    busybox = os.path.realpath(shutil.which("busybox") or "/bin/busybox")
    shutil.copy(busybox, f"{rootfs}/bin/busybox")
    for applet in subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True, timeout=LIMIT).stdout.split():
        if applet != "busybox":
            os.symlink("busybox", f"{rootfs}/bin/{applet}")
    for name, text in (("passwd", "root:x:0:0::/root:/bin/sh\n"), ("group", "root:x:0:\n")):
        with open(f"{rootfs}/etc/{name}", "w") as file:
            file.write(text)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True, timeout=LIMIT)


class Outcome:
    def __init__(self, command, status, out, err):
        self.command, self.status, self.out, self.err = command, status, out, err

    def __str__(self):
        return f"$ {' '.join(self.command)}\nexit status {self.status}\nstdout: {self.out}\nstderr: {self.err}"


class Case(unittest.TestCase):
    subject = "command line"
    looks_for_traces = True
    owner = (0, 0)
    maxDiff = 2000

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="case-", dir=self.scratch)
        os.chmod(self.folder, 0o755)
        self.state = f"{self.folder}/state"
        self.numbers = iter(range(1000))
        self.before = traces.take() if self.looks_for_traces else None

    def tearDown(self):
        if os.path.isdir(self.state):
            for name in self.call("list", "-q").out.split():
                self.call("delete", "--force", name)
        try:
            if self.looks_for_traces:
                self.assert_nothing_left()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def assert_nothing_left(self, message=""):
        """The kernel may need a moment to let go of a process and its groups."""
        deadline = time.monotonic() + 5
        while found := traces.news(self.before, traces.take()):
            if time.monotonic() > deadline:
                self.fail(f"left behind {message}:\n" + "\n".join(found))
            time.sleep(0.02)
        left = [name for name in os.listdir(self.state) if not name.startswith(".")] if os.path.isdir(self.state) else []
        self.assertEqual(left, [], f"left in the state folder {message}")

    # --- bundles ------------------------------------------------------------------------------------------------------

    def new_folder(self, name):
        folder = f"{self.folder}/{name}-{next(self.numbers)}"
        os.mkdir(folder)
        os.chown(folder, *self.owner)
        return folder

    def config(self, *arguments, rootless=False, terminal=False):
        """What `bulkhead spec` writes, with a command."""
        folder = self.new_folder("spec")
        made = self.call("spec", *(["--rootless"] if rootless else []), "--bundle", folder)
        self.assertEqual(made.status, 0, made)
        with open(f"{folder}/config.json") as file:
            config = json.load(file)
        config["process"].update(args=list(arguments), terminal=terminal)
        config["root"]["path"] = f"{self.scratch}/rootfs"
        return config

    def bundle(self, config):
        folder = self.new_folder("bundle")
        with open(f"{folder}/config.json", "w") as file:
            file.write(config if isinstance(config, str) else json.dumps(config))
        return folder

    def simple_bundle(self, *arguments, **options):
        return self.bundle(self.config(*arguments, **options))

    # --- calls --------------------------------------------------------------------------------------------------------

    def command(self, *arguments):
        return [RUNTIME, "--root", self.state, *arguments]

    def call(self, *arguments, **options):
        return self.execute(self.command(*arguments), **options)

    def execute(self, command, input=None, timeout=LIMIT, **options):
        """Files instead of pipes: what a container keeps open must not make us wait."""
        with tempfile.TemporaryFile(dir=self.scratch) as out, tempfile.TemporaryFile(dir=self.scratch) as err:
            options.setdefault("cwd", self.folder)
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL if input is None else subprocess.PIPE, stdout=out, stderr=err, **options)
            try:
                process.communicate(input, timeout=timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                self.fail(f"no end after {timeout} s: {' '.join(command)}\n{_text(out)}{_text(err)}")
            return Outcome(command, process.returncode, _text(out), _text(err))

    def succeed(self, *arguments, **options):
        outcome = self.call(*arguments, **options)
        self.assertEqual(outcome.status, 0, outcome)
        return outcome.out

    def together(self, commands):
        """All at once; an Outcome for each."""
        running = []
        for command in commands:
            files = [tempfile.TemporaryFile(dir=self.scratch) for _ in range(2)]
            running.append((subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=files[0], stderr=files[1], cwd=self.folder), files))
        deadline, outcomes, late = time.monotonic() + LIMIT, [], []
        for command, (process, files) in zip(commands, running):
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                late.append(" ".join(command))
                process.kill()
                process.wait()
            outcomes.append(Outcome(command, process.returncode, *map(_text, files)))
            for file in files:
                file.close()
        self.assertEqual(late, [], "these did not end")
        return outcomes

    def status_of(self, name):
        return json.loads(self.succeed("state", name))["status"]

    def wait_for(self, question, what, seconds=15):
        deadline = time.monotonic() + seconds
        while not question():
            if time.monotonic() > deadline:
                self.fail(f"not within {seconds} s: {what}")
            time.sleep(0.02)


class UserCase(Case):
    """The runtime is called by a normal user, who has 65536 subordinate ids."""

    owner = (UID, UID)
    environment = {"PATH": PATH, "HOME": HOME, "XDG_RUNTIME_DIR": HOME, "USER": USER}

    def setUp(self):
        probe = subprocess.run(["unshare", "--user", "--map-root-user", "true"], capture_output=True, text=True, timeout=LIMIT, **as_user())
        if probe.returncode != 0:
            self.skipTest(f"this host gives normal users no user namespaces: {probe.stderr.strip()}")
        super().setUp()
        os.chown(self.folder, UID, UID)

    def execute(self, command, **options):
        return super().execute(command, **{**as_user(), "env": self.environment, **options})


def as_user():
    return {"user": UID, "group": UID, "extra_groups": []}


def _text(file):
    file.seek(0)
    return file.read().decode(errors="replace")
