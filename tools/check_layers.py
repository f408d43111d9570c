#!/usr/bin/env python3
"""Holds the code against the modules' USES lists, and TRY against its three allowed places. Called by ctest.

With --picture, prints the module picture for ARCHITECTURE.md instead."""
import os
import re
import sys

MODULE = re.compile(r"bulkhead_module\(\s*(\w+)([^)]*)\)")
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')
# What may stand before a TRY on its line: nothing, a declaration or assignment, `return`, or the end of an outer
# expression statement such as a condition-less block.
BEFORE_TRY = re.compile(r"^\s*(?:else\s+|if \(.*\)\s+|case .*:\s+)?(?:return\s+|[\w:&*<>,\s\[\].>-]*\|?=\s*)?TRY\(")


def modules_of(root):
    modules = {}
    for folder, _, files in os.walk(os.path.join(root, "src")):
        if "CMakeLists.txt" not in files:
            continue
        text = open(os.path.join(folder, "CMakeLists.txt")).read()
        found = MODULE.search(text)
        if not found:
            continue
        words = found.group(2).split()
        uses, tests, into = [], [], None
        for word in words:
            if word in ("USES", "TEST_USES", "LIBRARIES"):
                into = {"USES": uses, "TEST_USES": tests, "LIBRARIES": None}[word]
            elif into is not None:
                into.append(word)
        modules[os.path.relpath(folder, os.path.join(root, "src"))] = (found.group(1), uses, tests)
    return modules


def module_at(modules, path):
    folder = os.path.dirname(path)
    while folder:
        if folder in modules:
            return modules[folder][0]
        folder = os.path.dirname(folder)
    return None


def closure(modules, uses):
    by_name = {name: needs for name, needs, _ in modules.values()}
    seen, todo = set(), list(uses)
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += by_name.get(name, [])
    return seen


def check_includes(root, modules):
    complaints = []
    for folder, (name, uses, tests) in sorted(modules.items()):
        directory = os.path.join(root, "src", folder)
        for file in sorted(os.listdir(directory)):
            if not file.endswith((".h", ".cpp")):
                continue
            allowed = set(uses) | {name} | (set(tests) if file.endswith("_test.cpp") else set())
            for number, line in enumerate(open(os.path.join(directory, file), errors="replace"), 1):
                found = INCLUDE.match(line)
                if not found:
                    continue
                target = module_at(modules, found.group(1))
                if target and target not in allowed:
                    complaints.append(f"src/{folder}/{file}:{number}: {name} may not use {target} "
                                      "(add it to USES or move the code)")
    return complaints


def check_cycles(modules):
    return [f"module {name} uses itself by way of its USES"
            for name, uses, _ in modules.values() if name in closure(modules, uses)]


def check_try(root):
    complaints = []
    for folder, _, files in os.walk(os.path.join(root, "src")):
        for file in files:
            if not file.endswith((".h", ".cpp")):
                continue
            path = os.path.join(folder, file)
            for number, line in enumerate(open(path, errors="replace"), 1):
                code = line.split("//")[0]
                if "TRY(" not in code or "#define" in code or '"TRY' in code:
                    continue
                before = code[:code.index("TRY(")]
                if re.search(r"\w$", before):  # RETRY(, MY_TRY(
                    continue
                if code.count("TRY(") > 1 or not BEFORE_TRY.match(code):
                    complaints.append(f"{os.path.relpath(path, root)}:{number}: TRY only as a whole initializer, "
                                      "statement or return operand")
    return complaints


def picture(modules):
    lines = []
    for folder, (name, uses, _) in sorted(modules.items()):
        lines.append(f"{folder:32} {' '.join(uses)}".rstrip())
    return "\n".join(lines)


def main():
    root = sys.argv[1]
    modules = modules_of(root)
    if "--picture" in sys.argv:
        print(picture(modules))
        return 0
    complaints = check_cycles(modules) + check_includes(root, modules) + check_try(root)
    print("\n".join(complaints) if complaints else f"{len(modules)} modules keep to their USES")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
