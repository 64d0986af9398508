"""The adapter for tk-core's flow_auth: against the stand-in, and against the real one where SG_REAL_CLIENTS names it."""

import base64
import importlib
import json
import os
import shutil
import socket
import sys
import tempfile
import time
import unittest
import warnings

import clients
import sg_session
from sg_session import _client, flow_auth
from sg_session._errors import error_for

SCOPES = ["data:read", "data:write", "data:create", "openid"]
NAMESPACES = ("tank", "tank_vendor", "sgtk")


def jwt(seconds_left, name="agent"):
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode("ascii")).rstrip(b"=").decode("ascii")

    return "%s.%s.sig" % (part({"alg": "none", "kid": name}), part({"exp": int(time.time()) + seconds_left}))


class Agent(object):
    """Stands where the connection to the agent is; ``error`` is what it answers with."""

    def __init__(self):
        self.pid = os.getpid()
        self.asked = []
        self.token = jwt(3600)
        self.scopes = SCOPES
        self.error = None

    def request(self, method, params, _deadline):
        self.asked.append((method, params))
        if self.error is not None:
            raise self.error
        answer = {"site": "https://s", "accessToken": self.token, "expiresAt": int(time.time()) + 3600}
        return answer if self.scopes is None else dict(answer, scopes=self.scopes)

    def close(self):
        pass

    hang_up = close


def toolkit_modules():
    return [name for name in sys.modules if name.split(".")[0] in NAMESPACES or name.startswith("core_swap_")]


