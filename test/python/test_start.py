import os
import shutil
import tempfile
import time
import unittest

import sg_session
from sg_session import _start


class Environment(unittest.TestCase):
    def test_what_a_dcc_set_for_itself_is_not_handed_on(self):
        host = {
            "LD_LIBRARY_PATH": "/opt/maya/lib",
            "PYTHONHOME": "/opt/maya",
            "QT_PLUGIN_PATH": "/opt/maya/qt",
            "NODE_OPTIONS": "--inspect",
            "NODE_TLS_REJECT_UNAUTHORIZED": "0",
            "SSL_CERT_FILE": "/opt/maya/cacert.pem",
            "OPENSSL_CONF": "/opt/maya/openssl.cnf",
            "ELECTRON_RUN_AS_NODE": "1",
        }
        kept = {"HOME": "/home/artist", "DISPLAY": ":0", "XDG_RUNTIME_DIR": "/run/user/1001", "NODE_EXTRA_CA_CERTS": "/etc/studio.pem"}
        saved = dict(os.environ)
        try:
            os.environ.clear()
            os.environ.update(dict(host, **kept))
            self.assertEqual(_start._environment(), kept)
        finally:
            os.environ.clear()
            os.environ.update(saved)


class NothingToStart(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.saved = dict(os.environ)
        os.environ["SG_SESSION_ENDPOINT"] = os.path.join(self.folder, "sg-session", "endpoint.json")
        os.environ["PATH"] = self.folder

    def tearDown(self):
        os.environ.clear()
        os.environ.update(self.saved)
        shutil.rmtree(self.folder)

    def install(self, text):
        path = os.path.join(self.folder, "sg-session")
        if os.path.isdir(path):
            os.rmdir(path)
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, 0o755)

    def expect(self, kind, said, timeout=5):
        started = time.monotonic()
        with self.assertRaises(kind) as caught:
            sg_session.get_session(start_agent=True, timeout=timeout)
        self.assertIn(said, str(caught.exception))
        self.assertLess(time.monotonic() - started, timeout + 4)

    def test_none_is_installed(self):
        self.expect(sg_session.AgentNotRunning, "no sg-session is installed")

    @unittest.skipIf(os.name == "nt", "shell scripts")
    def test_one_that_cannot_be_started(self):
        self.install("#!/nowhere/node\n")
        self.expect(sg_session.AgentNotRunning, "cannot be started")

    @unittest.skipIf(os.name == "nt", "shell scripts")
    def test_one_that_ends_at_once(self):
        self.install("#!/bin/sh\nexit 71\n")
        self.expect(sg_session.AgentNotRunning, "ended with status 71")

    @unittest.skipIf(os.name == "nt", "shell scripts")
    def test_one_that_never_comes_up(self):
        self.install("#!/bin/sh\nexec /bin/sleep 10\n")
        self.expect(sg_session.AgentTimeout, "within 1 s", timeout=1)


if __name__ == "__main__":
    unittest.main()
