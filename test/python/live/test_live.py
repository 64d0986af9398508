"""Against a real agent that is signed in; test/e2e/python-client.test.ts starts it and names its endpoint file."""

import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import unittest

import sg_session
from sg_session import _endpoint, _line, flow_auth

LOGIN = "artist@studio.example"


class Live(unittest.TestCase):
    def setUp(self):
        self.threads = threading.active_count()

    def tearDown(self):
        self.assertEqual(threading.active_count(), self.threads, "no thread is left behind")

    def test_the_session(self):
        session = sg_session.get_session()
        self.assertEqual(session.login, LOGIN)
        self.assertRegex(session.session_token, "^[0-9a-f]{32}$")
        self.assertGreater(session.expires_at, time.time())
        self.assertEqual(sg_session.get_session(session.site.upper()).session_token, session.session_token)

    def test_one_connection_serves_many_calls_and_threads(self):
        with sg_session.Client("test") as client:
            tokens = []
            threads = [threading.Thread(target=lambda: tokens.append(client.get_session().session_token)) for _ in range(20)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(len(tokens), 20)
            self.assertEqual(len(set(tokens)), 1)

    def test_a_rest_bearer(self):
        token = sg_session.get_rest_token()
        self.assertEqual(len(token.access_token.split(".")), 3)
        self.assertGreater(token.expires_at, time.time())

    def test_an_autodesk_token(self):
        token = sg_session.get_autodesk_token()
        self.assertEqual(len(token.access_token.split(".")), 3)
        self.assertNotEqual(token.access_token, sg_session.get_rest_token().access_token)
        self.assertEqual(sorted(token.scopes), ["openid", "user-profile:read"])
        self.assertLess(time.time() + 300, token.expires_at)
        self.assertNotIn(token.access_token, repr(token))
        with self.assertRaises(sg_session.SiteUnknown):
            sg_session.get_autodesk_token("https://elsewhere.example")

    def test_a_flow_client_is_served_over_one_connection(self):
        handler = flow_auth.AuthenticationHandler()
        tokens = {handler.get_authentication_token() for _ in range(20)}
        handler.close()
        self.assertEqual(tokens, {sg_session.get_autodesk_token().access_token})

    def test_a_report_of_a_session_that_is_good_changes_nothing(self):
        session = sg_session.get_session()
        change = sg_session.report_rejected(generation=session.generation)
        self.assertEqual((change.state, change.generation), ("signed_in", session.generation))

    def test_the_status_has_no_secret(self):
        site, = sg_session.status()
        self.assertEqual((site.state, site.login), ("signed_in", LOGIN))
        self.assertNotIn(sg_session.get_session().session_token, repr(site))

    def test_a_watcher_begins_with_the_state_and_can_be_polled(self):
        with sg_session.watch() as watcher:
            change, = watcher.poll()
            self.assertEqual((change.state, change.login), ("signed_in", LOGIN))
            started = time.monotonic()
            self.assertEqual(watcher.poll(), [])
            self.assertLess(time.monotonic() - started, 0.5)
            self.assertEqual(watcher.poll(timeout=0.2), [])

    def test_iterating_ends_with_its_timeout(self):
        started = time.monotonic()
        with sg_session.watch(timeout=0.4) as watcher:
            self.assertEqual([change.state for change in watcher], ["signed_in"])
        self.assertLess(time.monotonic() - started, 5)

    def test_an_unknown_site(self):
        with self.assertRaises(sg_session.SiteUnknown) as caught:
            sg_session.get_session("https://elsewhere.example")
        self.assertTrue(caught.exception.advice)

    def test_wrong_arguments_are_a_clear_error(self):
        with self.assertRaises(sg_session.SgSessionError) as caught:
            sg_session.get_session(min_validity=-1)
        self.assertEqual(caught.exception.code, "invalid_request")

    def test_arguments_that_the_agent_cannot_read_are_a_clear_error_at_once(self):
        started = time.monotonic()
        with sg_session.Client() as client:
            for call in (
                lambda: client.get_session("https://\ud800.example"),
                lambda: client.get_session(min_validity=2**60),
                lambda: client.report_rejected(generation=2**60),
            ):
                with self.assertRaises(sg_session.SgSessionError) as caught:
                    call()
                self.assertEqual(caught.exception.code, "invalid_request")
            self.assertEqual(client.get_session().login, LOGIN)
        self.assertLess(time.monotonic() - started, 3)

    def test_a_silent_listener_in_an_earlier_place_hides_no_agent(self):
        real = next(path for path in _endpoint.candidates() if _endpoint.read(path))
        folder = tempfile.mkdtemp()
        os.mkdir(os.path.join(folder, "sg-session"), 0o700)
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen(5)
        with open(real) as file:
            content = dict(json.load(file), port=listener.getsockname()[1])
        earlier = os.path.join(folder, "sg-session", "endpoint.json")
        with open(earlier, "w") as file:
            json.dump(content, file)
        os.chmod(earlier, 0o600)
        candidates = _endpoint.candidates
        _endpoint.candidates = lambda: [earlier, real]
        try:
            self.assertEqual(sg_session.get_session(timeout=6).login, LOGIN)
        finally:
            _endpoint.candidates = candidates
            listener.close()

    def test_closing_ends_a_call_that_another_thread_waits_in(self):
        client = sg_session.Client()
        client.get_session()
        raised = []

        def wait():
            try:
                # Nothing to wait for at the agent: the answer is held up by taking the line's turn to read.
                client._line._receive(_line.Deadline(20))
            except _line.Closed as error:
                raised.append(error)

        thread = threading.Thread(target=wait)
        with client._lock:
            thread.start()
            time.sleep(0.1)
            started = time.monotonic()
            client.close()
            thread.join(5)
        self.assertLess(time.monotonic() - started, 2)
        self.assertEqual(len(raised), 1)
        client.close()

    @unittest.skipUnless(hasattr(os, "fork"), "no fork here")
    def test_a_fork_while_another_thread_is_in_a_call(self):
        with sg_session.Client() as client:
            expected = client.get_session().session_token
            with client._lock:
                child = os.fork()
                if child == 0:
                    same = False
                    try:
                        same = client.get_session(timeout=3).session_token == expected
                    finally:
                        os._exit(0 if same else 1)
                self.assertEqual(os.waitpid(child, 0)[1], 0)

    @unittest.skipUnless(hasattr(os, "fork"), "no fork here")
    def test_a_client_survives_a_fork_on_both_sides(self):
        with sg_session.Client() as client:
            expected = client.get_session().session_token
            child = os.fork()
            if child == 0:
                same = False
                try:
                    same = client.get_session().session_token == expected
                finally:
                    os._exit(0 if same else 1)
            self.assertEqual(os.waitpid(child, 0)[1], 0)
            self.assertEqual(client.get_session().session_token, expected)

    def test_the_command_line(self):
        def run(*arguments):
            return subprocess.run([sys.executable, "-m", "sg_session"] + list(arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE)

        token = run("get").stdout.decode().strip()
        self.assertEqual(token, sg_session.get_session().session_token)
        self.assertEqual(json.loads(run("get", "--json").stdout.decode())["session_token"], token)
        status = run("status")
        self.assertIn(LOGIN, status.stdout.decode())
        self.assertNotIn(token, status.stdout.decode())
        unknown = run("get", "--site", "https://elsewhere.example", "--json")
        self.assertEqual(json.loads(unknown.stdout.decode())["error"]["code"], "site_unknown")
        self.assertEqual(unknown.returncode, 50)
        self.assertEqual(run().returncode, 2)


class Impostors(unittest.TestCase):
    """Something else at the address of the endpoint file: it hears no secret, and the caller waits no longer than asked."""

    def setUp(self):
        self.real = next(path for path in _endpoint.candidates() if _endpoint.read(path))
        with open(self.real) as file:
            self.content = json.load(file)
        self.folder = tempfile.mkdtemp()
        os.chmod(self.folder, 0o700)
        self.path = os.path.join(self.folder, "endpoint.json")
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(5)
        self.saved = os.environ.get("SG_SESSION_ENDPOINT")
        os.environ["SG_SESSION_ENDPOINT"] = self.path
        self.announce(port=self.listener.getsockname()[1])

    def tearDown(self):
        self.listener.close()
        os.environ.pop("SG_SESSION_ENDPOINT")
        if self.saved is not None:
            os.environ["SG_SESSION_ENDPOINT"] = self.saved
        os.remove(self.path)
        os.rmdir(self.folder)

    def announce(self, **change):
        with open(self.path, "w") as file:
            json.dump(dict(self.content, **change), file)
        os.chmod(self.path, 0o600)

    def expect(self, kind, timeout=1.0):
        started = time.monotonic()
        with self.assertRaises(kind):
            sg_session.get_session(timeout=timeout)
        self.assertLess(time.monotonic() - started, timeout + 4.0)

    def test_silence(self):
        self.expect(sg_session.AgentTimeout)
        connection, _ = self.listener.accept()
        self.assertNotIn(self.content["key"].encode(), connection.recv(65536))
        connection.close()

    def test_another_protocol(self):
        def answer():
            connection, _ = self.listener.accept()
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            connection.close()

        thread = threading.Thread(target=answer)
        thread.start()
        self.expect(sg_session.NotYourAgent)
        thread.join()

    def test_a_connection_that_closes(self):
        def answer():
            connection, _ = self.listener.accept()
            # Read first: closing over unread bytes would reset the connection instead of ending it.
            connection.recv(65536)
            connection.close()

        thread = threading.Thread(target=answer)
        thread.start()
        self.expect(sg_session.NotYourAgent)
        thread.join()

    def test_the_real_agent_under_another_certificate(self):
        with open(os.path.join(os.path.dirname(__file__), "..", "..", "vectors", "other-certificate.pem")) as file:
            pem = file.read()
        self.announce(port=self.content["port"], certificate=pem)
        self.expect(sg_session.NotYourAgent)

    def test_the_real_agent_with_a_wrong_key(self):
        # The agent holds a stranger until its two seconds are over.
        self.announce(port=self.content["port"], key="A" * 43)
        self.expect(sg_session.NotYourAgent, timeout=4.0)

    def test_the_key_is_in_no_frame_of_a_traceback(self):
        self.announce(port=self.content["port"], key="A" * 43)
        try:
            sg_session.get_session(timeout=4)
        except sg_session.NotYourAgent as error:
            kept = traceback.TracebackException.from_exception(error, capture_locals=True)
            while kept:
                self.assertNotIn("AAAAAAAA", "".join(kept.format()))
                kept = kept.__context__

    def test_a_certificate_that_is_none(self):
        pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
        self.announce(port=self.content["port"], certificate=pem)
        self.expect(sg_session.NotYourAgent)
        with sg_session.watch() as watcher:
            self.assertEqual([change.state for change in watcher.poll()], ["agent_not_running"])

    def test_an_agent_with_too_many_callers(self):
        def answer():
            connection, _ = self.listener.accept()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()

        thread = threading.Thread(target=answer)
        thread.start()
        self.expect(sg_session.Unreachable)
        thread.join()

    def test_nobody(self):
        port = self.listener.getsockname()[1]
        self.listener.close()
        self.announce(port=port)
        self.expect(sg_session.AgentNotRunning)


if __name__ == "__main__":
    unittest.main()
