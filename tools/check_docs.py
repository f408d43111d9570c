#!/usr/bin/env python3
"""Paths in backticks in every .md must exist, modules must have a README, and the module list in ARCHITECTURE.md must be
what the USES lists say. Called by ctest; --write puts the module list into ARCHITECTURE.md."""
import os
import re
import subprocess
import sys

PATH = re.compile(r"`((?:src|tests|tools|docs|cmake|bench|\.ci)/[\w./*-]+|[A-Z_]+\.md|quickstart|CMakeLists\.txt)`")
BEGIN, END = "<!-- modules: begin -->\n", "<!-- modules: end -->"


def markdown_files(root):
    for folder, folders, files in os.walk(root):
        folders[:] = [f for f in folders if not f.startswith((".git", "build"))]
        for file in files:
            if file.endswith(".md"):
                yield os.path.join(folder, file)


def module_picture(root):
    script = os.path.join(root, "tools", "check_layers.py")
    text = subprocess.run([sys.executable, script, root, "--picture"], capture_output=True, text=True, check=True).stdout
    return BEGIN + "```\n" + text + "```\n"


def main():
    root = sys.argv[1]
    complaints = []
    architecture = os.path.join(root, "ARCHITECTURE.md")
    text = open(architecture).read()
    wanted = module_picture(root)
    begin, end = text.find(BEGIN), text.find(END)
    if "--write" in sys.argv:
        open(architecture, "w").write(text[:begin] + wanted + text[end:])
        return 0
    if begin < 0 or text[begin:end] != wanted:
        complaints.append("ARCHITECTURE.md: the module list is not what the USES lists say: run tools/check_docs.py . --write")
    count = 0
    for path in markdown_files(root):
        for number, line in enumerate(open(path), 1):
            for name in PATH.findall(line):
                count += 1
                bare = name.split("*")[0]
                if not os.path.exists(os.path.join(root, bare)) and not os.path.exists(os.path.join(os.path.dirname(path), bare)):
                    complaints.append(f"{os.path.relpath(path, root)}:{number}: `{name}` does not exist")
    for folder, _, files in os.walk(os.path.join(root, "src")):
        if "CMakeLists.txt" in files and "bulkhead_module(" in open(os.path.join(folder, "CMakeLists.txt")).read():
            if "README.md" not in files and os.path.basename(folder) != "isolations":
                complaints.append(f"{os.path.relpath(folder, root)}: the module has no README.md")
    print("\n".join(complaints) if complaints else f"{count} paths in documents exist")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
