import copy
import io
import json
import os
import pickle
import re
import unittest

import sg_session
from sg_session import __main__ as command_line
from sg_session import _errors, _records

ROOT = os.path.join(os.path.dirname(__file__), "..", "..")


class Records(unittest.TestCase):
    session = sg_session.Session(site="https://s", login="artist", session_token="canary", expires_at=5)

    def test_a_session_does_not_show_its_token(self):
        for text in (repr(self.session), str(self.session), "%s %r" % (self.session, [self.session])):
            self.assertNotIn("canary", text)
            self.assertIn("artist", text)
        self.assertNotIn("canary", repr(sg_session.RestToken(access_token="canary")))
        self.assertNotIn("canary", repr(sg_session.AutodeskToken(access_token="canary", scopes=["data:read"])))

    def test_a_session_is_not_stored_or_changed(self):
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            with self.assertRaises(TypeError):
                pickle.dumps(self.session, protocol)
        with self.assertRaises(TypeError):
            copy.deepcopy(self.session)
        with self.assertRaises(TypeError):
            json.dumps(self.session)
        with self.assertRaises(AttributeError):
            self.session.login = "other"

    def test_a_change_takes_reasons_and_members_of_the_future(self):
        for reason in ("resumed", "screen_locked", "slept_too_long", "abducted"):
            change = sg_session.Change(**_records.fields({"site": "https://s", "state": "signed_out", "reason": reason, "x": 1}))
            self.assertEqual((change.state, change.reason), ("signed_out", reason))

    def test_errors_can_cross_a_process_boundary(self):
        error = pickle.loads(pickle.dumps(_errors.error_for("login_required", "nobody", "sign in")))
        self.assertIsInstance(error, sg_session.LoginRequired)
        self.assertEqual((error.code, str(error), error.advice), ("login_required", "nobody", "sign in"))


class ErrorTable(unittest.TestCase):
    with io.open(os.path.join(ROOT, "docs", "errors.md"), encoding="utf-8") as page:
        rows = re.findall(r"^\| `(\w+)` \| (\d+) \|", page.read(), re.M)

    def test_every_code_of_ours_is_in_the_table(self):
        known = {code for code, _ in self.rows}
        self.assertGreater(len(known), 30)
        self.assertLessEqual(set(_errors._TYPE_OF_CODE), known)

    def test_every_code_of_the_table_that_can_reach_a_plug_in_has_a_type(self):
        elsewhere = {"agent_already_running", "audit_broken", "config_invalid", "secret_store_unavailable"}
        plain = {"internal_error", "invalid_request", "unknown_method"}
        self.assertEqual({code for code, _ in self.rows} - set(_errors._TYPE_OF_CODE), elsewhere | plain)

    def test_the_command_line_ends_as_the_table_says(self):
        self.assertEqual({code: int(status) for code, status in self.rows}, command_line.EXIT_STATUS)

    def test_a_code_of_the_future_is_a_plain_error(self):
        error = _errors.error_for("quantum_entangled", "x")
        self.assertIs(type(error), sg_session.SgSessionError)


if __name__ == "__main__":
    unittest.main()
