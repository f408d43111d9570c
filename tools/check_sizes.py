#!/usr/bin/env python3
"""Files over 600 lines, functions over 80, headers over 250 are a question; size_exceptions.txt holds the answers.
The list may only shrink: an entry that is no longer needed is an error, too. Called by ctest."""
import os
import re
import sys

FILE_LIMIT, HEADER_LIMIT, FUNCTION_LIMIT = 600, 250, 80
# In this layout a function body opens with "{" alone in column 0 and closes with "}" in column 0; members likewise in
# column 4 of a class.
OPEN, CLOSE = re.compile(r"^( {0,4})\{$"), re.compile(r"^( {0,4})\}")
HEAD = re.compile(r"[\w:~]+(?=\()")


def functions(lines):
    start, indent, name = None, None, None
    for number, line in enumerate(lines, 1):
        opened = OPEN.match(line)
        if opened and start is None:
            head = next((lines[i] for i in range(number - 2, max(number - 8, -1), -1) if HEAD.search(lines[i])), "")
            found = HEAD.search(head)
            if found and not re.match(r"\s*(struct|class|enum|namespace|union)\b", lines[number - 2]):
                start, indent, name = number, opened.group(1), found.group(0)
        elif start is not None:
            closed = CLOSE.match(line)
            if closed and closed.group(1) == indent:
                yield name, number - start
                start = None


def main():
    root = sys.argv[1]
    listed = set()
    for line in open(os.path.join(root, "tools", "size_exceptions.txt")):
        line = line.split("#")[0].strip()
        if line:
            listed.add(line)
    needed, complaints, files = set(), [], 0
    for folder, _, names in os.walk(os.path.join(root, "src")):
        for file in names:
            if not file.endswith((".h", ".cpp")):
                continue
            files += 1
            path = os.path.join(folder, file)
            shown = os.path.relpath(path, root)
            lines = open(path, errors="replace").read().split("\n")
            is_test = file.endswith("_test.cpp")
            limit = HEADER_LIMIT if file.endswith(".h") else FILE_LIMIT
            if len(lines) > limit and not is_test:
                needed.add(shown)
                if shown not in listed:
                    complaints.append(f"{shown}: {len(lines)} lines (over {limit}): split it, or list it with the reason")
            for name, length in functions(lines):
                entry = f"{shown}:{name}"
                if length > FUNCTION_LIMIT and not is_test:
                    needed.add(entry)
                    if entry not in listed:
                        complaints.append(f"{entry}: {length} lines (over {FUNCTION_LIMIT}): make it a list of named steps")
    complaints += [f"tools/size_exceptions.txt: {entry} is not needed any more: remove it" for entry in sorted(listed - needed)]
    print("\n".join(complaints) if complaints else f"{files} files keep to the sizes")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
