"""Which clients the tests run with, and what they do to the sandbox's site. test/e2e/python-pipelines.test.ts sets the stage."""

import json
import os
import sys
import tempfile
import threading
import unittest
import urllib.request

import sg_session

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import clients  # noqa: E402

LOGIN = "artist@studio.example"
def client_paths():
    """The folders to import shotgun_api3 and tank from."""
    found = [clients.find(package)[0] for package in ("shotgun_api3", "tank")]
    return list(dict.fromkeys(place for place in found if place))


def demand(package):
    """Skips the test that is being imported, or run, when there is no such client."""
    place, why_not = clients.find(package)
    if place is None:
        raise unittest.SkipTest(why_not)


for _path in reversed(client_paths()):
    if _path not in sys.path:
        sys.path.insert(0, _path)


def site():
    return sg_session.status()[0].site


def control(path, body=None):
    """The sandbox's control API."""
    data = None if body is None else json.dumps(body).encode("utf-8")
    request = urllib.request.Request(site() + "/sandbox/" + path, data, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read().decode("utf-8"))


def end_session():
    """The site ends every session of the artist, as it does one that was not used for long enough. The agent does not know."""
    # An earlier test may have left one behind that has ended already.
    sg_session.report_rejected()
    if control("sessions/expire", {"login": LOGIN})["ended"] == 0:
        raise AssertionError("there was no session to end")


def refuse_once(path, status, body="", content_type="text/plain"):
    does = {"kind": "status", "status": status, "body": body, "headers": {"content-type": content_type}}
    control("faults", {"path": path, "times": 1, "does": does})


def sessions_made():
    return control("calls").get("get_session_token", 0)


def files_with(secret, folder):
    found = []
    for place, _folders, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            with open(path, "rb") as file:
                if secret.encode("utf-8") in file.read():
                    found.append(path)
    return found


class Case(unittest.TestCase):
    def setUp(self):
        self.threads = threading.active_count()
        self.folder = tempfile.mkdtemp()

    def tearDown(self):
        self.assertEqual(threading.active_count(), self.threads, "no thread is left behind")
