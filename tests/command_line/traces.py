"""What a runtime may leave behind on a host: processes, mounts, control groups, files of /run, sockets."""
import os
import re

# Kept on purpose, and empty or a cache: the folder of state itself, compiled filters, the mount point of `do`.
KEPT = re.compile(r"/(\.cache|\.do)(/|$)|/(bulkhead|crun|runc)$")


def take():
    return {"process": _processes(), "mount": _mounts(), "control group": _groups(), "file": _files(), "socket": _sockets()}


def news(before, after):
    return [f"{kind} {one}" for kind in before for one in sorted(after[kind] - before[kind])]


def _processes():
    found = set()
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                found.add(f"{name} {file.read().replace(bytes(1), b' ').decode(errors='replace').strip()}")
        except OSError:
            pass
    own = f"{os.getpid()} "
    return {one for one in found if not one.startswith(own)}


def _mounts():
    with open("/proc/self/mountinfo") as lines:
        return {" ".join((line.split()[4], *line.split(" - ")[1].split()[:2])) for line in lines}


def _groups():
    return {folder for folder, _, _ in os.walk("/sys/fs/cgroup")}


def _files():
    found = set()
    for folder, folders, files in os.walk("/run"):
        found.update(f"{folder}/{name}" for name in folders + files if not KEPT.search(f"{folder}/{name}"))
        folders[:] = [name for name in folders if name not in ("layers", ".cache", ".do")]
    return found


def _sockets():
    with open("/proc/net/unix") as lines:
        rows = [line.split() for line in lines]
    return {row[7] for row in rows[1:] if len(row) > 7}
