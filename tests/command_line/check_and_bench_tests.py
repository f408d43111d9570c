"""`bulkhead check` tells the same as table, as JSON and by its exit status; `bulkhead bench` measures and cleans up."""
import json
import shutil

from case import RUNTIME, Case

ISOLATIONS = ["namespaces", "userns", "sentry", "microvm"]


class CheckTests(Case):
    subject = "check"

    def test_table_json_and_exit_statuses_tell_the_same(self):
        answers = json.loads(self.succeed("check", "--json"))
        self.assertEqual([one["isolation"] for one in answers], ISOLATIONS)
        rows = [line.split(None, 2) for line in self.succeed("check").splitlines()[1:len(ISOLATIONS) + 1]]
        for answer, row in zip(answers, rows):
            self.assertEqual((row[0], row[1]), (answer["isolation"], answer["verdict"]))
            self.assertIn(answer["verdict"], ("fine", "limited", "missing"))
            self.assertEqual(answer["works"], answer["verdict"] != "missing")
            self.assertTrue(answer["reason"])
            alone = self.call("check", answer["isolation"])
            self.assertEqual(alone.status, 0 if answer["works"] else 1, alone)
            for finding in answer["findings"]:
                self.assertIn(finding["subject"], alone.out)
                self.assertEqual("advice" in finding, finding["verdict"] != "fine", finding)
        [only] = json.loads(self.succeed("check", "namespaces", "--json"))
        self.assertEqual([f["subject"] for f in only["findings"]], [f["subject"] for f in answers[0]["findings"]])

    def test_an_unknown_isolation_is_named(self):
        outcome = self.call("check", "walls")
        self.assertEqual(outcome.status, 1, outcome)
        self.assertIn("walls", outcome.err)


class BenchTests(Case):
    subject = "bench"

    def test_the_figures_are_sane_for_every_runtime_that_is_here(self):
        wanted = {"bulkhead", *(name for name in ("runc", "crun") if shutil.which(name))}
        report = json.loads(self.succeed("bench", "start", "--runs", "3", "--rounds", "1", "--parallel", "5", "--json", timeout=60))
        found = {one["name"]: one for one in report["runtimes"] if one["name"] in wanted}
        self.assertEqual(set(found), wanted)
        self.assertEqual(found["bulkhead"]["path"], RUNTIME)
        for name, one in found.items():
            for part in ("run", "exec"):
                figures = one[part]
                self.assertEqual(figures["runs"], 3, name)
                wall, cpu, peak = figures["wall_ms"], figures["cpu_ms"], figures["peak_kib"]
                self.assertTrue(0.2 < wall["min"] <= wall["median"] <= wall["p90"] < 5000, (name, figures))
                self.assertTrue(0.1 < cpu["median"] < 2000, (name, figures))
                self.assertTrue(500 < peak["median"] < 100 << 10, (name, figures))
                self.assertTrue(0 <= figures["kernel_part"] <= 1, (name, figures))
            self.assertTrue(1 < one["parallel_ms"]["median"] < 20000, (name, one))

    def test_a_runtime_that_is_not_there_is_refused_and_one_that_fails_is_named_while_the_others_go_on(self):
        outcome = self.call("bench", "start", "--runtime", "ghost=/no/such/runtime")
        self.assertEqual(outcome.status, 1, outcome)
        self.assertIn("/no/such/runtime", outcome.err)
        only_one = ["--runtime", "crun=", "--runtime", "runc=", "--runtime", "broken=/bin/false"]
        outcome = self.call("bench", "start", "--runs", "2", "--only", "run", *only_one, timeout=60)
        self.assertIn("broken", outcome.out + outcome.err)
        self.assertRegex(outcome.out, r"(?m)^ *bulkhead +\d")
