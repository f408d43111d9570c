"""What is said when something is wrong: what, why, what to try; and the exit status."""
import json
import os

from case import RUNTIME, Case



class MessageTests(Case):
    subject = "messages"

    def refused(self, *words, status=1, says=()):
        outcome = self.call(*words)
        self.assertEqual(outcome.status, status, outcome)
        self.assertRegex(outcome.err, r"^bulkhead: ")
        self.assertNotRegex(outcome.err, r"(?i)\berrno\b|os error|error -?[0-9]|: -[0-9]+$")
        self.assertNotRegex(outcome.err, r"\bE[A-Z]{3,}\b")
        self.assertFalse(outcome.err.splitlines()[0].endswith("."), outcome.err)
        for part in (says,) if isinstance(says, str) else says:
            self.assertIn(part, outcome.err)
        return outcome

    def test_unknown_commands_and_flags_are_named(self):
        self.refused("conjure", status=3, says=('"conjure" is not a command', "--help"))
        self.refused("run", "--colour", "x", says=("--colour", "bulkhead run --help"))
        self.refused("--colour", "list", says=("--colour", "--help"))
        self.refused("run", "--bundle", says="bundle")
        self.refused("run", says="<container-id> is missing")
        self.refused("state", says="<container-id> is missing")
        self.refused("kill", "none", "NOSUCH", says="NOSUCH")
        self.refused("state", "a", "b", says='b"')
        self.refused("list", "--format", "yaml", says="yaml")

    def test_a_missing_bundle_is_named_with_what_to_do(self):
        for command in ("run", "create"):
            self.refused(command, "--bundle", "/no/such/bundle", "x", says=("/no/such/bundle", "no such file or directory", "--bundle"))
            self.assertEqual(self.succeed("list", "-q"), "")

    def test_the_place_in_a_broken_config_is_named(self):
        def broken(change):
            config = self.config("true")
            change(config)
            return config
        cases = (
            (lambda c: c["linux"]["namespaces"].append({"type": "time-travel"}), "linux.namespaces[5]"),
            (lambda c: c["process"].update(args="true"), "process.args"),
            (lambda c: c["process"].update(args=[]), "process.args"),
            (lambda c: c["process"].update(cwd="relative"), "process.cwd"),
            (lambda c: c["process"]["user"].update(uid=-1), "process.user.uid"),
            (lambda c: c["process"]["rlimits"].append({"type": "RLIMIT_WISHES", "hard": 1, "soft": 1}), "process.rlimits[1]"),
            (lambda c: c["mounts"].append({"type": "tmpfs"}), "mounts[7].destination"),
            (lambda c: c["linux"]["resources"].update(memory={"limit": "much"}), "linux.resources.memory.limit"),
            (lambda c: c.pop("root"), "root"),
            (lambda c: c.pop("ociVersion"), "ociVersion"),
            (lambda c: c.update(ociVersion="7.0.0"), "ociVersion"),
            (lambda c: c["linux"].update(seccomp={"defaultAction": "SCMP_ACT_DANCE"}), "linux.seccomp.defaultAction"),
            (lambda c: c.update(hooks={"prestart": [{"path": "relative"}]}), "hooks.prestart[0].path"),
        )
        for change, place in cases:
            with self.subTest(place):
                self.refused("run", "-b", self.bundle(broken(change)), "x", says=place)
        self.assertEqual(self.succeed("list", "-q"), "")

    def test_a_config_that_is_no_json_is_named_with_its_line(self):
        self.refused("run", "-b", self.bundle('{\n  "ociVersion": "1.0.2",\n  "process": [1, 2\n}\n'), "x", says=("config.json", "line 4"))
        self.refused("run", "-b", self.bundle(""), "x", says="config.json")
        self.refused("run", "-b", self.bundle("[]"), "x", says="config.json")
        self.refused("run", "-b", self.bundle("[" * 100000), "x", says="config.json")

    def test_a_missing_root_file_system_and_program_are_named(self):
        config = self.config("true")
        config["root"]["path"] = "no-such-rootfs"
        self.refused("run", "-b", self.bundle(config), "x", says=("no-such-rootfs", "no such file or directory"))
        config = self.config("no-such-program")
        self.refused("run", "-b", self.bundle(config), "x", says=("no-such-program", "not found"))
        config = self.config("/etc/passwd")
        self.refused("run", "-b", self.bundle(config), "x", says=("/etc/passwd", "permission denied"))
        config = self.config("true")
        config["mounts"].append({"destination": "/tmp", "type": "bind", "source": "/no/such/source", "options": ["bind"]})
        self.refused("run", "-b", self.bundle(config), "x", says=("/no/such/source", "no such file or directory"))
        config = self.config("true")
        config["mounts"].append({"destination": "/tmp", "type": "no-such-type", "source": "x", "options": []})
        self.refused("run", "-b", self.bundle(config), "x", says="no-such-type")
        self.assertEqual(self.succeed("list", "-q"), "")

    def test_isolations_that_are_unknown_or_not_there_yet_are_told_apart(self):
        bundle = self.simple_bundle("true")
        outcome = self.call("--isolation=walls", "run", "-b", bundle, "x")
        self.assertEqual(outcome.status, 1, outcome)
        self.assertIn('unknown isolation "walls"', outcome.err)
        self.assertIn("namespaces, userns, sentry, microvm", outcome.err)
        works = {row["isolation"]: row["reason"] for row in json.loads(self.succeed("check", "--json"))}
        missing = [name for name, reason in works.items() if reason == "not in this version"]
        for name in missing:
            for words, status in (((f"--isolation={name}", "run", "-b", bundle, "x"), 1), ((f"--isolation={name}", "create", "-b", bundle, "x"), 1),
                                  (("do", f"--isolation={name}", "--", "true"), 125)):
                self.refused(*words, status=status, says=(f'"{name}"', "not part of this version", "--isolation=namespaces"))
            link = f"{self.folder}/bulkhead-{name}"
            os.symlink(RUNTIME, link)
            outcome = self.execute([link, "--root", self.state, "run", "-b", bundle, "x"])
            self.assertEqual(outcome.status, 1, outcome)
            self.assertIn("not part of this version", outcome.err)
            config = self.config("true")
            config["annotations"] = {"dev.bulkhead.isolation": name}
            self.refused("run", "-b", self.bundle(config), "x", says="dev.bulkhead.isolation")
        self.assertEqual(self.call("--isolation=namespaces", "run", "-b", bundle, "x").status, 0)

    def test_what_cannot_be_done_in_this_state_is_said(self):
        for command in ("state", "start", "pause", "resume", "ps", "delete", "kill"):
            self.refused(command, "nobody", says='container "nobody" does not exist')
        self.refused("exec", "nobody", "true", status=255, says='"nobody" does not exist')
        self.assertEqual(self.call("delete", "--force", "nobody").status, 0)
        self.succeed("create", "-b", self.simple_bundle("sleep", "60"), "x")
        self.refused("create", "-b", self.simple_bundle("true"), "x", says='"x"')
        self.refused("delete", "x", says="not stopped")
        self.refused("exec", "x", status=255, says="process")
        self.succeed("start", "x")
        self.refused("start", "x", says="already running")
        self.refused("resume", "x", says="not paused")
        self.refused("delete", "x", says="not stopped")
        self.refused("exec", "x", "no-such-program", status=255, says="no-such-program")
        self.refused("update", "--memory", "lots", "x", says="lots")
        self.succeed("kill", "x", "KILL")
        self.wait_for(lambda: self.status_of("x") == "stopped", "the container stops")
        self.refused("kill", "x", says="not running")
        self.refused("exec", "x", "true", status=255, says="stopped")
        self.succeed("delete", "x")

    def test_the_log_file_gets_the_same_error_as_json_and_as_text(self):
        log = f"{self.folder}/log.json"
        outcome = self.refused("--log", log, "--log-format", "json", "run", "-b", "/no/such/bundle", "x")
        with open(log) as file:
            entry = json.loads(file.read().splitlines()[-1])
        self.assertEqual(entry["level"], "error")
        self.assertRegex(entry["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
        self.assertEqual(outcome.err.splitlines()[0], "bulkhead: " + entry["msg"])
        self.refused(f"--log={log}", "--log-format=json", "state", "nobody")
        with open(log) as file:
            lines = file.read().splitlines()
        self.assertEqual(len(lines), 2, "the log is appended to")
        self.assertIn('container "nobody" does not exist', json.loads(lines[1])["msg"])
        text = f"{self.folder}/log.text"
        self.refused("--log", text, "state", "nobody")
        with open(text) as file:
            self.assertRegex(file.read(), r'level=error msg="container \\"nobody\\" does not exist"')
        self.refused("--log", "/no/such/folder/log", "list", says="/no/such/folder/log")
        self.refused("--log-format", "xml", "list", says="xml")

    def test_help_is_no_error(self):
        self.assertIn("COMMANDS:", self.succeed("--help"))
        for line in self.succeed("--help").split("COMMANDS:")[1].splitlines():
            if line.startswith("   "):
                name = line.split()[0]
                self.assertIn(f"bulkhead {name}", self.succeed(name, "--help"))
        version = self.succeed("--version").splitlines()
        self.assertRegex(version[0], r"^bulkhead version \d+\.\d+\.\d+")
