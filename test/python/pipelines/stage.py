"""Which clients the tests run with, and what they do to the sandbox's site. test/e2e/python-pipelines.test.ts sets the stage."""

import json
import os
import sys
import tempfile
import threading
import unittest
import urllib.request

import sg_session

LOGIN = "artist@studio.example"
STAND_INS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "stand_in")
# A checkout, an unpacked package, or the folder that holds it.
_PLACES = ("", "python-api", "tk-core/python", "python", "tk-core")


def client_paths():
    """The folders to import shotgun_api3 and tank from: those of SG_REAL_CLIENTS with SG_TEST_CLIENTS=real, else the stand-ins."""
    if os.environ.get("SG_TEST_CLIENTS") != "real":
        return [STAND_INS]
    places = [os.path.join(os.environ["SG_REAL_CLIENTS"], *place.split("/")) for place in _PLACES]
    found = []
    for package in ("shotgun_api3", "tank"):
        found += [place for place in places if os.path.isfile(os.path.join(place, package, "__init__.py"))][:1]
    return list(dict.fromkeys(found))


def has(package):
    return any(os.path.isfile(os.path.join(place, package, "__init__.py")) for place in client_paths())


def core_is_for_this_python():
    return os.environ.get("SG_TEST_CLIENTS") != "real" or sys.version_info[:2] in ((3, 9), (3, 10), (3, 11), (3, 13))


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
