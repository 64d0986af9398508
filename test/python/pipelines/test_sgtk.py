"""``sg_session.sgtk`` with a real agent and the sandbox's site; each case in a process of its own, with a $SHOTGUN_HOME of its own."""

import os
import subprocess
import sys
import unittest

from stage import Case, demand

_PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "toolkit_process.py")

demand("tank")


class Toolkit(Case):
    def holds(self, case):
        environment = dict(os.environ, SHOTGUN_HOME=os.path.join(self.folder, "home"), SG_TEST_FOLDER=self.folder)
        # Nobody to answer a question on the terminal.
        process = subprocess.Popen(
            [sys.executable, _PROGRAM, case],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        output = process.communicate(timeout=60)[0].decode("utf-8", "replace")
        self.assertEqual(process.returncode, 0, output)

    def test_the_artist_is_toolkits_user(self):
        self.holds("artist_signs_in")

    def test_the_session_ends_and_calls_go_on_without_a_dialog_and_it_is_renewed_once(self):
        self.holds("session_ends_and_calls_go_on")

    def test_a_session_that_another_tool_renewed_is_taken_without_a_renewal(self):
        self.holds("another_tool_has_renewed_already")

    def test_a_serialised_user_carries_no_token_and_has_one_when_unpacked(self):
        self.holds("serialised_user_has_no_token")

    def test_the_default_user_is_the_artist_with_nothing_on_disk(self):
        self.holds("default_user_is_the_artist_with_nothing_on_disk")

    def test_a_token_that_an_earlier_toolkit_left_on_disk_is_not_used(self):
        self.holds("token_that_lies_on_disk_is_not_used")

    def test_it_survives_core_swaps(self):
        self.holds("core_is_swapped")

    def test_a_child_gets_the_user_from_the_environment_and_the_token_from_the_agent(self):
        self.holds("child_gets_the_user_without_the_token")

    def test_users_of_other_sites_are_left_alone(self):
        self.holds("users_of_other_sites_are_left_alone")

    def test_a_core_of_an_unknown_build_is_refused_before_a_token_could_reach_the_disk(self):
        self.holds("core_of_another_build_is_refused")


if __name__ == "__main__":
    unittest.main()
