"""What the host's kernel says about a container's process."""
import contextlib
import os
import subprocess

from support.harness import Failed, Skip

# The name in the v2 hierarchy, and what the same limit is called in v1: controller, file.
V1_NAMES = {
    "memory.max": ("memory", "memory.limit_in_bytes"),
    "pids.max": ("pids", "pids.max"),
    "cpu.shares": ("cpu", "cpu.shares"),
    "cpu.quota": ("cpu", "cpu.cfs_quota_us"),
    "cpuset.cpus": ("cpuset", "cpuset.cpus"),
}


def cgroup_value(pid, name):
    """A limit of the process's cgroup, v1 or v2, as text."""
    folder = cgroup_folder(pid, V1_NAMES[name][0])
    if not folder.startswith("v2:"):
        return _read(f"{folder}/{V1_NAMES[name][1]}")
    folder = folder[3:]
    if name == "cpu.quota":
        return _read(f"{folder}/cpu.max").split()[0]
    if name == "cpu.shares":
        weight = int(_read(f"{folder}/cpu.weight"))
        return str(2 + (weight - 1) * 262142 // 9999)
    return _read(f"{folder}/{name}")


def cgroup_folder(pid, controller):
    for line in _read(f"/proc/{pid}/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            return f"/sys/fs/cgroup/{controller}{path}"
    unified = [line.split(":", 2)[2] for line in _read(f"/proc/{pid}/cgroup").splitlines() if line.startswith("0::")]
    return f"v2:/sys/fs/cgroup{unified[0]}"


def namespace(pid, kind):
    return os.readlink(f"/proc/{pid}/ns/{kind}")


def has_capability(number, pid="self"):
    fields = dict(line.split(":", 1) for line in _read(f"/proc/{pid}/status").splitlines())
    return bool(int(fields["CapEff"], 16) >> number & 1)


CAP_SYS_RESOURCE = 24


def host_capabilities():
    return _read("/proc/self/status").split("CapEff:")[1].split()[0]


@contextlib.contextmanager
def needs_every_capability():
    """Around what only works when root here has every capability: failing without CAP_SYS_RESOURCE proves nothing."""
    try:
        yield
    except Failed as problem:
        if has_capability(CAP_SYS_RESOURCE):
            raise
        reason = next((line for line in str(problem).splitlines() if "stderr" in line or "stdout" in line), str(problem))
        raise Skip(f"CAP_SYS_RESOURCE is missing on this machine; {reason[:300]}")


def criu_problem():
    """Why CRIU does not work here, or None."""
    try:
        checked = subprocess.run(["criu", "check"], capture_output=True, text=True, timeout=30)
    except OSError:
        return "criu is not installed"
    return None if checked.returncode == 0 else "criu check: " + checked.stderr.strip().split("\n")[0]


def _read(path):
    with open(path) as file:
        return file.read().strip()
