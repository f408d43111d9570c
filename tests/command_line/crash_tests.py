"""kill -9 of the runtime at any moment: what is left is listed, and `delete --force` removes all of it."""
import json
import subprocess
import time

from case import LIMIT, Case, UserCase, as_user

DELAYS = 9
LONGEST_DELAY = 0.008
TIME_FOR_ALL = 25


class Crashing:
    identity = {}

    def crash(self, delay, *arguments):
        """Whether the runtime was still at work."""
        process = subprocess.Popen(self.command(*arguments), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   cwd=self.folder, **self.identity)
        time.sleep(delay)
        process.kill()
        return process.wait(LIMIT) == -9

    def judge(self, name, what):
        listed = self.succeed("list", "-q").split()
        self.assertIn(listed, ([], [name]), what)
        rows = json.loads(self.succeed("list", "--format", "json") or "[]") or []
        self.assertEqual([row["id"] for row in rows], listed, what)
        state = self.call("state", name)
        self.assertIn(state.status, (0, 1), state)
        self.assertEqual(self.call("delete", "--force", name).status, 0, what)
        self.assertEqual(self.succeed("list", "-q"), "", what)
        self.assert_nothing_left(what)

    def test_a_killed_do_leaves_nothing_that_delete_force_does_not_remove(self):
        for step in range(8):
            delay = 0.0015 * step
            self.crash(delay, "do", "--", "sleep", "60")
            for name in self.succeed("list", "-q").split():
                self.succeed("delete", "--force", name)
            self.assert_nothing_left(f"after do, killed {delay * 1000:.1f} ms after its start")


class CrashTests(Crashing, Case):
    subject = "crash"

    def test_a_runtime_killed_at_any_moment_leaves_nothing_that_delete_force_does_not_remove(self):
        long, short = self.config("sleep", "60"), self.config("true")
        bundles = {"long": self.bundle(long), "short": self.bundle(short)}
        for config in (long, short):
            config["linux"]["namespaces"] = [one for one in config["linux"]["namespaces"] if one["type"] != "pid"]
        bundles |= {"long without pid namespace": self.bundle(long), "short without pid namespace": self.bundle(short)}
        operations = {
            "create": ([], ["create", "-b", "long"]),
            "run": ([], ["run", "-b", "long"]),
            "run of a short program": ([], ["run", "-b", "short"]),
            "start": ([["create", "-b", "long"]], ["start"]),
            "exec": ([["create", "-b", "long"], ["start"]], ["exec"]),
            "delete": ([["create", "-b", "long"], ["start"]], ["delete", "--force"]),
        }
        begun, rounds, hits = time.monotonic(), 0, 0
        for step in range(DELAYS):
            kind = " without pid namespace" if step % 2 else ""
            for operation, (before, killed) in operations.items():
                if time.monotonic() - begun > TIME_FOR_ALL:
                    break
                name, delay = f"crash-{rounds}", LONGEST_DELAY * step / (DELAYS - 1)
                fill = lambda words: [bundles.get(word + kind, word) for word in words]
                for words in before:
                    self.succeed(*fill(words), name)
                more = ["sleep", "60"] if operation == "exec" else []
                hits += self.crash(delay, *fill(killed), name, *more)
                self.judge(name, f"after {operation}{kind}, killed {delay * 1000:.0f} ms after its start")
                rounds += 1
        print(f"# {rounds} rounds, {hits} of them hit the runtime at work", flush=True)
        self.assertGreater(hits, 10, "the kills came too late to prove anything")


class CrashByAUser(Crashing, UserCase):
    subject = "crash, by a user"
    identity = {**as_user(), "env": UserCase.environment}

    def test_a_runtime_killed_at_any_moment_leaves_nothing_that_delete_force_does_not_remove(self):
        bundle = self.simple_bundle("sleep", "60", rootless=True)
        for step in range(12):
            name, delay = f"crash-{step}", 0.0012 * step
            if step % 3 == 2:
                self.succeed("create", "-b", bundle, name)
                self.crash(delay, "start", name)
            else:
                self.crash(delay, ("run", "create")[step % 3], "-b", bundle, name)
            self.judge(name, f"killed {delay * 1000:.1f} ms after its start")