class FlowAuth(object):
    """What holds for any Toolkit; ``place`` is what to put on sys.path for it."""

    place = None

    def setUp(self):
        self.home = tempfile.mkdtemp()
        self.saved = (_client.connect, list(sys.path), list(sys.meta_path), dict(os.environ))
        self.addCleanup(self.restore)
        sys.path.insert(0, self.place)
        os.environ["SHOTGUN_HOME"] = self.home
        self.agent = Agent()
        _client.connect = lambda *_args: self.agent
        self.own_flow = []
        self.bound = []
        socket.socket.bind = lambda _socket, address: self.bound.append(address)

    def restore(self):
        flow_auth.uninstall()
        del socket.socket.bind
        _client.connect, sys.path[:], sys.meta_path[:], environment = self.saved
        os.environ.clear()
        os.environ.update(environment)
        for name in toolkit_modules():
            del sys.modules[name]
        if hasattr(sys, "_tank_vendor_meta_finder"):
            # By this tank_vendor remembers that its finder is in sys.meta_path.
            del sys._tank_vendor_meta_finder
        shutil.rmtree(self.home)

    def load(self, name="tank.authentication.flow_auth"):
        return importlib.import_module(name)

    def seam(self):
        return self.load("tank.authentication.flow_auth._authentication")

    def watch_own_flow(self):
        """In the place of Toolkit's browser sign-in, which no test may begin."""

        def sign_in(config, **options):
            self.own_flow.append((config, options))
            return jwt(3600, "own flow")

        self.seam().get_access_token_from_adsk_auth = sign_in

    def files(self):
        return [name for _folder, _folders, names in os.walk(self.home) for name in names]

    def flow_client(self):
        """What a Flow client has for its tokens."""
        return self.load("tank.authentication.flow_auth._client").FlowAuthenticationHandler()

    def token(self):
        return self.flow_client().get_authentication_token()

    def test_a_flow_client_gets_the_agents_token_on_every_request(self):
        self.watch_own_flow()
        flow_auth.install("https://s")
        handler = self.flow_client()
        self.assertEqual(handler.get_authentication_token(), self.agent.token)
        self.agent.token = jwt(3600, "next")
        self.assertEqual(handler.get_authentication_token(), self.agent.token)
        self.assertEqual(self.agent.asked, [("autodesk/get", {"site": "https://s", "minValidityS": 330})] * 2)

    def test_bootstrap_gets_it_too(self):
        self.watch_own_flow()
        flow_auth.install()
        module = self.load()
        module.init_authentication(module.FlowAuthSettings("app", "https://aps.example", "http://localhost:4201/auth/callback"))
        self.assertEqual(module.get_access_token(), self.agent.token)

    def test_no_browser_no_file_and_no_port_is_needed(self):
        self.watch_own_flow()
        flow_auth.install()
        self.assertEqual(self.token(), self.agent.token)
        self.assertEqual((self.own_flow, self.bound), ([], []))
        self.assertNotIn("adsk_flow_tokens.json", self.files())

    def test_it_works_whichever_is_imported_first(self):
        flow_auth.install()
        self.assertFalse([name for name in toolkit_modules() if "flow_auth" in name])
        self.assertEqual(self.token(), self.agent.token)

    def test_a_copy_that_a_core_swap_brings_in_is_answered_as_well(self):
        flow_auth.install()
        old = self.flow_client()
        self.swap_core()
        new = self.flow_client()
        self.assertNotEqual(type(old), type(new))
        self.assertEqual([old.get_authentication_token(), new.get_authentication_token()], [self.agent.token] * 2)
        self.swap_core()
        self.assertEqual(self.token(), self.agent.token)

    def swap_core(self):
        """As bootstrap does; the project's own copy lies where the first one does."""
        handler = self.load("tank.bootstrap.import_handler").CoreImportHandler
        core = os.path.dirname(os.path.dirname(self.load("tank").__file__))
        handler.swap_core(core)

    def test_toolkits_own_sign_in_goes_on_where_the_agent_has_none_to_give(self):
        self.watch_own_flow()
        flow_auth.install()
        for code in ("agent_not_running", "not_your_agent", "autodesk_token_unavailable", "login_required", "unknown_method", "site_unknown"):
            self.agent.error = error_for(code, "no")
            self.assertEqual(self.token(), jwt(3600, "own flow"), code)
        self.assertEqual(len(self.own_flow), 6)
        self.agent.error = None
        self.assertEqual(self.token(), self.agent.token)

    def test_unless_told_otherwise(self):
        self.watch_own_flow()
        flow_auth.install(own_flow=False)
        self.agent.error = error_for("autodesk_token_unavailable", "the policy says no", "Ask IT.")
        with self.assertRaises(flow_auth.FlowTokenUnavailable) as caught:
            self.token()
        self.assertIsInstance(caught.exception, RuntimeError)
        self.assertEqual(str(caught.exception), "the policy says no. Ask IT.")
        self.assertIsInstance(caught.exception.__cause__, sg_session.NotAllowed)
        self.assertEqual(self.own_flow, [])

    def test_trouble_that_may_pass_opens_no_browser(self):
        self.watch_own_flow()
        flow_auth.install()
        for code in ("identity_unreachable", "broker_unreachable", "agent_timeout", "rate_limited"):
            self.agent.error = error_for(code, "not now")
            with self.assertRaises(flow_auth.FlowTokenUnavailable):
                self.token()
        self.assertEqual(self.own_flow, [])

    def test_a_token_without_the_scopes_that_flow_wants_is_none(self):
        self.watch_own_flow()
        self.agent.scopes = ["openid", "data:read"]
        flow_auth.install()
        self.assertEqual(self.token(), jwt(3600, "own flow"))
        flow_auth.install(own_flow=False)
        with self.assertRaises(flow_auth.FlowTokenUnavailable) as caught:
            self.token()
        self.assertIn('lacks the scope "data:create", "data:write"', str(caught.exception))
        self.agent.scopes = None
        self.assertEqual(self.token(), self.agent.token)

    def test_a_token_near_its_end_is_asked_for_once_more(self):
        self.watch_own_flow()
        self.agent.token = jwt(100)
        flow_auth.install()
        self.assertEqual(self.token(), self.agent.token)
        self.assertEqual((len(self.agent.asked), self.own_flow), (2, []))

    def test_uninstalled_leaves_toolkit_as_it_was(self):
        self.watch_own_flow()
        own = self.seam().get_access_token_from_adsk_auth
        finders = list(sys.meta_path)
        flow_auth.install()
        flow_auth.install(own_flow=False)
        self.assertIsNot(self.seam().get_access_token_from_adsk_auth, own)
        flow_auth.uninstall()
        flow_auth.uninstall()
        self.assertIs(self.seam().get_access_token_from_adsk_auth, own)
        self.assertEqual(sys.meta_path, finders)
        self.assertEqual((self.token(), self.agent.asked), (jwt(3600, "own flow"), []))

    def test_a_client_of_a_tools_own_asks_the_agent_and_nobody_else(self):
        handler = flow_auth.AuthenticationHandler("https://s")
        self.assertEqual(handler.get_authentication_token(), self.agent.token)
        self.agent.error = error_for("agent_not_running", "no")
        with self.assertRaises(flow_auth.FlowTokenUnavailable):
            handler.get_authentication_token()
        handler.close()


class StandIn(FlowAuth, unittest.TestCase):
    place = clients.STAND_INS

    def test_a_toolkit_that_signs_in_some_other_way_goes_on_doing_so(self):
        module = self.seam()
        own = module.__dict__.pop("get_access_token_from_adsk_auth")
        with self.assertLogs("sg_session.flow_auth", "WARNING"):
            flow_auth.install()
        self.assertNotIn("get_access_token_from_adsk_auth", vars(module))
        module.get_access_token_from_adsk_auth = own


REAL, WHY_NOT = clients.find_real("tank/authentication/flow_auth")


@unittest.skipIf(REAL is None, WHY_NOT)
class Real(FlowAuth, unittest.TestCase):
    place = REAL

    def setUp(self):
        caught = warnings.catch_warnings()
        caught.__enter__()
        self.addCleanup(caught.__exit__, None, None, None)
        clients.ignore_foreign_warnings()
        super(Real, self).setUp()


if __name__ == "__main__":
    unittest.main()
