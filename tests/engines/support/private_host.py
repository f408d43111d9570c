"""A small private host: own mounts, network, processes, host name and cgroup subtree.

The test driver and every daemon run inside, so that nothing they do reaches the real host, and nothing survives: when
the driver ends, the kernel kills the processes and drops mounts, bridges and firewall rules; what is left to remove are
the cgroup folders and the scratch folder.
"""
import glob
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PREFIX = "bulkhead-engines-"
HOST_NAME = "engine-test-host"
REMAP_USER = ("engine-remap", 61000, 700000)     # name, uid and gid, first subordinate id
ROOTLESS_USER = ("engine-user", 61001, 800000)
CLONE_FLAGS = {"mount": 0x00020000, "cgroup": 0x02000000, "uts": 0x04000000, "ipc": 0x08000000, "pid": 0x20000000,
               "net": 0x40000000}


def run_inside(body, keep=False, hide_unified=False):
    """Calls body(scratch) in a private host and returns its result as an exit status."""
    hierarchies = cgroup_hierarchies()
    sweep_after_the_dead(hierarchies)
    scratch = tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-")
    os.chmod(scratch, 0o755)
    name = os.path.basename(scratch)
    make_cgroups(hierarchies, name)
    init = os.fork()
    if init == 0:
        _die_with_parent()
        shown = [h for h in hierarchies if not (hide_unified and h[1] == "cgroup2")]
        os._exit(_guarded(lambda: _become_private(hierarchies, shown, name, lambda: body(scratch))))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os.kill(init, signal.SIGTERM))
    _, status = os.waitpid(init, 0)
    remove_cgroups(hierarchies, name)
    if keep:
        open(f"{scratch}/keep", "w").close()
        print(f"# kept: {scratch}")
    else:
        shutil.rmtree(scratch, ignore_errors=True)
        if os.path.exists(scratch):
            print(f"# left behind: {scratch}", file=sys.stderr)
    return os.waitstatus_to_exitcode(status) & 0xFF


def sweep_after_the_dead(hierarchies):
    """Removes what a run left that was killed with SIGKILL: its name holds its process id."""
    for path in glob.glob(f"{tempfile.gettempdir()}/{PREFIX}*"):
        name = os.path.basename(path)
        if os.path.exists(f"/proc/{name.split('-')[2]}") or glob.glob(f"{path}/keep"):
            continue
        remove_cgroups(hierarchies, name)
        if not any(os.path.exists(f"{point}/{name}") for point, _, _ in hierarchies):
            shutil.rmtree(path, ignore_errors=True)


def cgroup_hierarchies():
    """Every mounted cgroup hierarchy: [(mount point, file system type, options)]."""
    found = []
    with open("/proc/self/mountinfo") as lines:
        for line in lines:
            before, after = line.split(" - ")
            kind, _, options = after.split()[:3]
            if kind in ("cgroup", "cgroup2"):
                names = [o for o in options.split(",") if o not in ("rw", "ro", "xattr") and not o.startswith("release")]
                found.append((before.split()[4], kind, ",".join(names)))
    return found


def make_cgroups(hierarchies, name):
    for mount_point, _, options in hierarchies:
        os.mkdir(f"{mount_point}/{name}")
        if "cpuset" in options.split(","):
            for file in ("cpuset.cpus", "cpuset.mems"):
                _write(f"{mount_point}/{name}/{file}", _read(f"{mount_point}/{file}"))


def remove_cgroups(hierarchies, name):
    """The processes are dead by now; the kernel may still need a moment to let go of them."""
    for mount_point, _, _ in hierarchies:
        for _ in range(50):
            for folder, _, _ in os.walk(f"{mount_point}/{name}", topdown=False):
                try:
                    os.rmdir(folder)
                except OSError:
                    pass
            if not os.path.exists(f"{mount_point}/{name}"):
                break
            time.sleep(0.1)
        else:
            print(f"# left behind: {mount_point}/{name}", file=sys.stderr)


def _guarded(action):
    try:
        return action()
    except BaseException as problem:  # the child must never return into its parent's code
        import traceback
        traceback.print_exception(problem)
        return 1


