"""A tool that has the artist asked to sign in when nobody is, at the site of its argument, and says whose session it got."""

import sys

import sg_session

site = sys.argv[1] if len(sys.argv) > 1 else None

with sg_session.Client(name="asking-tool") as client:
    print("has a session as", client.get_session(site, interactive=True).login, flush=True)
