"""``sg_session.shotgun()`` where the session is good at the broker's gateway only."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "pipelines"))

import sg_session  # noqa: E402
from stage import LOGIN, Case, demand  # noqa: E402

demand("shotgun_api3")


class Gateway(Case):
    def setUp(self):
        super().setUp()
        self.sg = sg_session.shotgun()

    def tearDown(self):
        self.sg.close()
        super().tearDown()

    def test_it_connects_to_the_gateway_and_works_as_the_artist(self):
        session = sg_session.get_session()
        self.assertNotEqual(session.api_url, session.site)
        self.assertEqual(self.sg.base_url, session.api_url)
        found = self.sg.find_one("HumanUser", [["login", "is", LOGIN]], ["login"])
        self.assertEqual(found["login"], LOGIN)
        project = self.sg.find_one("Project", [])
        note = self.sg.create("Note", {"project": project, "subject": "Checked", "content": "Through the gateway."})
        written = self.sg.find_one("Note", [["id", "is", note["id"]]], ["created_by"])
        self.assertEqual(written["created_by"]["id"], session.user_id)

    def test_a_session_that_the_gateway_refuses_is_followed_by_the_agents(self):
        held = self.sg._agent_session
        real = held._session
        fields = {name: getattr(real, name) for name in real.__slots__}
        held._session = sg_session.Session(**dict(fields, session_token="0" * len(real.session_token)))
        self.sg.config.session_token = held._session.session_token
        self.assertTrue(self.sg.find_one("Project", []))
        self.assertEqual(self.sg.config.session_token, sg_session.get_session().session_token)


if __name__ == "__main__":
    unittest.main()