def _become_private(hierarchies, shown, name, body):
    """Joins the cgroups, unshares, and runs body below a process 1 that reaps."""
    for mount_point, _, _ in hierarchies:
        _write(f"{mount_point}/{name}/cgroup.procs", "0")
    _unshare(sum(CLONE_FLAGS.values()))
    for mount_point, kind, _ in hierarchies:
        if kind == "cgroup2":
            # A v2 group that hands controllers to its children may hold no processes itself.
            os.mkdir(f"{mount_point}/{name}/engine-test-driver")
            _write(f"{mount_point}/{name}/engine-test-driver/cgroup.procs", "0")
    first = os.fork()
    if first == 0:
        _die_with_parent()
        os._exit(_guarded(lambda: _first_process(shown, body)))
    signal.signal(signal.SIGTERM, lambda *_: os.kill(first, signal.SIGKILL))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _, status = os.waitpid(first, 0)
    return os.waitstatus_to_exitcode(status) & 0xFF


def _first_process(hierarchies, body):
    _lay_out(hierarchies)
    driver = os.fork()
    if driver == 0:
        os._exit(_guarded(body))
    while True:
        pid, status = os.wait()
        if pid == driver:
            sys.stdout.flush()
            return os.waitstatus_to_exitcode(status) & 0xFF


def _lay_out(hierarchies):
    _sh("mount --make-rprivate / && mount --make-rshared /")  # shared, as systemd leaves it
    _sh("mount -t proc proc /proc")
    _sh("umount --recursive --lazy /sys && mount -t sysfs sysfs /sys")
    _mount_cgroups(hierarchies)
    _sh("mount -t tmpfs -o mode=755 tmpfs /run && mkdir -m 1777 /run/lock")
    _sh(f"hostname {HOST_NAME} && ip link set lo up")
    for folder in ("/var/lib", "/opt"):
        _forget_writes(folder)
    for folder in ("/etc/containers", "/etc/cni", "/etc/docker", "/etc/containerd"):
        if os.path.isdir(folder):
            _sh(f"mount -t tmpfs -o mode=755 tmpfs {folder}")
    _add_users()


def _forget_writes(folder):
    """Engines write here and there outside the folders they are given."""
    layers = "/run/layers" + folder
    os.makedirs(f"{layers}/upper")
    os.makedirs(f"{layers}/work")
    _sh(f"mount -t overlay -o lowerdir={folder},upperdir={layers}/upper,workdir={layers}/work overlay {folder}")


def _mount_cgroups(hierarchies):
    if [point for point, _, _ in hierarchies] != ["/sys/fs/cgroup"]:
        _sh("mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup")
    for mount_point, kind, options in hierarchies:
        os.makedirs(mount_point, exist_ok=True)
        _sh(f"mount -t {kind} {'-o ' + options if kind == 'cgroup' else ''} cgroup {mount_point}")
        if kind == "cgroup2":
            for controller in _read(f"{mount_point}/cgroup.controllers").split():
                _write(f"{mount_point}/cgroup.subtree_control", f"+{controller}")


def _add_users():
    """Two users for the id-mapped and the rootless tests, in private copies of the account files."""
    users = (REMAP_USER, ROOTLESS_USER)
    more = {
        "passwd": [f"{n}:x:{i}:{i}::/run/home-{n}:/bin/bash" for n, i, _ in users],
        "group": [f"{n}:x:{i}:" for n, i, _ in users],
        "subuid": [f"{n}:{first}:65536" for n, _, first in users] + ["containers:1000000:1048576"],
        "subgid": [f"{n}:{first}:65536" for n, _, first in users] + ["containers:1000000:1048576"],
    }
    os.makedirs("/run/accounts")
    for file, lines in more.items():
        kept = _read(f"/etc/{file}").rstrip("\n").split("\n") if os.path.exists(f"/etc/{file}") else []
        if file.startswith("sub"):
            kept = []
        _write(f"/run/accounts/{file}", "\n".join(kept + lines) + "\n", create=True)
        _sh(f"mount --bind /run/accounts/{file} /etc/{file}")
    for name, number, _ in users:
        os.mkdir(f"/run/home-{name}", 0o700)
        os.chown(f"/run/home-{name}", number, number)


def _unshare(flags):
    import ctypes
    if ctypes.CDLL(None, use_errno=True).unshare(flags) != 0:
        raise OSError(ctypes.get_errno(), "cannot make private namespaces")


def _die_with_parent():
    import ctypes
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def _sh(line):
    subprocess.run(["bash", "-ec", line], check=True)


def _read(path):
    with open(path) as file:
        return file.read()


def _write(path, text, create=False):
    with open(path, "w" if create else "r+") as file:
        file.write(text)
