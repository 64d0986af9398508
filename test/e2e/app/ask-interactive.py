"""A tool that has the artist asked to sign in when nobody is, and says whose session it got."""

import sg_session

with sg_session.Client(name="asking-tool") as client:
    print("has a session as", client.get_session(interactive=True).login, flush=True)
