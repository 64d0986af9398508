"""Asks for sessions of the sites given, RATE times a second, and prints each answer as one JSON line, until it is ended.

The parent holds each answer against what the sites say.
"""

import json
import random
import sys
import time

import sg_session

RATE = float(sys.argv[1])
SITES = sys.argv[2:]


def ask(site):
    try:
        session = sg_session.get_session(site=site, timeout=20)
    except sg_session.SgSessionError as error:
        return {"site": site, "code": error.code, "message": str(error)}
    return {"site": site, "login": session.login, "sessionToken": session.session_token, "answerSite": session.site}


began, count = time.monotonic(), 0
while True:
    print(json.dumps(ask(random.choice(SITES))), flush=True)
    count += 1
    time.sleep(max(0.0, began + count / RATE - time.monotonic()))
