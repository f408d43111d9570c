"""Tests as named functions, commands with time limits, and the report.

A test is a function marked with @test; its name, with spaces, is the sentence that is printed. It receives the engine.
"""
import concurrent.futures
import dataclasses
import os
import re
import signal
import subprocess
import threading
import time


class Skip(Exception):
    """The test cannot say anything on this machine; the text says why."""


class Failed(Exception):
    pass


@dataclasses.dataclass
class Test:
    function: object
    alone: bool

    @property
    def title(self):
        return self.function.__name__.replace("_", " ")


@dataclasses.dataclass
class Outcome:
    command: list
    status: int
    out: str
    err: str

    def describe(self):
        text = f"$ {' '.join(map(str, self.command))}\nexit status {self.status}"
        for stream, content in (("stdout", self.out), ("stderr", self.err)):
            if content.strip():
                text += f"\n{stream}: {content.strip()[-3000:]}"
        return text


def test(function=None, *, alone=False):
    """Marks a test; `alone` ones run after the others, one at a time."""
    def mark(function):
        function.__globals__.setdefault("TESTS", []).append(Test(function, alone))
        return function
    return mark(function) if function else mark


def tests_of(module, pattern):
    modules = getattr(module, "TEST_MODULES", [module])
    found = [test for each in modules for test in each.TESTS]
    return [test for test in found if re.search(pattern, test.title)]


def run(command, *, input=None, timeout=60, env=None, user=None, cwd=None):
    """Runs a command to its end, or kills its process group at the time limit. Never raises for an exit status."""
    process = subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE if input is not None else subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace", env=env,
                               start_new_session=True, user=user, group=user, extra_groups=[] if user else None, cwd=cwd)
    try:
        out, err = process.communicate(input, timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        raise Failed(Outcome(command, -1, out, err).describe() + f"\nno end after {timeout} s")
    return Outcome(command, process.returncode, out, err)


def expect(condition, message):
    if not condition:
        raise Failed(message)


def expect_equal(found, wanted, what="value"):
    expect(found == wanted, f"{what}: found {found!r}, wanted {wanted!r}")


def expect_in(part, whole, what="text"):
    expect(part in whole, f"{what}: {part!r} is not in {str(whole)[-1500:]!r}")


def eventually(question, what, timeout=15, pause=0.1):
    """Asks again until the answer is true, and returns it."""
    deadline = time.monotonic() + timeout
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise Failed(f"not within {timeout} s: {what} (last answer {answer!r})")
        time.sleep(pause)


class Report:
    def __init__(self):
        self.counts = {"ok": 0, "not ok": 0, "skip": 0}
        self.lock = threading.Lock()

    def add(self, verdict, name, detail="", seconds=None):
        with self.lock:
            self.counts[verdict] += 1
            took = f" ({seconds:.1f} s)" if seconds is not None else ""
            if verdict == "skip":
                print(f"skip    {name}: {detail}", flush=True)
            else:
                print(f"{verdict:7} {name}{took}", flush=True)
                if detail:
                    print("        " + detail.strip().replace("\n", "\n        "), flush=True)

    def finish(self):
        print(f"{self.counts['ok']} passed, {self.counts['not ok']} failed, {self.counts['skip']} skipped", flush=True)
        return 1 if self.counts["not ok"] or not self.counts["ok"] else 0


def run_engine(module, arguments, scratch, report):
    tests = tests_of(module, arguments.filter)
    if not tests:
        return
    os.makedirs(scratch, exist_ok=True)
    engine = module.Engine(arguments.runtime, scratch)
    begun = time.monotonic()
    try:
        try:
            engine.start()
        except Skip as reason:
            for one in tests:
                report.add("skip", f"{engine.name}: {one.title}", str(reason))
            return
        except Exception as problem:
            report.add("not ok", f"{engine.name}: the daemon starts", f"{problem}\n{engine.log_since(0)}")
            return
        if not _works_at_all(engine, len(tests), report):
            return
        with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
            list(pool.map(lambda one: _run_one(engine, one, report), [t for t in tests if not t.alone]))
        for one in tests:
            if one.alone:
                _run_one(engine, one, report)
    finally:
        engine.stop()
        print(f"# {engine.name}: {time.monotonic() - begun:.0f} s", flush=True)


def _works_at_all(engine, others, report):
    try:
        engine.first_container()
    except Exception as problem:
        text = f"{problem}\nthe other {others} tests were not tried\n-- daemon log --\n{engine.log_since(0)}"
        report.add("not ok", f"{engine.name}: a first container runs", text)
        return False
    return True


def _run_one(engine, one, report):
    name = f"{engine.name}: {one.title}"
    begun, mark = time.monotonic(), engine.log_mark()
    try:
        one.function(engine)
    except Skip as reason:
        report.add("skip", name, str(reason))
    except Exception as problem:
        text = str(problem) if isinstance(problem, Failed) else f"{type(problem).__name__}: {problem}"
        log = engine.log_since(mark)
        report.add("not ok", name, text + (f"\n-- daemon log --\n{log}" if log else ""), time.monotonic() - begun)
    else:
        report.add("ok", name, seconds=time.monotonic() - begun)
