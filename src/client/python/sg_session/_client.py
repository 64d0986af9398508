import os
import threading
import time

from . import _endpoint
from ._errors import AgentNotRunning, AgentTimeout, NotYourAgent, SgSessionError, Unreachable, error_for
from ._line import Closed, Deadline, Line
from ._start import start_agent as _start_agent

_DEFAULT_TIMEOUT = 10.0
_INTERACTIVE_TIMEOUT = 330.0
_RECONNECT_PAUSE = 0.25
# An agent that is there answers within milliseconds; a host's timer must not wait longer for one that is not.
_CONNECT_LIMIT = 0.5


class _Record(object):
    """A read-only value that keeps its secrets out of ``repr``, ``str`` and pickles."""

    __slots__ = ()
    _secret = ()

    def __init__(self, **fields):
        for name in self.__slots__:
            object.__setattr__(self, name, fields.get(name))

    def __setattr__(self, name, value):
        raise AttributeError("%s is read-only" % type(self).__name__)

    def __repr__(self):
        shown = ["%s=%s" % (name, "'[secret]'" if name in self._secret else repr(getattr(self, name))) for name in self.__slots__]
        return "%s(%s)" % (type(self).__name__, ", ".join(shown))

    def __reduce_ex__(self, protocol):
        raise TypeError("a %s is not to be stored or sent on; ask for it where it is needed" % type(self).__name__)


class Session(_Record):
    """A session of ``site``: give ``session_token`` to ``shotgun_api3.Shotgun(site, session_token=…)``.

    ``expires_at`` is in seconds since the epoch; ``generation`` rises when the token changes."""

    __slots__ = ("site", "login", "user_id", "name", "session_token", "expires_at", "obtained_by", "generation")
    _secret = ("session_token",)


class RestToken(_Record):
    """A bearer for the site's REST API; ``expires_at`` in seconds since the epoch."""

    __slots__ = ("site", "access_token", "expires_at")
    _secret = ("access_token",)


class Change(_Record):
    """A site's state: ``signed_out``, ``signing_in`` or ``signed_in``, and the ``reason`` it came to it. While no agent
    runs, one Change with ``state='agent_not_running'`` and no site. Times are seconds since the epoch."""

    __slots__ = (
        "site",
        "state",
        "reason",
        "login",
        "user_id",
        "name",
        "obtained_by",
        "account",
        "expires_at",
        "sign_in_ends_at",
        "problem",
        "generation",
    )


class Client(object):
    """A connection to the agent that is kept and, after the agent was restarted, made anew. Safe to share between threads
    (calls wait for each other) and to carry across a fork. ``close()`` it, or use it in a ``with``."""

    def __init__(self, name="python", start_agent=False):
        self._name = name
        self._start_agent = start_agent
        self._line = None
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._closes = 0

    def get_session(self, site=None, min_validity=300, interactive=False, timeout=None):
        """The session, with ``min_validity`` seconds left where the site grants that. With ``interactive`` the artist is
        asked to sign in if nobody is; else that raises LoginRequired. ``timeout``: 10 s, interactive 330 s."""
        params = _named(site, minValidityS=int(min_validity), interactive=bool(interactive))
        limit = _INTERACTIVE_TIMEOUT if interactive else _DEFAULT_TIMEOUT
        return Session(**_snake(self._call("session/get", params, limit if timeout is None else timeout)))

    def report_rejected(self, site=None, generation=None, timeout=30.0):
        """Says that the site refused the session. The agent asks the site, once for all who say so, and renews if it is
        true; then ``get_session()`` again. ``generation`` (of the refused session) saves the question when it is old."""
        params = _named(site)
        if generation is not None:
            params["generation"] = generation
        return Change(**_snake(self._call("session/reportRejected", params, timeout)))

    def get_rest_token(self, site=None, timeout=_DEFAULT_TIMEOUT):
        """A bearer for the REST API, made from the session."""
        return RestToken(**_snake(self._call("rest/get", _named(site), timeout)))

    def status(self, timeout=_DEFAULT_TIMEOUT):
        """One Change for each configured site: who is signed in, until when. No secrets."""
        return [Change(**_snake(site)) for site in self._call("status", {}, timeout)["sites"]]

    def close(self):
        """Ends the connection at once; a call that another thread is in raises AgentNotRunning."""
        self._closes += 1
        line = self._line
        if self._lock.acquire(blocking=False):
            try:
                self._drop()
            finally:
                self._lock.release()
        elif line is not None:
            line.hang_up()

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.close()

    def _call(self, method, params, timeout):
        deadline = Deadline(timeout)
        closes = self._closes
        if self._pid != os.getpid():
            # Forked: whoever held the lock there will never let it go here.
            self._pid, self._lock = os.getpid(), threading.Lock()
        if not self._lock.acquire(timeout=timeout):
            raise error_for("agent_timeout", "another thread's call did not end within %g s" % timeout)
        try:
            for attempt in (1, 2):
                kept = self._line is not None and self._line.pid == os.getpid()
                if not kept:
                    self._drop()
                    self._line = _connect(self._name, self._start_agent, deadline)
                try:
                    return self._line.request(method, params, deadline)
                except Closed:
                    self._drop()
                    # A kept connection may have died with an agent that was restarted since.
                    if self._closes != closes:
                        raise error_for("agent_not_running", "this client was closed")
                    if not kept or attempt == 2:
                        raise error_for("agent_not_running", "sg-session closed the connection")
                except SgSessionError as error:
                    # The late answer must not be taken for the next one's.
                    if error.code in ("agent_timeout", "unsupported_version"):
                        self._drop()
                    raise
                except BaseException:
                    # Ctrl-C in the middle of a message: nobody knows where the next one would begin.
                    self._drop()
                    raise
        finally:
            self._lock.release()

    def _drop(self):
        if self._line is not None:
            self._line.close()
            self._line = None


