"""A criu that works on this kernel: the host's own, else one out of a newer Debian release, unpacked into the test cache.

Nothing is installed. The packages come from the mirror that this machine's own apt uses, with the keys that it trusts.
"""
import glob
import os
import re
import shutil
import subprocess
import tempfile

CACHE = os.environ.get("BULKHEAD_TEST_CACHE", "/var/cache/bulkhead-tests")
SUITES = ("trixie", "sid")
WRAPPER = """#!/bin/sh
here={root}/usr
loader=$(ls "$here"/lib/*/ld-linux-*.so.* "$here"/lib/ld-linux-*.so.* 2>/dev/null | head -n 1)
exec "$loader" --library-path "$(ls -d "$here"/lib/*-linux-gnu | head -n 1)" "$here/sbin/criu" "$@"
"""


class Unavailable(Exception):
    """Why no working criu can be had."""


def complaint(program):
    """What `criu check` says, or nothing when it is content."""
    try:
        check = subprocess.run([program, "check"], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if check.returncode == 0:
        return None
    lines = [line for line in (check.stdout + check.stderr).splitlines() if "Error" in line]
    return lines[0] if lines else f"exit status {check.returncode}"


def debian_source():
    """URI and keyring of the machine's own Debian archive."""
    for path in glob.glob("/etc/apt/sources.list.d/*.sources"):
        for paragraph in open(path, encoding="utf-8").read().split("\n\n"):
            fields = dict(re.findall(r"^([A-Za-z-]+):[ \t]*(.+)$", paragraph, re.M))
            uris, key = fields.get("URIs", "").split(), fields.get("Signed-By", "")
            if uris and "debian" in uris[0] and "main" in fields.get("Components", "") and "security" not in uris[0]:
                return uris[0], key
    for path in ["/etc/apt/sources.list", *glob.glob("/etc/apt/sources.list.d/*.list")]:
        text = open(path, encoding="utf-8").read() if os.path.exists(path) else ""
        for options, uri in re.findall(r"^deb\s+(\[[^]]*\]\s+)?(\S*debian\S*)\s+\S+\s+.*\bmain\b", text, re.M):
            if "security" not in uri:
                key = re.search(r"signed-by=([^\s\]]+)", options)
                return uri, key.group(1) if key else ""
    raise Unavailable("this machine's apt sources name no Debian archive")


def apt(folder, *arguments):
    environment = dict(os.environ, APT_CONFIG=os.path.join(folder, "apt.conf"), DEBIAN_FRONTEND="noninteractive")
    done = subprocess.run(["apt-get", "-q", "-y", *arguments], env=environment, capture_output=True, text=True, timeout=300, cwd=folder)
    if done.returncode != 0:
        raise Unavailable(f"apt-get {arguments[0]}: {(done.stderr or done.stdout).strip().splitlines()[-1]}")


def prepare_apt(folder, suite):
    """An apt of its own: other sources, no installed packages, so that all libraries are downloaded, too."""
    uri, key = debian_source()
    for name in ("lists/partial", "cache/archives/partial"):
        os.makedirs(os.path.join(folder, name))
    open(os.path.join(folder, "status"), "w").close()
    option = f"[signed-by={key}] " if key else ""
    with open(os.path.join(folder, "sources.list"), "w", encoding="utf-8") as sources:
        sources.write(f"deb {option}{uri} {suite} main\n")
    with open(os.path.join(folder, "apt.conf"), "w", encoding="utf-8") as conf:
        conf.write(f'Dir::Etc::SourceList "{folder}/sources.list";\nDir::Etc::SourceParts "-";\nDir::State::Lists "{folder}/lists";\n'
                   f'Dir::State::status "{folder}/status";\nDir::Cache "{folder}/cache";\nAcquire::Languages "none";\n'
                   'APT::Sandbox::User "root";\nAPT::Install-Recommends "false";\n')


def download(suite, root):
    with tempfile.TemporaryDirectory(prefix="criu-apt-") as folder:
        prepare_apt(folder, suite)
        apt(folder, "update")
        apt(folder, "--download-only", "install", "criu")
        for package in glob.glob(f"{folder}/cache/archives/*.deb"):
            subprocess.run(["dpkg-deb", "-x", package, root], check=True)


def unpacked(suite):
    """The wrapper of the suite's criu in the cache, made when it is missing."""
    folder = os.path.join(CACHE, f"criu-{suite}")
    wrapper = os.path.join(folder, "criu")
    if os.access(wrapper, os.X_OK):
        return wrapper
    os.makedirs(CACHE, exist_ok=True)
    scratch = tempfile.mkdtemp(prefix=f".criu-{suite}-", dir=CACHE)
    try:
        download(suite, os.path.join(scratch, "root"))
        with open(os.path.join(scratch, "criu"), "w", encoding="utf-8") as script:
            script.write(WRAPPER.format(root=os.path.join(folder, "root")))
        os.chmod(os.path.join(scratch, "criu"), 0o755)
        shutil.rmtree(folder, ignore_errors=True)
        os.rename(scratch, folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return wrapper


def find():
    """A working criu's path, and one that does not work or None. Raises Unavailable with every reason."""
    broken, reasons = None, []
    own = shutil.which("criu") or shutil.which("criu", path="/usr/sbin:/usr/local/sbin")
    if own:
        reason = complaint(own)
        if reason is None:
            return own, None
        broken = own
        reasons.append(f"{own}: {reason}")
    for suite in SUITES:
        try:
            program = unpacked(suite)
            reason = complaint(program)
        except (Unavailable, OSError, subprocess.SubprocessError) as error:
            reasons.append(f"{suite}: {error}")
            continue
        if reason is None:
            return program, broken
        reasons.append(f"{suite}'s criu: {reason}")
    raise Unavailable("; ".join(reasons))
