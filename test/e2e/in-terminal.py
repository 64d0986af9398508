"""Runs a command at a terminal of its own.

What comes on standard input is typed there, what the command writes goes to standard output. Ends with the command's status
(128 + n for signal n). When standard input ends, the terminal is closed.
"""

import os
import pty
import select
import sys


def relay(master):
    """Types and listens until the command has gone, or nobody types any more."""
    while True:
        readable, _, _ = select.select([0, master], [], [])
        if master in readable:
            try:
                said = os.read(master, 65536)
            except OSError:
                return
            if not said:
                return
            os.write(1, said)
        if 0 in readable:
            typed = os.read(0, 65536)
            if not typed:
                return
            os.write(master, typed)


child, master = pty.fork()
if child == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
relay(master)
os.close(master)
_, status = os.waitpid(child, 0)
sys.exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))
