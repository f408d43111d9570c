"""`bulkhead install` and `uninstall` with the real engines, whose configuration folders are private here."""
import json
import os
import shutil
import subprocess

from case import LIMIT, PATH, RUNTIME, Case
from support.daemon import Daemon

STORAGE = '[storage]\ndriver = "overlay"\ngraphroot = "{folder}/storage"\nrunroot = "/run/containers/storage"\n'
CONTAINERS = """[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
log_driver = "k8s-file"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
[network]
network_backend = "cni"
"""


class InstallTests(Case):
    subject = "install"
    looks_for_traces = False  # daemons have caches and folders of their own

    def setUp(self):
        super().setUp()
        layers = f"{self.folder}/layers"
        for name in ("upper", "work"):
            os.makedirs(f"{layers}/{name}")
        self.shell(f"mount -t tmpfs tmpfs {layers} && mkdir {layers}/upper {layers}/work && "
                   f"mount -t overlay -o lowerdir=/usr/local,upperdir={layers}/upper,workdir={layers}/work overlay /usr/local")
        self.addCleanup(self.shell, f"umount --lazy /usr/local {layers}")

    def need(self, *programs, folder):
        for program in programs:
            if not shutil.which(program):
                self.skipTest(f"{program} is not installed")
        if not os.path.isdir(folder):
            self.skipTest(f"there is no folder {folder} to make private")

    def shell(self, script):
        return subprocess.run(["bash", "-ec", script], check=True, timeout=LIMIT, capture_output=True, text=True).stdout

    def tar(self):
        path = f"{self.folder}/tiny.tar"
        self.shell(f"tar -C {self.scratch}/rootfs -cf {path} .")
        return path

    def write(self, path, text):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)

    def read(self, path):
        with open(path) as file:
            return file.read()

    # --- docker -------------------------------------------------------------------------------------------------------

    def docker(self, *words, status=0):
        environment = dict(os.environ, HOME=self.folder, DOCKER_HOST="unix:///run/docker.sock", PATH=PATH)
        outcome = self.execute(["docker", *words], env=environment)
        self.assertEqual(outcome.status, status, f"{outcome}\n{self.daemon.log_since(0)}")
        return outcome.out.strip()

    def start_dockerd(self, config):
        self.daemon = Daemon(["dockerd", "--config-file", config], f"{self.folder}/dockerd.log", env=dict(os.environ, TMPDIR=self.folder, PATH=PATH))
        self.addCleanup(self.daemon.stop)
        ready = lambda: self.execute(["docker", "-H", "unix:///run/docker.sock", "info"], timeout=20).status == 0
        self.daemon.start(ready, timeout=40)

    def test_docker_runs_containers_after_install_and_forgets_the_runtime_after_uninstall(self):
        self.need("dockerd", "docker", folder="/etc/docker")
        config = "/etc/docker/daemon.json"
        text = json.dumps({"hosts": ["unix:///run/docker.sock"], "data-root": f"{self.folder}/docker", "exec-root": "/run/docker-install",
                           "exec-opts": ["native.cgroupdriver=cgroupfs"], "bridge": "none", "iptables": False, "oom-score-adjust": 0,
                           "shutdown-timeout": 3}, indent=7).replace("{", "{\n\n", 1)
        self.write(config, text)
        self.start_dockerd(config)
        self.docker("import", self.tar(), "tiny")
        self.docker("run", "--rm", "--runtime=bulkhead", "--network=none", "tiny", "true", status=125)
        self.assertIn("told dockerd", self.succeed("install", "docker", "--reload"))
        self.assertEqual(json.loads(self.read(config))["runtimes"]["bulkhead"]["path"], "/usr/local/bin/bulkhead")
        self.wait_for(lambda: '"bulkhead"' in self.docker("info", "--format", "{{json .Runtimes}}"), "dockerd reads its configuration again")
        self.assertEqual(self.docker("run", "--rm", "--runtime=bulkhead", "--network=none", "tiny", "sh", "-c", "echo in; exit 0"), "in")
        self.docker("run", "--rm", "--runtime=bulkhead", "--network=none", "tiny", "sh", "-c", "exit 42", status=42)
        again = self.succeed("install", "docker")
        self.assertEqual(self.docker("run", "--rm", "--runtime=bulkhead", "--network=none", "tiny", "echo", "twice"), "twice", again)
        self.succeed("uninstall", "docker", "--reload")
        self.assertEqual(self.read(config), text, "the old file is not back byte for byte")
        self.assertEqual([name for name in os.listdir("/etc/docker") if "bulkhead" in name], [])
        self.assertFalse(os.path.exists("/usr/local/bin/bulkhead"))

    def test_a_daemon_that_starts_after_install_knows_the_runtime(self):
        self.need("dockerd", "docker", folder="/etc/docker")
        config = f"{self.folder}/daemon.json"
        self.write(config, json.dumps({"hosts": ["unix:///run/docker.sock"], "data-root": f"{self.folder}/docker", "exec-root": "/run/docker-install",
                                       "bridge": "none", "iptables": False, "oom-score-adjust": 0, "shutdown-timeout": 3}))
        self.succeed("install", "docker", "--config", config, "--binary", RUNTIME)
        self.start_dockerd(config)
        self.assertIn(RUNTIME, self.docker("info", "--format", "{{json .Runtimes}}"))

    def test_dry_run_changes_nothing_and_broken_files_are_refused(self):
        config = f"{self.folder}/daemon.json"
        self.write(config, '{"debug": tru')
        outcome = self.call("install", "docker", "--config", config)
        self.assertEqual(outcome.status, 1, outcome)
        self.assertIn(config, outcome.err)
        self.assertEqual(self.read(config), '{"debug": tru')
        self.write(config, "{}")
        self.assertIn(config, self.succeed("install", "docker", "--config", config, "--dry-run"))
        self.assertEqual(self.read(config), "{}")
        self.assertFalse(os.path.exists("/usr/local/bin/bulkhead"))
        self.assertEqual(self.call("install", "rocket").status, 1)
        self.assertEqual(self.call("install", "docker", "--config", config, "--binary", "/no/such/program").status, 1)

    # --- podman -------------------------------------------------------------------------------------------------------

    def podman(self, *words, status=0):
        outcome = self.execute(["podman", *words], env=dict(os.environ, HOME=self.folder, TMPDIR=self.folder, PATH=PATH))
        self.assertEqual(outcome.status, status, outcome)
        return outcome.out.strip()

    def test_podman_runs_containers_after_install_and_forgets_the_runtime_after_uninstall(self):
        self.need("podman", "conmon", folder="/etc/containers")
        self.write("/etc/containers/containers.conf", CONTAINERS)
        self.write("/etc/containers/storage.conf", STORAGE.replace("{folder}", self.folder))
        self.write("/etc/containers/policy.json", '{"default": [{"type": "insecureAcceptAnything"}]}')
        self.addCleanup(lambda: [os.unlink(f"/etc/containers/{name}") for name in ("containers.conf", "storage.conf", "policy.json")])
        self.addCleanup(subprocess.run, ["umount", "--lazy", f"{self.folder}/storage/overlay"], capture_output=True)
        self.podman("import", "-q", self.tar(), "localhost/tiny")
        self.podman("--runtime=bulkhead", "run", "--rm", "--network=none", "localhost/tiny", "true", status=125)
        self.succeed("install", "podman")
        self.assertEqual(self.podman("--runtime=bulkhead", "run", "--rm", "--network=none", "localhost/tiny", "echo", "in"), "in")
        self.podman("--runtime=bulkhead", "run", "--rm", "--network=none", "localhost/tiny", "sh", "-c", "exit 42", status=42)
        self.assertIn("bulkhead", self.podman("--runtime=bulkhead", "info", "--format", "{{.Host.OCIRuntime.Path}}"))
        self.succeed("uninstall", "podman")
        self.assertFalse(os.path.exists("/etc/containers/containers.conf.d/bulkhead.conf"))
        self.assertEqual(self.read("/etc/containers/containers.conf"), CONTAINERS)
        self.podman("--runtime=bulkhead", "run", "--rm", "--network=none", "localhost/tiny", "true", status=125)

    # --- containerd ---------------------------------------------------------------------------------------------------

    def test_containerd_accepts_the_configuration_and_knows_the_runtime(self):
        self.need("containerd", folder="/etc/containerd")
        config = f"{self.folder}/config.toml"
        for before in ("", "version = 2\n# a remark that stays\n[plugins.\"io.containerd.grpc.v1.cri\"]\nsandbox_image = \"x\"\n"):
            self.write(config, before)
            self.succeed("install", "containerd", "--config", config, "--binary", RUNTIME)
            dump = self.execute(["containerd", "--config", config, "config", "dump"])
            self.assertEqual(dump.status, 0, dump)
            self.assertIn('containerd.runtimes.bulkhead]', dump.out)
            self.assertIn(f'BinaryName = "{RUNTIME}"', dump.out)
            if before:
                self.assertIn('sandbox_image = "x"', dump.out)
            self.succeed("install", "containerd", "--config", config, "--binary", RUNTIME)
            self.assertEqual(self.execute(["containerd", "--config", config, "config", "dump"]).out, dump.out, "twice is not the same as once")
            self.succeed("uninstall", "containerd", "--config", config)
            self.assertEqual(self.read(config) if os.path.exists(config) else "", before)
