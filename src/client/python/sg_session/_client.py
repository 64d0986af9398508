import os
import threading

from ._connect import connect
from ._errors import SgSessionError, error_for
from ._line import Closed, Deadline
from ._records import AutodeskToken, Change, RestToken, Session, changes, fields
from ._watcher import Watcher

_DEFAULT_TIMEOUT = 10.0
_INTERACTIVE_TIMEOUT = 330.0


class Client(object):
    """A connection to the agent that is kept and, after the agent was restarted, made anew. Safe to share between threads
    (calls wait for each other) and to carry across a fork. ``close()`` it, or use it in a ``with``.

    ``name`` is what the agent is told about this program: a hint for people, no proof. ``start_agent`` starts an installed agent
    if none runs. Connects at the first call, not before."""

    def __init__(self, name="python", start_agent=False):
        self._name = name
        self._start_agent = start_agent
        self._line = None
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._closes = 0

    def get_session(self, site=None, min_validity=300, interactive=False, timeout=None):
        """The :class:`Session`; renewed first if it has less than ``min_validity`` seconds left, where the site grants that many.

        ``site``: its address; default: ``$SG_SESSION_SITE``, else the agent's first. With ``interactive`` the artist is asked to sign
        in if nobody is; else that raises LoginRequired. ``timeout`` in seconds; default: 10, interactive 330.

        Raises AgentNotRunning, AgentTimeout, NotYourAgent, UnsupportedVersion, LoginRequired, SignInFailed (interactive only),
        NotAllowed, SiteUnknown or Unreachable."""
        params = _named(site, minValidityS=int(min_validity), interactive=bool(interactive))
        limit = _INTERACTIVE_TIMEOUT if interactive else _DEFAULT_TIMEOUT
        return Session(**fields(self._call("session/get", params, limit if timeout is None else timeout)))

    def report_rejected(self, site=None, generation=None, timeout=30.0):
        """Says that the site refused the session. The agent asks the site, once for all who say so, and renews if it is
        true; then ``get_session()`` again. ``generation`` (of the refused session) saves the question when it is old.

        Returns the site's state as a :class:`Change`. ``timeout`` in seconds. Raises what :meth:`Client.get_session` raises."""
        params = _named(site)
        if generation is not None:
            params["generation"] = generation
        return Change(**fields(self._call("session/reportRejected", params, timeout)))

    def get_rest_token(self, site=None, timeout=_DEFAULT_TIMEOUT):
        """A :class:`RestToken` for the REST API, made from the session. ``timeout`` in seconds; raises what
        :meth:`Client.get_session` raises."""
        return RestToken(**fields(self._call("rest/get", _named(site), timeout)))

    def get_autodesk_token(self, site=None, min_validity=300, timeout=_DEFAULT_TIMEOUT):
        """The :class:`AutodeskToken` of the artist's sign-in, with ``min_validity`` seconds left where Autodesk grants that.

        ``timeout`` in seconds. Raises NotAllowed (``autodesk_token_unavailable``) where IT does not allow it or the artist did not
        sign in at Autodesk, and else what :meth:`Client.get_session` raises."""
        params = _named(site, minValidityS=int(min_validity))
        return AutodeskToken(**fields(self._call("autodesk/get", params, timeout)))

    def status(self, timeout=_DEFAULT_TIMEOUT):
        """A list of one :class:`Change` for each configured site: who is signed in, until when. No secrets. ``timeout`` in seconds.
        Raises AgentNotRunning, AgentTimeout, NotYourAgent, Unreachable or UnsupportedVersion."""
        return changes(self._call("status", {}, timeout))

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
                    self._line = connect(self._name, self._start_agent, deadline)
                    if self._closes != closes:
                        # Closed while this connected: there was nothing to hang up on yet.
                        self._drop()
                        raise error_for("agent_not_running", "this client was closed")
                try:
                    return self._line.request(method, params, deadline)
                except Closed:
                    self._drop()
                    # It may have died with an agent that was restarted or replaced since.
                    if self._closes != closes:
                        raise error_for("agent_not_running", "this client was closed")
                    if attempt == 2:
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


def get_session(site=None, min_validity=300, interactive=False, start_agent=False, timeout=None):
    """The artist's session, over a connection of its own: :meth:`Client.get_session`. ``start_agent`` starts an installed agent if
    none runs."""
    with Client(start_agent=start_agent) as client:
        return client.get_session(site, min_validity, interactive, timeout)


def get_rest_token(site=None, timeout=_DEFAULT_TIMEOUT):
    """:meth:`Client.get_rest_token`, over a connection of its own."""
    with Client() as client:
        return client.get_rest_token(site, timeout)


def get_autodesk_token(site=None, min_validity=300, timeout=_DEFAULT_TIMEOUT):
    """:meth:`Client.get_autodesk_token`, over a connection of its own."""
    with Client() as client:
        return client.get_autodesk_token(site, min_validity, timeout)


def report_rejected(site=None, generation=None, timeout=30.0):
    """:meth:`Client.report_rejected`, over a connection of its own."""
    with Client() as client:
        return client.report_rejected(site, generation, timeout)


def status(timeout=_DEFAULT_TIMEOUT):
    """:meth:`Client.status`, over a connection of its own."""
    with Client() as client:
        return client.status(timeout)


def watch(timeout=None):
    """A :class:`Watcher`. ``timeout`` in seconds bounds how long iterating over it lasts altogether; default: until it is closed.
    Connects when it is first asked, and raises nothing here."""
    return Watcher(timeout=timeout)


def _named(site, **params):
    # What "sg-session exec --site" was given. Not a secret.
    site = site or os.environ.get("SG_SESSION_SITE")
    if site:
        params["site"] = site
    return params
