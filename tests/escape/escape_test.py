"""The known attacks, each set up for real; see README.md. RUNTIME and ESCAPE_GUEST name the programs."""
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

RUNTIME = os.environ["RUNTIME"]
GUEST = os.environ["ESCAPE_GUEST"]
DEFAULT_CAPABILITIES = [
    "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW", "CAP_SETGID", "CAP_SETUID",
    "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE"]
MASKED = ["/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/sched_debug",
          "/proc/scsi", "/sys/firmware"]
READONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
LIMIT = 30


def default_config():
    namespaces = ["mount", "network", "uts", "pid", "ipc", "cgroup"]
    return {
        "ociVersion": "1.0.2",
        "process": {
            "user": {"uid": 0, "gid": 0}, "args": ["/guest", "true"], "env": ["PATH=/bin"], "cwd": "/",
            "capabilities": {name: list(DEFAULT_CAPABILITIES) for name in ("bounding", "effective", "permitted")},
        },
        "root": {"path": "rootfs"},
        "hostname": "escape",
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"]},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
            {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
             "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]},
            {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
            {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["ro", "nosuid", "noexec", "nodev"]},
        ],
        "linux": {
            "namespaces": [{"type": name} for name in namespaces],
            "resources": {"devices": [{"allow": False, "access": "rwm"}]},
            "maskedPaths": list(MASKED), "readonlyPaths": list(READONLY),
        },
    }


def digest(path):
    return hashlib.sha256(open(path, "rb").read()).hexdigest()


class Escape(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="bulkhead-escape-")
        self.bundle = os.path.join(self.folder, "bundle")
        self.rootfs = os.path.join(self.bundle, "rootfs")
        self.state = os.path.join(self.folder, "state")
        for name in ("bin", "proc", "sys", "dev", "tmp", "etc"):
            os.makedirs(os.path.join(self.rootfs, name))
        shutil.copy(GUEST, os.path.join(self.rootfs, "guest"))
        self.config = default_config()
        self.ids = []
        self.children = []
        # The runtime under attack is a copy: a test that it fails must not harm the real one.
        self.runtime = os.path.join(self.folder, "runtime")
        shutil.copy(RUNTIME, self.runtime)
        self.digest = digest(self.runtime)

    def tearDown(self):
        for child in self.children:
            child.kill()
            child.wait()
        for name in self.ids:
            subprocess.run([self.runtime, "--root", self.state, "delete", "--force", name], capture_output=True, timeout=LIMIT)
        mounts = [line.split()[4] for line in open("/proc/self/mountinfo") if self.folder in line]
        for mount in reversed(mounts):
            subprocess.run(["umount", "-l", mount], capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.assertEqual(mounts, [], "mounts were left on the host")

    def write_config(self):
        with open(os.path.join(self.bundle, "config.json"), "w") as file:
            json.dump(self.config, file)

    def call(self, *arguments, **options):
        options.setdefault("timeout", LIMIT)
        return subprocess.run([self.runtime, "--root", self.state, *arguments], capture_output=True, text=True, **options)

    def name(self):
        self.ids.append(f"escape-{os.getpid()}-{len(self.ids)}-{self._testMethodName}"[:60])
        return self.ids[-1]

    def run_guest(self, *arguments, **options):
        """The guest's output from a container of its own; the whole result stands in self.last."""
        self.config["process"]["args"] = ["/guest", *arguments]
        self.write_config()
        self.last = self.call("run", "--bundle", self.bundle, self.name(), **options)
        return self.last.stdout

    def start_guest(self, *arguments):
        """A container that goes on; returns its id."""
        self.config["process"]["args"] = ["/guest", *arguments]
        self.write_config()
        name = self.name()
        with open(os.path.join(self.folder, name + ".log"), "w") as log:
            created = subprocess.run([self.runtime, "--root", self.state, "create", "--bundle", self.bundle, name],
                                     stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, timeout=LIMIT)
        self.assertEqual(created.returncode, 0, self.log_of(name))
        started = self.call("start", name)
        self.assertEqual(started.returncode, 0, started.stderr)
        return name

    def log_of(self, name):
        return open(os.path.join(self.folder, name + ".log")).read()

    def wait_stopped(self, name, seconds=60):
        end = time.time() + seconds
        while time.time() < end:
            if json.loads(self.call("state", name).stdout)["status"] == "stopped":
                return
            time.sleep(0.05)
        self.fail(f"{name} does not stop")

    def lines(self, text):
        return dict(line.split(" ", 1) for line in text.splitlines() if " " in line)

    # --- the runtime's own file -------------------------------------------------------------------------------------

    def test_a_script_that_names_proc_self_exe_does_not_run_or_overwrite_the_runtime(self):
        evil = os.path.join(self.rootfs, "evil")
        with open(evil, "w") as file:
            file.write("#!/proc/self/exe\n")
        os.chmod(evil, 0o755)
        self.config["process"]["args"] = ["/evil"]
        self.write_config()
        result = self.call("run", "--bundle", self.bundle, self.name())
        self.assertNotIn("bulkhead version", result.stdout + result.stderr)
        self.assertEqual(digest(self.runtime), self.digest)
        running = self.start_guest("sleep", "30")
        self.call("exec", running, "/evil")
        self.assertEqual(digest(self.runtime), self.digest)

    def stalk(self, extra_capabilities):
        for capabilities in self.config["process"]["capabilities"].values():
            capabilities += extra_capabilities
        name = self.start_guest("stalk", "4")
        end = time.time() + 4
        count = 0
        while time.time() < end:
            # The process of exec gets the default capabilities whatever the container has.
            count += self.call("exec", name, "/guest", "true").returncode == 0
        self.wait_stopped(name)
        self.assertGreater(count, 5)
        return self.log_of(name)

    def test_a_process_that_stalks_exec_finds_no_way_to_the_host(self):
        log = self.stalk([])
        self.assertIn("done looked", log)
        self.assertNotIn("descriptor /", log)
        self.assertNotIn("memory of", log)
        self.assertNotIn("overwrote", log)
        self.assertNotIn("writable executable", log)
        self.assertEqual(digest(self.runtime), self.digest)

    def test_a_stalker_that_may_ptrace_still_cannot_overwrite_the_runtime(self):
        log = self.stalk(["CAP_SYS_PTRACE"])
        self.assertIn("done looked", log)
        self.assertNotIn("overwrote", log)
        self.assertNotIn(self.runtime, log, "the runtime's own file was seen")
        self.assertEqual(digest(self.runtime), self.digest)

    def test_a_stalker_in_a_shared_pid_namespace_cannot_overwrite_the_runtime(self):
        for capabilities in self.config["process"]["capabilities"].values():
            capabilities += ["CAP_SYS_PTRACE"]
        stalker = self.start_guest("stalk", "4")
        pid = json.loads(self.call("state", stalker).stdout)["pid"]
        for namespace in self.config["linux"]["namespaces"]:
            if namespace["type"] == "pid":
                namespace["path"] = f"/proc/{pid}/ns/pid"
        end = time.time() + 3.5
        while time.time() < end:
            self.run_guest("true")
            self.assertEqual(self.last.returncode, 0, self.last.stderr)
        self.wait_stopped(stalker)
        log = self.log_of(stalker)
        self.assertIn("done looked", log)
        self.assertNotIn("overwrote", log)
        self.assertNotIn(self.runtime, log)
        self.assertEqual(digest(self.runtime), self.digest)

    def test_a_container_that_waits_for_start_runs_from_a_sealed_memfd(self):
        self.config["process"]["args"] = ["/guest", "true"]
        self.write_config()
        name = self.name()
        created = subprocess.run([self.runtime, "--root", self.state, "create", "--bundle", self.bundle, name],
                                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=LIMIT)
        self.assertEqual(created.returncode, 0)
        pid = json.loads(self.call("state", name).stdout)["pid"]
        self.assertTrue(os.readlink(f"/proc/{pid}/exe").startswith("/memfd:"))
        with self.assertRaises(OSError):
            open(f"/proc/{pid}/exe", "wb")

    # --- what leaks in ----------------------------------------------------------------------------------------------

    def test_no_descriptor_of_the_runtime_or_its_caller_is_open_inside(self):
        host_folder = os.open("/etc", os.O_RDONLY)
        os.set_inheritable(host_folder, True)
        try:
            text = self.run_guest("descriptors", pass_fds=[host_folder])
        finally:
            os.close(host_folder)
        numbers = [line.split()[1] for line in text.splitlines() if line.startswith("fd ")]
        self.assertEqual(numbers, ["0", "1", "2"], text)
        self.assertIn("cwd /\n", text)

    def test_a_working_directory_by_descriptor_does_not_reach_the_host(self):
        for number in range(3, 24):
            self.config["process"]["cwd"] = f"/proc/self/fd/{number}"
            text = self.run_guest("descriptors")
            if self.last.returncode == 0:
                self.assertNotIn("cwd (unreachable)", text)
                self.assertNotIn("cwd ENOENT", text)
        self.config["process"]["cwd"] = "/"
        running = self.start_guest("sleep", "30")
        for number in range(3, 24):
            result = self.call("exec", "--cwd", f"/proc/self/fd/{number}", running, "/guest", "descriptors")
            self.assertNotEqual(result.returncode, 0, result.stdout)

    def test_a_working_directory_that_is_a_link_out_stays_inside(self):
        os.symlink("/../../../../../../etc", os.path.join(self.rootfs, "way-out"))
        self.config["process"]["cwd"] = "/way-out"
        text = self.run_guest("descriptors")
        if self.last.returncode == 0:
            self.assertIn("cwd /etc\n", text)

    def test_groups_of_the_caller_are_not_kept(self):
        self.write_config()
        text = self.run_guest("status", extra_groups=[42, 43])
        self.assertEqual(self.lines(text.replace("\t", " "))["Groups:"].split(), [])

    def test_inheritable_and_ambient_capabilities_are_exactly_the_configured_ones(self):
        text = self.run_guest("status")
        values = self.lines(text.replace("\t", " "))
        self.assertEqual(int(values["CapInh:"], 16), 0)
        self.assertEqual(int(values["CapAmb:"], 16), 0)
        expected = 0xa80425fb
        for name in ("CapPrm:", "CapEff:", "CapBnd:"):
            self.assertEqual(int(values[name], 16), expected)
        self.config["process"]["user"]["uid"] = 1000
        values = self.lines(self.run_guest("status").replace("\t", " "))
        self.assertEqual(int(values["CapPrm:"], 16), 0)
        self.assertEqual(int(values["CapEff:"], 16), 0)

    # --- paths and mounts -------------------------------------------------------------------------------------------

    def test_proc_and_sys_are_not_mounted_over_links(self):
        for name in ("proc", "sys"):
            target = os.path.join(self.rootfs, name)
            os.rmdir(target)
            os.symlink("/tmp", target)
            self.run_guest("true")
            self.assertNotEqual(self.last.returncode, 0, f"/{name} may not be a link")
            os.unlink(target)
            os.mkdir(target)

    def test_a_mount_destination_that_climbs_out_stays_inside(self):
        outside = os.path.join(self.folder, "outside")
        os.mkdir(outside)
        os.symlink("/" + "../" * 20 + outside.lstrip("/"), os.path.join(self.rootfs, "way-out"))
        self.config["mounts"] += [{"destination": "/way-out/made", "type": "tmpfs", "source": "tmpfs", "options": []}]
        self.run_guest("true")
        self.assertEqual(os.listdir(outside), [])

    def test_links_exchanged_while_mounting_do_not_lead_outside(self):
        outside = os.path.join(self.folder, "outside")
        volume = os.path.join(self.folder, "volume")
        for folder in (outside, volume, os.path.join(self.rootfs, "volume"), os.path.join(volume, "a"), os.path.join(volume, "a/sub")):
            os.makedirs(folder, exist_ok=True)
        os.symlink("/" + "../" * 20 + outside.lstrip("/"), os.path.join(volume, "b"))
        os.makedirs(os.path.join(outside, "sub"))
        self.config["mounts"] += [
            {"destination": "/volume", "type": "bind", "source": volume, "options": ["rbind"]},
            {"destination": "/volume/a/sub", "type": "tmpfs", "source": "tmpfs", "options": []},
            {"destination": "/volume/a/sub/new", "type": "bind", "source": "/etc", "options": ["rbind", "ro"]},
        ]
        racer = subprocess.Popen([GUEST, "exchange", os.path.join(volume, "a"), os.path.join(volume, "b")])
        self.children.append(racer)
        outcomes = set()
        end = time.time() + 4
        while time.time() < end:
            self.run_guest("true")
            outcomes.add(self.last.returncode)
            self.assertEqual(os.listdir(outside), ["sub"])
            self.assertEqual(os.listdir(os.path.join(outside, "sub")), [])
            self.assertNotIn(outside, open("/proc/self/mountinfo").read())
        self.assertIn(0, outcomes, "no round got through, so nothing was proved")

    def test_mounts_made_inside_do_not_reach_the_host(self):
        for capabilities in self.config["process"]["capabilities"].values():
            capabilities.append("CAP_SYS_ADMIN")
        before = open("/proc/self/mountinfo").read().count("escape")
        name = self.start_guest("mount")
        time.sleep(0.7)
        self.assertIn("mount made", self.log_of(name))
        self.assertEqual(open("/proc/self/mountinfo").read().count("escape /mnt"), 0)
        self.assertEqual(open("/proc/self/mountinfo").read().count("escape"), before)
        self.wait_stopped(name)

    def test_masked_paths_stay_masked_when_the_image_brings_its_own_dev_null(self):
        # CVE-2025-31133: without a /dev mount the image decides what /dev/null is.
        self.config["mounts"] = [mount for mount in self.config["mounts"] if not mount["destination"].startswith("/dev")]
        os.symlink("/proc/sys/kernel/core_pattern", os.path.join(self.rootfs, "dev/null"))
        text = self.run_guest("read", "/proc/kcore", "/proc/keys", "/proc/timer_list")
        if self.last.returncode == 0:
            for path, found in self.lines(text).items():
                self.assertNotEqual(found, "readable", path)

    def test_a_masked_path_that_is_a_link_is_not_followed_out(self):
        victim = os.path.join(self.folder, "victim")
        with open(victim, "w") as file:
            file.write("intact")
        os.symlink("/" + "../" * 20 + victim.lstrip("/"), os.path.join(self.rootfs, "secret"))
        self.config["linux"]["maskedPaths"].append("/secret")
        self.config["linux"]["readonlyPaths"].append("/secret")
        self.run_guest("true")
        self.assertEqual(open(victim).read(), "intact")
        self.assertNotIn(victim, open("/proc/self/mountinfo").read())

    # --- the kernel's own doors -------------------------------------------------------------------------------------

    def test_files_of_proc_and_sys_that_command_the_host_are_not_writable(self):
        paths = ["/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sys/vm/overcommit_memory",
                 "/proc/sysrq-trigger", "/proc/irq/default_smp_affinity", "/sys/kernel/uevent_helper", "/sys/power/state",
                 "/proc/sys/fs/binfmt_misc/register", "/proc/1/attr/exec"]
        before = open("/proc/sys/kernel/core_pattern").read()
        found = self.lines(self.run_guest("write", *paths))
        self.assertEqual(set(found), set(paths), self.last.stderr)
        for path in paths[:-1]:
            self.assertNotEqual(found[path], "written", path)
        self.assertEqual(open("/proc/sys/kernel/core_pattern").read(), before)

    def test_masked_files_cannot_be_read(self):
        found = self.lines(self.run_guest("read", "/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/sched_debug"))
        for path, answer in found.items():
            self.assertNotEqual(answer, "readable", path)

    def test_the_release_agent_of_cgroups_cannot_be_set(self):
        groups = [f"/sys/fs/cgroup/{name}/release_agent" for name in ("memory", "cpu", "systemd", "devices", "pids")]
        for path, answer in self.lines(self.run_guest("write", *groups)).items():
            self.assertNotEqual(answer, "written", path)

    def test_device_nodes_beyond_the_allowed_ones_cannot_be_opened(self):
        text = self.run_guest("devices")
        self.assertEqual(self.last.returncode, 0, self.last.stderr)
        for line in text.splitlines():
            self.assertFalse(line.endswith("opened"), line)

    def test_dangerous_system_calls_are_refused_without_their_capabilities(self):
        found = self.lines(self.run_guest("calls"))
        for call in ("mount", "remount", "umount", "bpf", "open_by_handle_at", "reboot", "swapon", "init_module"):
            self.assertNotEqual(found[call], "allowed", call)

    def test_the_session_keyring_is_not_the_callers(self):
        first = self.run_guest("cat", "/proc/keys")
        own = subprocess.run(["keyctl", "show", "@s"], capture_output=True, text=True).stdout if shutil.which("keyctl") else ""
        self.assertNotIn("_ses.escape", own)
        self.assertEqual(self.last.returncode, 0, first)

    # --- the runtime's folders --------------------------------------------------------------------------------------

    def test_the_state_folder_is_closed_to_others(self):
        name = self.start_guest("sleep", "30")
        for path in (self.state, os.path.join(self.state, name)):
            self.assertEqual(os.stat(path).st_mode & 0o077, os.stat(path).st_mode & 0o011, path)

    def test_ids_that_are_paths_are_refused(self):
        self.write_config()
        for bad in ("../up", "a/b", "..", ".", "", "x" * 3000, "a\nb"):
            result = self.call("create", "--bundle", self.bundle, bad)
            self.assertNotEqual(result.returncode, 0, bad)
        self.assertFalse(os.path.exists(os.path.join(self.folder, "up")))


if __name__ == "__main__":
    names = [name for name in sys.argv[1:] if not name.startswith("-")]
    loader = unittest.TestLoader()
    if names:
        loader.testNamePatterns = [f"*{name}*" for name in names]
    outcome = unittest.TextTestRunner(verbosity=2, stream=sys.stdout).run(loader.loadTestsFromTestCase(Escape))
    bad = len(outcome.failures) + len(outcome.errors)
    print(f"{outcome.testsRun - bad - len(outcome.skipped)} passed, {bad} failed, {len(outcome.skipped)} skipped")
    sys.exit(1 if bad else 0)
