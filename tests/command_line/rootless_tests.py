"""OCI containers of a normal user: one id, and 65536 through newuidmap."""
from case import FIRST_SUBORDINATE, RUNTIME, UID, UserCase
from support.terminal import Terminal


class RootlessTests(UserCase):
    subject = "rootless"

    def test_what_spec_writes_runs(self):
        config = self.config("sh", "-c", "id -u; cat /proc/self/uid_map; echo x > /tmp/x 2>/dev/null; exit 5", rootless=True)
        outcome = self.call("run", "-b", self.bundle(config), "one")
        self.assertEqual(outcome.status, 5, outcome)
        self.assertEqual(outcome.out.split(), ["0", "0", str(UID), "1"])

    def test_what_spec_writes_runs_on_a_terminal_as_it_is(self):
        config = self.config("sh", rootless=True, terminal=True)
        whom = ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups"]
        with Terminal([*whom, RUNTIME, "--root", self.state, "run", "-b", self.bundle(config), "two"], env=self.environment) as terminal:
            terminal.expect("# ")
            terminal.send("stty size; id -u\n")
            terminal.expect(r"31 97\r\n0\r\n")
            terminal.send("exit 4\n")
            self.assertEqual(terminal.wait(), 4)

    def many_ids(self, *arguments):
        config = self.config(*arguments, rootless=True)
        maps = [{"containerID": 0, "hostID": UID, "size": 1}, {"containerID": 1, "hostID": FIRST_SUBORDINATE, "size": 65536}]
        config["linux"].update(uidMappings=maps, gidMappings=maps)
        config["mounts"].append({"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["mode=1777"]})
        for capabilities in config["process"]["capabilities"].values():
            capabilities += ["CAP_CHOWN", "CAP_SETUID", "CAP_SETGID"]
        return config

    def test_all_subordinate_ids_are_mapped_and_usable(self):
        config = self.many_ids("sh", "-c", "cat /proc/self/uid_map; touch /tmp/f && chown 65536:1000 /tmp/f && stat -c '%u %g' /tmp/f")
        outcome = self.call("run", "-b", self.bundle(config), "many")
        self.assertEqual(outcome.status, 0, outcome)
        self.assertEqual(outcome.out.split(), ["0", str(UID), "1", "1", str(FIRST_SUBORDINATE), "65536", "65536", "1000"])

    def test_another_user_inside_is_a_subordinate_id_outside(self):
        config = self.many_ids("sleep", "60")
        config["process"]["user"] = {"uid": 1000, "gid": 1000, "additionalGids": [4]}
        self.succeed("run", "--detach", "--pid-file", f"{self.folder}/pid", "-b", self.bundle(config), "other")
        with open(f"{self.folder}/pid") as file, open(f"/proc/{file.read()}/status") as status:
            rows = {line.split(":")[0]: line.split()[1:] for line in status}
        self.assertEqual((rows["Uid"][0], rows["Gid"][0], rows["Groups"]), (str(FIRST_SUBORDINATE + 999),) * 2 + ([str(FIRST_SUBORDINATE + 3)],))
        self.assertEqual(self.succeed("exec", "--user", "7:8", "other", "sh", "-c", "id -u; id -g").split(), ["7", "8"])
        self.assertEqual(self.status_of("other"), "running")
        self.succeed("kill", "other", "KILL")
        self.wait_for(lambda: self.status_of("other") == "stopped", "the container stops")
        self.succeed("delete", "other")

    def test_ids_that_are_not_the_users_are_refused(self):
        config = self.many_ids("true")
        for kind in ("uidMappings", "gidMappings"):
            config["linux"][kind] = [{"containerID": 0, "hostID": UID, "size": 1}, {"containerID": 1, "hostID": 1, "size": 10}]
        outcome = self.call("run", "-b", self.bundle(config), "stolen")
        self.assertEqual(outcome.status, 1, outcome)
        self.assertRegex(outcome.err, "(?i)newuidmap|uidMappings|uid_map")

    def test_a_limit_that_cannot_be_kept_is_an_error(self):
        config = self.config("true", rootless=True)
        config["linux"]["resources"] = {"memory": {"limit": 64 << 20}}
        outcome = self.call("run", "-b", self.bundle(config), "limited")
        self.assertEqual(outcome.status, 1, outcome)
        self.assertIn("memory", outcome.err)
