"""Signs the artist out and sees what comes of what was made before. The test signs in again afterwards."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "pipelines"))

import sg_session  # noqa: E402
from stage import Case, clients, end_session  # noqa: E402


class SignedOut(Case):
    def test_what_was_made_before_says_that_nobody_is_signed_in_and_shows_no_dialog(self):
        missing = [clients.find(package)[1] for package in ("shotgun_api3", "tank")]
        if all(missing):
            self.skipTest("; ".join(missing))
        sg = user = None
        if not missing[0]:
            sg = sg_session.shotgun()
        if not missing[1]:
            os.environ["SHOTGUN_HOME"] = self.folder
            user = sg_session.sgtk.sign_in()
            connection = user.create_sg_connection()
        end_session()
        with sg_session.Client() as client:
            client._call("signOut", {}, 10)
        if sg:
            import shotgun_api3

            with self.assertRaises(shotgun_api3.AuthenticationFault) as caught:
                sg.find_one("Project", [])
            self.assertIsInstance(caught.exception.__cause__, sg_session.LoginRequired)
            with self.assertRaises(sg_session.LoginRequired):
                sg_session.shotgun()
        if user:
            from tank.authentication import AuthenticationCancelled

            with self.assertRaises(AuthenticationCancelled) as caught:
                connection.find_one("Project", [])
            self.assertIsInstance(caught.exception.__cause__, sg_session.LoginRequired)
            with self.assertRaises(sg_session.LoginRequired):
                sg_session.sgtk.sign_in()


if __name__ == "__main__":
    unittest.main()
