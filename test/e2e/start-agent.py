"""Asks with start_agent=True where no agent runs; prints the pid of the agent that came up."""

import json
import os
import sys

import sg_session

try:
    sg_session.get_session(start_agent=True, timeout=60)
except sg_session.LoginRequired:
    pass
else:
    sys.exit("nobody is signed in, and yet there was a session")
with open(os.path.join(os.environ["XDG_RUNTIME_DIR"], "sg-session", "endpoint.json")) as file:
    print(json.load(file)["pid"])