class Watcher(object):
    """What happens to the sessions, as it happens. Either iterate (blocks between changes, until ``close()`` or the
    ``timeout`` given to :func:`watch`), or call ``poll()`` from a timer of the host. When the agent goes away it is looked
    for again by itself. One thread at a time."""

    def __init__(self, name="python", timeout=None):
        self._name = name
        self._until = None if timeout is None else time.monotonic() + timeout
        self._line = None
        self._closed = False
        self._told_gone = False
        self._next_try = 0.0

    def poll(self, timeout=0.0):
        """The changes since the last call, first the state of every site; waits up to ``timeout`` seconds for one."""
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
        changes = [message["params"] for message in messages if message.get("method") == "session/changed"]
        return [Change(**_snake(change)) for change in changes]

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
            self._line = _connect(self._name, False, deadline)
            sites = self._line.request("session/watch", {}, deadline)["sites"]
        except (AgentNotRunning, AgentTimeout, NotYourAgent, Unreachable, Closed):
            self._drop()
            if self._told_gone:
                return []
            self._told_gone = True
            return [Change(state="agent_not_running")]
        self._told_gone = False
        return [Change(**_snake(site)) for site in sites]

    def _drop(self):
        if self._line is not None:
            self._line.close()
            self._line = None


def get_session(site=None, min_validity=300, interactive=False, start_agent=False, timeout=None):
    """The artist's session. See :meth:`Client.get_session`; ``start_agent`` starts an installed agent if none runs."""
    with Client(start_agent=start_agent) as client:
        return client.get_session(site, min_validity, interactive, timeout)


def get_rest_token(site=None, timeout=_DEFAULT_TIMEOUT):
    """See :meth:`Client.get_rest_token`."""
    with Client() as client:
        return client.get_rest_token(site, timeout)


def report_rejected(site=None, generation=None, timeout=30.0):
    """See :meth:`Client.report_rejected`."""
    with Client() as client:
        return client.report_rejected(site, generation, timeout)


def status(timeout=_DEFAULT_TIMEOUT):
    """See :meth:`Client.status`."""
    with Client() as client:
        return client.status(timeout)


def watch(timeout=None):
    """A :class:`Watcher`; ``timeout`` bounds how long iterating over it lasts altogether (None: until closed)."""
    return Watcher(timeout=timeout)


def _connect(name, start_agent, deadline):
    try:
        return _find(name, deadline)
    except (AgentNotRunning, NotYourAgent):
        if not start_agent:
            raise
    return _start_agent(lambda: _find(name, deadline), deadline)


def _find(name, deadline):
    # What lies in one place, stale, foreign or silent, must not hide the agent announced in the next.
    found = None
    endpoints = []
    for path in _endpoint.candidates():
        try:
            endpoint = _endpoint.read(path)
        except NotYourAgent as error:
            found = found or error
        else:
            if endpoint is not None:
                endpoints.append(endpoint)
    for index, endpoint in enumerate(endpoints):
        try:
            return Line(endpoint, name, deadline.share(len(endpoints) - index))
        except (AgentNotRunning, AgentTimeout, NotYourAgent, Unreachable) as error:
            found = found or error
    raise found or error_for("agent_not_running", "sg-session is not running")


def _named(site, **params):
    if site is not None:
        params["site"] = site
    return params


_SNAKE = {
    "userId": "user_id",
    "sessionToken": "session_token",
    "accessToken": "access_token",
    "expiresAt": "expires_at",
    "signInEndsAt": "sign_in_ends_at",
    "obtainedBy": "obtained_by",
}


def _snake(result):
    if not isinstance(result, dict):
        raise error_for("unsupported_version", "sg-session answered in an unknown form")
    return {_SNAKE.get(name, name): value for name, value in result.items()}
