"""A plug-in that waits until somebody signs in, as one in a DCC would: it asks at once when it hears of it."""

import sg_session

with sg_session.Watcher(name="waiting-plug-in") as watcher:
    print("waiting", flush=True)
    for change in watcher:
        if change.state == "signed_in":
            break

with sg_session.Client(name="waiting-plug-in") as client:
    print("has a session as", client.get_session().login, flush=True)
