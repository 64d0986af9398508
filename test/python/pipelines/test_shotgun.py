"""``sg_session.shotgun()`` with a real agent and the sandbox's site."""

import importlib.util
import json
import os
import sys
import time
import unittest

import sg_session
from sg_session import _shotgun
from stage import LOGIN, Case, control, demand, end_session, refuse_once, sessions_made

demand("shotgun_api3")

import shotgun_api3  # noqa: E402


class NoClient(object):
    """In the place of a Client where there must be none."""

    def __init__(self, *_args):
        raise AssertionError("the agent was asked")


def load_once_more(package):
    """A copy with classes of its own, as Toolkit's may be; tk-core since 0.23 takes the one that there is already."""
    place = os.path.dirname(package.__file__)
    spec = importlib.util.spec_from_file_location("second_" + package.__name__, package.__file__, submodule_search_locations=[place])
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Working(Case):
    def setUp(self):
        super().setUp()
        self.sg = sg_session.shotgun()

    def tearDown(self):
        self.sg.close()
        super().tearDown()

    def test_it_is_the_studios_own_shotgun_and_works_as_the_artist(self):
        self.assertIsInstance(self.sg, shotgun_api3.Shotgun)
        found = self.sg.find_one("HumanUser", [["login", "is", LOGIN]], ["login"])
        self.assertEqual(found["login"], LOGIN)
        self.assertEqual(self.sg.get_session_token(), sg_session.get_session().session_token)
        self.assertEqual(self.sg.config.timeout_secs, 300)

    def test_the_session_ends_while_a_thousand_calls_run_and_none_fails_and_it_is_renewed_once(self):
        made = sessions_made()
        before = self.sg.config.session_token
        failed = []
        for number in range(1000):
            if number == 500:
                end_session()
            try:
                self.assertEqual(len(self.sg.find("Project", [])), 2)
            except Exception as error:
                failed.append(error)
        self.assertEqual(failed, [])
        self.assertEqual(sessions_made() - made, 1)
        self.assertNotEqual(self.sg.config.session_token, before)

    def test_a_call_asks_the_agent_nothing(self):
        client = _shotgun.Client
        _shotgun.Client = NoClient
        try:
            for _ in range(20):
                self.sg.find_one("Project", [])
        finally:
            _shotgun.Client = client

    def test_every_method_goes_on_and_a_write_is_written_once(self):
        project = self.sg.find_one("Project", [])
        subject = "Written at %f" % time.time()
        for call in (
            lambda: self.sg.create("Note", {"project": project, "subject": subject, "content": "Once."}),
            lambda: self.sg.schema_entity_read(),
            lambda: self.sg.find_one("HumanUser", [["login", "is", LOGIN]]),
        ):
            end_session()
            self.assertTrue(call())
        self.assertEqual(len(self.sg.find("Note", [["subject", "is", subject]])), 1)

    def test_two_copies_of_shotgun_api3_in_one_process_share_one_renewal(self):
        second_copy = load_once_more(shotgun_api3)
        other = sg_session.shotgun(shotgun_api3=second_copy)
        self.assertIsInstance(other, second_copy.Shotgun)
        self.assertNotIsInstance(other, shotgun_api3.Shotgun)
        made = sessions_made()
        end_session()
        self.assertTrue(self.sg.find_one("Project", []))
        self.assertTrue(other.find_one("Project", []))
        self.assertEqual(sessions_made() - made, 1)
        self.assertEqual(self.sg.config.session_token, other.config.session_token)

    def test_near_its_end_it_takes_the_agents_session_before_the_call(self):
        before = self.sg.config.session_token
        end_session()
        sg_session.report_rejected()
        self.sg._agent_session._look_at = 0
        self.assertTrue(self.sg.find_one("Project", []))
        self.assertNotEqual(self.sg.config.session_token, before)
        self.assertGreater(self.sg._agent_session._look_at, time.time())

    def test_when_the_agents_own_session_has_ended_unnoticed_too_it_is_renewed_then(self):
        end_session()
        sg_session.report_rejected()
        end_session()
        made = sessions_made()
        self.assertTrue(self.sg.find_one("Project", []))
        self.assertEqual(sessions_made() - made, 1)
        self.assertEqual(self.sg.config.session_token, sg_session.get_session().session_token)

    def test_a_call_that_is_refused_with_the_renewed_session_too_is_not_made_again(self):
        class Refused(shotgun_api3.Shotgun):
            calls = 0

            def _call_rpc(self, method, *args, **kwargs):
                if method != "read":
                    return super()._call_rpc(method, *args, **kwargs)
                self.calls += 1
                if self.calls == 1:
                    end_session()
                raise shotgun_api3.AuthenticationFault("whatever the session")

        made = sessions_made()
        sg = sg_session.shotgun(shotgun_api3=Refused)
        with self.assertRaises(shotgun_api3.AuthenticationFault):
            sg.find_one("Project", [])
        self.assertEqual((sg.calls, sessions_made() - made), (2, 1))

    def test_uploads_and_downloads_go_on_too(self):
        path = os.path.join(self.folder, "take.txt")
        with open(path, "wb") as file:
            file.write(b"a take, " * 2000)
        version = self.sg.find_one("Version", [])
        end_session()
        attachment = self.sg.upload("Version", version["id"], path)
        before = self.sg.config.session_token
        end_session()
        # Python's cookie jar keeps the cookie from "127.0.0.1:8801"; a site without a port would see the old one and say this.
        refuse_once("/file_serve/attachment/%d" % attachment, 401)
        self.assertEqual(self.sg.download_attachment(attachment), b"a take, " * 2000)
        self.assertNotEqual(self.sg.config.session_token, before)

    def test_the_cookie_of_a_download_is_the_session_of_now(self):
        before = self.sg.config.session_token
        end_session()
        sg_session.report_rejected()
        self.sg._agent_session._look_at = 0
        jar = self.sg.get_auth_cookie_handler().cookiejar
        self.assertEqual([cookie.value for cookie in jar], [sg_session.get_session().session_token])
        self.assertNotEqual(self.sg.config.session_token, before)

    def test_a_form_that_is_refused_for_another_reason_is_sent_once(self):
        path = os.path.join(self.folder, "take.txt")
        with open(path, "wb") as file:
            file.write(b"a take")
        made = sessions_made()
        with self.assertRaises(shotgun_api3.ShotgunError):
            self.sg.upload("Version", 999999, path)
        self.assertEqual(sessions_made(), made)

    def test_a_wrong_password_of_somebody_is_no_end_of_the_session(self):
        client = _shotgun.Client
        _shotgun.Client = NoClient
        try:
            with self.assertRaises(shotgun_api3.AuthenticationFault):
                self.sg.authenticate_human_user("nobody@studio.example", "no passphrase")
        finally:
            _shotgun.Client = client
        self.assertTrue(self.sg.find_one("Project", []))

    def test_a_refusal_that_is_not_the_sessions_comes_out_as_it_was(self):
        sg_session.report_rejected()
        sg = sg_session.shotgun()
        made = sessions_made()
        refusal = {"exception": True, "message": "Cannot 'sudo'", "error_code": 102}
        refuse_once("/api3/json", 200, json.dumps(refusal), "application/json")
        with self.assertRaises(shotgun_api3.AuthenticationFault) as caught:
            sg.find_one("Project", [])
        self.assertIn("Cannot 'sudo'", str(caught.exception))
        self.assertIsNone(caught.exception.__cause__)
        self.assertEqual(sessions_made(), made)
        self.assertTrue(sg.find_one("Project", []))

    def test_a_token_that_somebody_else_has_set_is_theirs_to_renew(self):
        self.sg.config.session_token = "0" * 32
        with self.assertRaises(shotgun_api3.AuthenticationFault) as caught:
            self.sg.find_one("Project", [])
        self.assertIsNone(caught.exception.__cause__)

    def test_without_an_agent_the_fault_comes_out_soon_and_says_why(self):
        end_session()
        saved = os.environ.get("SG_SESSION_ENDPOINT")
        os.environ["SG_SESSION_ENDPOINT"] = os.path.join(self.folder, "none", "endpoint.json")
        started = time.monotonic()
        try:
            with self.assertRaises(shotgun_api3.AuthenticationFault) as caught:
                self.sg.find_one("Project", [])
        finally:
            del os.environ["SG_SESSION_ENDPOINT"]
            if saved is not None:
                os.environ["SG_SESSION_ENDPOINT"] = saved
        self.assertLess(time.monotonic() - started, 5)
        self.assertIsInstance(caught.exception.__cause__, sg_session.AgentNotRunning)
        self.assertTrue(self.sg.find_one("Project", []), "with the agent back it goes on")

    def test_it_does_not_go_over_to_another_person(self):
        held = self.sg._agent_session
        real = held._session
        fields = {name: getattr(real, name) for name in real.__slots__}
        held._session = sg_session.Session(**dict(fields, user_id=real.user_id + 1, login="supervisor"))
        end_session()
        with self.assertRaises(shotgun_api3.AuthenticationFault) as caught:
            self.sg.find_one("Project", [])
        self.assertIsInstance(caught.exception.__cause__, sg_session.LoginRequired)
        self.assertIn('"supervisor"', str(caught.exception.__cause__))
        self.assertEqual(self.sg.config.session_token, real.session_token)

    def test_it_moves_with_the_address_where_the_session_is_good(self):
        held = self.sg._agent_session
        real = held._session
        fields = {name: getattr(real, name) for name in real.__slots__}
        held._session = sg_session.Session(**dict(fields, api_url="https://gateway.example"))
        self.sg.base_url = "https://gateway.example"
        self.sg.config.set_server_params(self.sg.base_url)
        held._look_at = 0
        self.assertTrue(self.sg.find_one("Project", []))
        self.assertEqual(self.sg.base_url, real.api_url)


