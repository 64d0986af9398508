"""A tool of an artist, named by its first argument: it asks for the session at once, waiting for the artist if the second
argument is "wait", and once more, without waiting, at each SIGUSR1."""

import signal
import sys

import sg_session

signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
client = sg_session.Client(name=sys.argv[1])


def ask(interactive):
    try:
        print("has a session as", client.get_session(interactive=interactive).login, flush=True)
    except sg_session.SgSessionError as error:
        print("was refused:", error.code, flush=True)


ask("wait" in sys.argv)
while True:
    signal.sigwait({signal.SIGUSR1})
    ask(False)
