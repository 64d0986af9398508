"""Asks for the session, over a connection that is kept and over fresh ones in turn: as often as is said, and on until SIGUSR1."""

import signal
import sys
import time

import sg_session

told = []
signal.signal(signal.SIGUSR1, lambda *_: told.append(True))
least = int(sys.argv[1])
made = 0
with sg_session.Client() as client:
    token = client.get_session().session_token
    print("calling", flush=True)
    while made < least or not told:
        one = sg_session.get_session() if made % 5 == 0 else client.get_session()
        assert one.session_token == token
        made += 1
        time.sleep(0.005)
print("made %d" % made)
