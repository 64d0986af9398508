import os
import time

from ._connect import connect
from ._errors import AgentNotRunning, AgentTimeout, NotYourAgent, SgSessionError, Unreachable
from ._line import Closed, Deadline
from ._records import Change, changes, fields

_RECONNECT_PAUSE = 0.25
# An agent that is there answers within milliseconds; a host's timer must not wait longer for one that is not.
_CONNECT_LIMIT = 0.5


class Watcher(object):
    """What happens to the sessions, as it happens. Either iterate (blocks between changes, until ``close()`` or the
    ``timeout`` given to :func:`watch`), or call ``poll()`` from a timer of the host. Both give a :class:`Change`, first one for
    every site. When the agent goes away that is a Change too, and it is looked for again by itself. One thread at a time.
    ``close()`` it, or use it in a ``with``."""

    def __init__(self, name="python", timeout=None):
        self._name = name
        self._until = None if timeout is None else time.monotonic() + timeout
        self._line = None
        self._closed = False
        self._told_gone = False
        self._was_connected = False
        self._next_try = 0.0

    def poll(self, timeout=0.0):
        """A list of the changes since the last call, first the state of every site; waits up to ``timeout`` seconds for one. While
        no agent is connected, looking for one may take half a second. Raises UnsupportedVersion, and nothing when the agent is away."""
        until = time.monotonic() + timeout
        while not self._closed:
            left = until - time.monotonic()
            changes = self._read(max(0.0, left))
            if changes or left <= 0:
                return changes
        return []

    def __iter__(self):
        while not self._closed and (self._until is None or time.monotonic() < self._until):
            # Short waits, so that Ctrl-C and close() are noticed on every system.
            left = 0.5 if self._until is None else min(0.5, max(0.0, self._until - time.monotonic()))
            for change in self.poll(left):
                yield change

    def close(self):
        """Ends the connection and every iteration."""
        self._closed = True
        self._drop()

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.close()

    def _read(self, wait):
        if self._line is None or self._line.pid != os.getpid():
            return self._open(wait)
        try:
            if wait <= 0:
                messages = self._line.notifications(None)
            else:
                messages = self._line.notifications(Deadline(wait))
        except Closed:
            self._drop()
            return []
        except SgSessionError as error:
            if error.code == "agent_timeout":
                return []
            raise
        changed = [message.get("params") for message in messages if message.get("method") == "session/changed"]
        return [Change(**fields(change)) for change in changed]

    def _open(self, wait):
        pause = self._next_try - time.monotonic()
        if pause > 0:
            time.sleep(min(pause, wait))
            if pause > wait:
                return []
        self._drop()
        self._next_try = time.monotonic() + _RECONNECT_PAUSE
        deadline = Deadline(max(wait, _CONNECT_LIMIT))
        try:
            self._line = connect(self._name, False, deadline)
            now = changes(self._line.request("session/watch", {}, deadline))
        except (AgentNotRunning, AgentTimeout, NotYourAgent, Unreachable, Closed) as error:
            self._drop()
            # One that has just taken another's place, and is late with its first answers, is not gone.
            was_connected, self._was_connected = self._was_connected, False
            if self._told_gone or (was_connected and isinstance(error, AgentTimeout)):
                return []
            self._told_gone = True
            return [Change(state="agent_not_running")]
        except BaseException:
            # A line that never subscribed would be silent for ever.
            self._drop()
            raise
        self._told_gone = False
        self._was_connected = True
        return now

    def _drop(self):
        if self._line is not None:
            self._line.close()
            self._line = None
