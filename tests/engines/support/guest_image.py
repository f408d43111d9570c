"""The guest's root file system: a small Debian, made once and cached, and the archives that engines import."""
import fcntl
import hashlib
import io
import json
import os
import subprocess
import tarfile

CACHE = os.environ.get("BULKHEAD_TEST_CACHE", "/var/cache/bulkhead-tests")
PACKAGES = "procps,iproute2,busybox-static"
DEBIAN = f"{CACHE}/engines-debian-1.tar"         # raise the number when the recipe changes
TINY = f"{CACHE}/engines-tiny-1.tar"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def ensure():
    """Makes what is missing in the cache; safe when several runs start at once."""
    os.makedirs(CACHE, exist_ok=True)
    with open(f"{CACHE}/lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(DEBIAN):
            _make_debian()
        if not os.path.exists(TINY):
            _make_tiny()
        for tar in (DEBIAN, TINY):
            if not os.path.exists(archive_of(tar)):
                _make_archive(tar)


def archive_of(tar):
    return tar.replace(".tar", ".oci.tar")


def _make_debian():
    print("# making the guest's Debian (once, half a minute)", flush=True)
    sources = [p for p in ("/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list")
               if os.path.exists(p) and os.path.getsize(p)][:1]
    slim = [f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in ("man", "doc", "locale")]
    command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={PACKAGES}", *slim, "bookworm",
               DEBIAN + ".part.tar", *sources]
    made = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=540)
    if made.returncode != 0:
        raise SystemExit(f"cannot make the guest's root file system: {' '.join(command)}\n{made.stdout}")
    os.rename(DEBIAN + ".part.tar", DEBIAN)


def _make_tiny():
    """Only busybox, for the tests that start a daemon of their own."""
    with tarfile.open(TINY + ".part", "w") as tar:
        for folder in ("bin", "etc", "proc", "sys", "dev", "tmp", "root", "var"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            tar.addfile(entry)
        tar.add(os.path.realpath("/bin/busybox"), "bin/busybox", filter=_owned_by_root)
        for applet in ("sh", "cat", "echo", "id", "ls", "mkdir", "sleep", "stat", "touch", "true", "wc", "ps", "tail"):
            link = tarfile.TarInfo(f"bin/{applet}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
        _add_text(tar, "etc/passwd", "root:x:0:0::/root:/bin/sh\nguest:x:1000:1000::/tmp:/bin/sh\n")
        _add_text(tar, "etc/group", "root:x:0:\nguest:x:1000:\n")
    os.rename(TINY + ".part", TINY)


def _make_archive(tar_path):
    """One uncompressed layer as an OCI image layout in a tar file."""
    name = "debian" if tar_path == DEBIAN else "tiny"
    layer = _digest_of_file(tar_path)
    config = _json({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [layer]},
                    "config": {"Env": [f"PATH={PATH}"], "Cmd": ["sleep", "infinity"]}})
    manifest = _json({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                      "config": _descriptor("config.v1+json", config),
                      "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": layer,
                                  "size": os.path.getsize(tar_path)}]})
    reference = {"io.containerd.image.name": f"localhost/guest:{name}", "org.opencontainers.image.ref.name": name}
    index = _json({"schemaVersion": 2,
                   "manifests": [_descriptor("manifest.v1+json", manifest) | {"annotations": reference}]})
    part = archive_of(tar_path) + ".part"
    with tarfile.open(part, "w") as archive:
        archive.add(tar_path, "blobs/sha256/" + layer.split(":")[1], filter=_owned_by_root)
        for blob in (config, manifest):
            _add_text(archive, "blobs/sha256/" + hashlib.sha256(blob.encode()).hexdigest(), blob)
        _add_text(archive, "oci-layout", _json({"imageLayoutVersion": "1.0.0"}))
        _add_text(archive, "index.json", index)
    os.rename(part, archive_of(tar_path))


def _json(value):
    return json.dumps(value)


def _descriptor(kind, blob):
    return {"mediaType": f"application/vnd.oci.image.{kind}", "size": len(blob),
            "digest": "sha256:" + hashlib.sha256(blob.encode()).hexdigest()}


def _digest_of_file(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return "sha256:" + digest.hexdigest()


def _add_text(tar, name, text):
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(text.encode()), 0o644
    tar.addfile(entry, io.BytesIO(text.encode()))


def _owned_by_root(entry):
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    return entry
