"""Many runtimes at once on the same and on different containers."""
from case import Case


class ConcurrencyTests(Case):
    subject = "concurrency"

    def test_of_twenty_creates_of_one_id_exactly_one_succeeds(self):
        bundle = self.simple_bundle("sleep", "60")
        outcomes = self.together([self.command("create", "-b", bundle, "same")] * 20)
        self.assertEqual(sorted(one.status for one in outcomes), [0] + [1] * 19, "\n".join(map(str, outcomes)))
        for one in outcomes:
            if one.status:
                self.assertIn("exists", one.err)
        self.assertEqual(self.status_of("same"), "created")
        self.succeed("start", "same")
        self.assertEqual(self.status_of("same"), "running")
        self.succeed("delete", "--force", "same")

    def test_kill_delete_start_exec_and_state_of_one_id_at_once_end_without_a_crash(self):
        bundle = self.simple_bundle("sleep", "60")
        for _ in range(3):
            self.succeed("create", "-b", bundle, "same")
            commands = [["start", "same"], ["kill", "same", "KILL"], ["delete", "same"], ["state", "same"], ["exec", "same", "true"],
                        ["delete", "--force", "same"], ["list"], ["pause", "same"], ["resume", "same"], ["ps", "same"]]
            outcomes = self.together([self.command(*words) for words in commands * 3])
            for one in outcomes:
                # 137: the process of an exec was killed with its container.
                self.assertIn(one.status, (0, 1, 255, 137) if "exec" in one.command else (0, 1), one)
            self.succeed("delete", "--force", "same")
            self.assert_nothing_left()

    def test_runs_of_one_id_at_once_give_the_programs_status_or_say_that_it_exists(self):
        bundle = self.simple_bundle("sh", "-c", "exit 7")
        outcomes = self.together([self.command("run", "-b", bundle, "same")] * 8)
        for one in outcomes:
            self.assertIn(one.status, (1, 7), one)
            if one.status == 1:
                self.assertIn("exists", one.err)
        self.assertIn(7, [one.status for one in outcomes])

    def test_thirty_containers_at_once_each_give_their_own_exit_status(self):
        config = self.config()
        commands = []
        for number in range(1, 31):
            config["process"]["args"] = ["sh", "-c", f"echo {number}; exit {number}"]
            commands.append(self.command("run", "-b", self.bundle(config), f"c{number}"))
        outcomes = self.together(commands)
        self.assertEqual([one.status for one in outcomes], list(range(1, 31)), "\n".join(map(str, outcomes))[:2000])
        self.assertEqual([one.out.strip() for one in outcomes], [str(number) for number in range(1, 31)])
