import json
import os
import shutil
import ssl
import tempfile
import unittest

import sg_session
from sg_session import _endpoint

CERTIFICATE = "-----BEGIN CERTIFICATE-----\n%s\n-----END CERTIFICATE-----\n" % ("MIIB" + "A" * 60)


class Candidates(unittest.TestCase):
    def test_linux_finds_the_runtime_folder_without_the_environment(self):
        found = _endpoint.candidates({}, "linux", 1001)
        self.assertEqual(found, ["/run/user/1001/sg-session/endpoint.json", "/tmp/sg-session-1001/endpoint.json"])
        self.assertEqual(_endpoint.candidates({"XDG_RUNTIME_DIR": "/run/user/1001"}, "linux", 1001), found)
        first = _endpoint.candidates({"XDG_RUNTIME_DIR": "/mnt/run"}, "linux", 1001)[0]
        self.assertEqual(first, "/mnt/run/sg-session/endpoint.json")

    def test_other_systems_and_the_override(self):
        self.assertEqual(
            _endpoint.candidates({"HOME": "/Users/a"}, "darwin", 501), ["/Users/a/Library/Caches/sg-session/endpoint.json"]
        )
        self.assertEqual(
            _endpoint.candidates({"LOCALAPPDATA": "C:\\U\\a\\Local"}, "win32", 0), ["C:\\U\\a\\Local\\sg-session\\endpoint.json"]
        )
        self.assertEqual(_endpoint.candidates({"SG_SESSION_ENDPOINT": "/x"}, "linux", 1), ["/x"])


@unittest.skipIf(os.name == "nt", "Windows guards the file by access lists")
class File(unittest.TestCase):
    def setUp(self):
        self.folder = os.path.join(tempfile.mkdtemp(), "sg-session")
        os.mkdir(self.folder, 0o700)
        self.path = os.path.join(self.folder, "endpoint.json")
        self.content = {"endpoint": 1, "port": 4242, "certificate": CERTIFICATE, "key": "k" * 43, "pid": 7, "startedAt": 1}
        self.write(json.dumps(self.content, indent=2))

    def tearDown(self):
        shutil.rmtree(os.path.dirname(self.folder))

    def write(self, text, mode=0o600):
        with open(self.path, "w") as file:
            file.write(text)
        os.chmod(self.path, mode)

    def assert_refused(self):
        with self.assertRaises(sg_session.NotYourAgent) as caught:
            _endpoint.read(self.path)
        self.assertNotIn("k" * 43, str(caught.exception))

    def test_a_private_file_is_read_and_prints_without_its_key(self):
        endpoint = _endpoint.read(self.path)
        self.assertEqual((endpoint.port, endpoint.key, endpoint.pid), (4242, "k" * 43, 7))
        self.assertNotIn("kkk", repr(endpoint))

    def test_none_is_no_error(self):
        self.assertIsNone(_endpoint.read(os.path.join(self.folder, "none.json")))
        self.assertIsNone(_endpoint.read(os.path.join(self.folder, "none", "endpoint.json")))

    def test_a_file_open_to_others_is_refused(self):
        for mode in (0o640, 0o604, 0o620, 0o666):
            os.chmod(self.path, mode)
            self.assert_refused()

    def test_a_folder_open_to_others_is_refused(self):
        for mode in (0o750, 0o701, 0o777):
            os.chmod(self.folder, mode)
            self.assert_refused()

    def test_links_are_refused(self):
        real = self.path + ".real"
        os.rename(self.path, real)
        os.symlink(real, self.path)
        self.assert_refused()

    @unittest.skipUnless(hasattr(os, "getuid") and os.getuid() == 0, "only root can give a file away")
    def test_another_users_file_or_folder_is_refused(self):
        os.chown(self.path, 65534, 65534)
        self.assert_refused()
        os.chown(self.path, 0, 0)
        os.chown(self.folder, 65534, 65534)
        self.assert_refused()

    @unittest.skipUnless(hasattr(os, "mkfifo"), "no pipes here")
    def test_a_pipe_in_its_place_holds_nobody_up(self):
        os.remove(self.path)
        os.mkfifo(self.path, 0o600)
        self.assert_refused()

    def test_another_form_is_refused(self):
        wrong = [{"endpoint": 2}, {"port": 0}, {"port": "4242"}, {"port": True}, {"key": "short"}, {"certificate": "none"}, {"pid": -1}]
        # What Python's own comparisons take for the right thing.
        wrong += [{"endpoint": True}, {"key": "k" * 43 + "\n"}, {"startedAt": None}, {"pid": 7.5}]
        for text in ["", "{", "null", "[]", "x" * 20000] + [json.dumps(dict(self.content, **change)) for change in wrong]:
            self.write(text)
            self.assert_refused()

    def test_a_number_is_the_same_in_every_spelling(self):
        self.write(json.dumps(self.content).replace("4242", "4242.0"))
        self.assertEqual(repr(_endpoint.read(self.path).port), "4242")

    def test_bytes_that_are_not_utf_8_are_refused(self):
        with open(self.path, "ab") as file:
            file.write(b"\xff")
        self.assert_refused()

    def test_a_repeated_member_is_refused(self):
        self.write(json.dumps(self.content).replace('"port": 4242', '"port": 4242, "port": 4243'))
        self.assert_refused()


class Certificate(unittest.TestCase):
    def test_the_vector_is_a_pem_that_ssl_reads(self):
        self.assertTrue(ssl.PEM_cert_to_DER_cert(CERTIFICATE))


if __name__ == "__main__":
    unittest.main()