class Making(Case):
    def test_options_go_to_shotgun(self):
        sg = sg_session.shotgun(connect=False, convert_datetimes_to_utc=False)
        self.assertIsNone(sg._server_caps)
        self.assertTrue(sg.find_one("Project", []))

    def test_the_default_site_may_stand_in_the_environment(self):
        os.environ["SG_SESSION_SITE"] = "https://elsewhere.example"
        try:
            with self.assertRaises(sg_session.SiteUnknown):
                sg_session.shotgun()
            with self.assertRaises(sg_session.SiteUnknown):
                sg_session.get_session()
            self.assertTrue(sg_session.shotgun(sg_session.status()[0].site))
        finally:
            del os.environ["SG_SESSION_SITE"]

    def test_other_credentials_beside_the_session_are_refused(self):
        for name in ("login", "password", "script_name", "api_key", "session_token", "auth_token", "base_url"):
            with self.assertRaises(TypeError) as caught:
                sg_session.shotgun(**{name: "x"})
            self.assertIn('"%s"' % name, str(caught.exception))

    def test_what_is_no_shotgun_api3_is_refused_before_the_agent_is_asked(self):
        client = _shotgun.Client
        _shotgun.Client = NoClient
        try:
            for given in (os, object, Case):
                with self.assertRaises(TypeError):
                    sg_session.shotgun(shotgun_api3=given)
        finally:
            _shotgun.Client = client

    def test_a_class_of_the_studios_own_may_be_given(self):
        class Studio(shotgun_api3.Shotgun):
            def projects(self):
                return self.find("Project", [])

        sg = sg_session.shotgun(shotgun_api3=Studio)
        end_session()
        self.assertEqual(len(sg.projects()), 2)


class TheSite(Case):
    def test_nothing_went_wrong_inside_the_sandbox(self):
        self.assertEqual(control("mishaps"), [])


if __name__ == "__main__":
    unittest.main()
