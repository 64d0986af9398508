"""Closing at the wrong moment, and a subscription that fails: with a line that is not there yet, or is not answered."""

import os
import shutil
import sys
import tempfile
import threading
import time
import unittest

import sg_session
from sg_session import _client, _start, _watcher


class FakeLine(object):
    def __init__(self, error=None):
        self.pid = os.getpid()
        self.error = error
        self.requests = 0
        self.closed = False

    def request(self, _method, _params, _deadline):
        self.requests += 1
        if self.error:
            raise self.error
        return {"sites": []}

    def notifications(self, _deadline):
        return []

    def close(self):
        self.closed = True

    hang_up = close


class Closing(unittest.TestCase):
    def setUp(self):
        self.saved = (_client.connect, _watcher.connect)

    def tearDown(self):
        _client.connect, _watcher.connect = self.saved

    def test_a_client_closed_while_it_connects_asks_nothing_and_leaves_nothing_open(self):
        line = FakeLine()
        connecting = threading.Event()

        def connect(*_args):
            connecting.set()
            time.sleep(0.2)
            return line

        _client.connect = connect
        client = sg_session.Client()
        raised = []

        def ask():
            try:
                client.status()
            except sg_session.AgentNotRunning as error:
                raised.append(error)

        thread = threading.Thread(target=ask)
        thread.start()
        connecting.wait(5)
        client.close()
        thread.join(5)
        self.assertEqual((len(raised), line.requests, line.closed), (1, 0, True))

    def test_a_watcher_whose_subscription_failed_subscribes_anew(self):
        failing = FakeLine(sg_session.SgSessionError("internal_error", "once"))
        lines = [failing, FakeLine()]
        _watcher.connect = lambda *_args: lines.pop(0)
        watcher = sg_session.Watcher()
        with self.assertRaises(sg_session.SgSessionError):
            watcher.poll()
        self.assertTrue(failing.closed)
        watcher.poll(1)
        self.assertEqual(lines, [])
        watcher.close()


class Finding(unittest.TestCase):
    def test_the_current_folder_is_not_searched(self):
        saved = os.environ.get("PATH", ""), os.getcwd()
        folder = tempfile.mkdtemp()
        planted = os.path.join(folder, "sg-session.exe" if sys.platform == "win32" else "sg-session")
        with open(planted, "w") as file:
            file.write("#!/bin/sh\n")
        os.chmod(planted, 0o755)
        try:
            os.chdir(folder)
            for path in ("", ".", os.pathsep.join(["", ".", os.path.join(".", "")])):
                os.environ["PATH"] = path
                self.assertIsNone(_start._installed())
            os.environ["PATH"] = folder
            self.assertEqual(_start._installed(), planted)
        finally:
            os.environ["PATH"] = saved[0]
            os.chdir(saved[1])
            shutil.rmtree(folder)


if __name__ == "__main__":
    unittest.main()
