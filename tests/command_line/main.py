"""Finds the tests, runs them in a private host (see tests/engines), and prints a line for each."""
import faulthandler
import os
import sys
import time
import unittest

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "engines")]

from support import private_host  # noqa: E402

MODULES = ("crash_tests", "concurrency_tests", "do_tests", "rootless_tests", "terminal_tests", "message_tests",
           "check_and_bench_tests", "install_tests")
WHOLE_LIMIT = 300


def title(test):
    return f"{test.subject}: {test._testMethodName.removeprefix('test_').replace('_', ' ')}"


def cases_of(suite):
    for one in suite:
        yield from cases_of(one) if isinstance(one, unittest.TestSuite) else [one]


class Report(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.counts = {"ok": 0, "not ok": 0, "skip": 0}

    def startTest(self, test):
        super().startTest(test)
        self.begun, self.verdict, self.details = time.monotonic(), "ok", []

    def stopTest(self, test):
        self.counts[self.verdict] += 1
        print(f"{self.verdict:7} {title(test)} ({time.monotonic() - self.begun:.1f} s)", flush=True)
        for detail in self.details:
            print("        " + detail.strip().replace("\n", "\n        "), flush=True)

    def addSkip(self, test, reason):
        self.verdict = "skip" if self.verdict == "ok" else self.verdict
        self.details.append(reason)

    def addFailure(self, test, problem):
        self.verdict = "not ok"
        self.details.append(self._exc_info_to_string(problem, test)[-4000:])

    addError = addFailure

    def addSubTest(self, test, part, problem):
        if problem:
            self.addFailure(test, problem)


def run_all(scratch, words):
    import case
    case.Case.scratch = scratch
    os.environ["TMPDIR"] = scratch
    faulthandler.dump_traceback_later(WHOLE_LIMIT, exit=True)
    case.prepare(scratch)
    report = Report()
    loader = unittest.TestLoader()
    for module in MODULES:
        for test in cases_of(loader.loadTestsFromName(module)):
            if not words or any(word.replace("_", " ") in title(test) for word in words):
                test.run(report)
    print(f"{report.counts['ok']} passed, {report.counts['not ok']} failed, {report.counts['skip']} skipped", flush=True)
    return 1 if report.counts["not ok"] or not report.counts["ok"] else 0


if os.geteuid() != 0:
    sys.exit("tests/command_line needs root: private namespaces and control groups are made")
sys.exit(private_host.run_inside(lambda scratch: run_all(scratch, sys.argv[1:])))
