"""`python3 today.py SPEC-FILE`: what a tool does today to have a session of the site, beside ours; each time anew, as each tool does.

SPEC-FILE: JSON of {"sites": {NAME: URL, …}, "ca": FILE, "login": …, "passphrase": …, "rounds": …}. Prints one JSON object: "agent", and "password NAME" and
"session NAME" of each site, the times of all in ms.
"""

import json
import ssl
import sys
import time
import urllib.parse
import urllib.request

import sg_session


def main():
    with open(sys.argv[1]) as file:
        spec = json.load(file)
    session_token = sg_session.get_session().session_token
    password = {"grant_type": "password", "username": spec["login"], "password": spec["passphrase"]}
    session = {"grant_type": "session_token", "session_token": session_token}
    asks = {"agent": sg_session.get_session}
    for name, url in spec["sites"].items():
        asks["password " + name] = lambda url=url: log_in(url, spec["ca"], password)
        asks["session " + name] = lambda url=url: log_in(url, spec["ca"], session)
    taken = {name: [] for name in asks}
    for round_number in range(-1, spec["rounds"]):
        for name, ask in asks.items():
            before = time.perf_counter()
            ask()
            if round_number >= 0:
                taken[name].append(round((time.perf_counter() - before) * 1e3, 3))
    print(json.dumps(taken))


def log_in(url, ca, form):
    """A bearer of the REST API."""
    context = ssl.create_default_context(cafile=ca)
    request = urllib.request.Request(url + "/api/v1/auth/access_token", urllib.parse.urlencode(form).encode("ascii"))
    with urllib.request.urlopen(request, timeout=30, context=context) as response:
        if not json.loads(response.read().decode("utf-8"))["access_token"]:
            raise RuntimeError("the site gave no bearer")


if __name__ == "__main__":
    main()
