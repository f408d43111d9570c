#!/usr/bin/env python3
"""The layout is clang-format 14's, by .clang-format. Other versions differ in details, so they only skip, aloud.
Called by ctest; --write lays every file out."""
import os
import subprocess
import sys

SKIPPED = 77


def sources(root):
    for top in ("src", "tests"):
        for folder, _, files in os.walk(os.path.join(root, top)):
            for file in sorted(files):
                if file.endswith((".h", ".cpp")):
                    yield os.path.join(folder, file)


def main():
    root, program = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "clang-format"
    try:
        version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        print("skipped: clang-format is not installed")
        return SKIPPED
    if "version 14." not in version:
        print(f"skipped: the layout is that of clang-format 14, this is {version.strip()}")
        return SKIPPED
    files = list(sources(root))
    if "--write" in sys.argv:
        return subprocess.run([program, "-i", *files]).returncode
    bad = []
    for start in range(0, len(files), 50):
        part = files[start:start + 50]
        result = subprocess.run([program, "--dry-run", "-Werror", *part], capture_output=True, text=True)
        bad += sorted({line.split(":")[0] for line in result.stderr.splitlines() if "error:" in line})
    for path in bad:
        print(f"{os.path.relpath(path, root)}: not laid out by clang-format")
    if bad:
        print("run tools/check_format.py . clang-format --write")
    else:
        print(f"{len(files)} files are laid out by clang-format")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
