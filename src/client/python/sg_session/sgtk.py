"""Signs Toolkit (sgtk, tk-core) in with the agent's session.

    import sg_session

    user = sg_session.sgtk.sign_in()
    manager = sgtk.bootstrap.ToolkitManager(user)

The token is in no file and in no environment variable: Toolkit's session cache is not written, a serialised user carries no token,
and what Toolkit would read from the cache or ask in a dialog, the agent answers. That holds in this process, also for the project's
own core that a bootstrap swaps in. A child process that Toolkit starts needs :func:`prepare` before it unpacks the user.
"""

import importlib
import threading

from . import _toolkit
from ._client import Client
from ._errors import SgSessionError, SiteUnknown, error_for

__all__ = ["prepare", "sign_in"]

_REPORT_LIMIT = 30.0


def sign_in(site=None, interactive=False, start_agent=False, timeout=None, http_proxy=None):
    """Makes the artist Toolkit's authenticated user (``sgtk.set_authenticated_user``) and returns the ShotgunUser, for
    ``ToolkitManager(user)`` and ``user.create_sg_connection()``. ``http_proxy`` in Toolkit's form; default: Toolkit's own setting.
    The rest as for :func:`sg_session.get_session`, whose errors it raises; UnsupportedVersion when this tk-core is built so
    differently that its session cache could not be kept empty. ImportError when there is no tk-core."""
    prepare()
    with Client("sgtk", start_agent) as client:
        session = client.get_session(site, interactive=interactive, timeout=timeout)
    authentication = importlib.import_module("tank.authentication")
    _toolkit.demand_patched()
    _agent.note_signed_in(session)
    user = authentication.ShotgunAuthenticator().create_session_user(
        login=session.login, session_token=session.session_token, host=session.api_url, http_proxy=http_proxy
    )
    importlib.import_module("tank.api").set_authenticated_user(user)
    return user


def prepare():
    """Makes every tk-core of this process, those to come too, keep tokens off the disk and ask the agent. For the start of a DCC,
    before Toolkit unpacks the user it was launched with. Imports nothing, asks nobody, may be called again."""
    _toolkit.patch(_agent)


class _Agent(object):
    """What a patched core asks. An address is a host as Toolkit spells it."""

    def __init__(self):
        self._lock = threading.Lock()
        self._sites = {}  # address: the agent's site that is served there
        self._people = set()  # (address, login) whose token came from the agent
        self._current = None

    def note_signed_in(self, session):
        with self._lock:
            self._current = (session.api_url, session.login)
        self._note(session)

    def is_ours(self, host, login):
        """Whether this user's token is the agent's. Asks nobody."""
        return (_address(host), _folded(login)) in self._people

    def default_user(self):
        """(host, login) of who was signed in with ``sign_in()``, else of the agent's default site; None when there is nobody."""
        if self._current is None:
            try:
                with Client("sgtk") as client:
                    session = client.get_session()
            except SgSessionError:
                return None
            self.note_signed_in(session)
        return self._current

    def login_at(self, host):
        """Who the agent has signed in at this address. Raises KeyError when the address is not the agent's."""
        session = self._session_at(host)
        return None if session is None else session.login

    def token_for(self, host, login):
        """The agent's token for this user, None when it has none. Raises KeyError when the address is not the agent's."""
        session = self._session_at(host)
        return session.session_token if session is not None and _folded(session.login) == _folded(login) else None

    def renewed_token(self, host, login, refused):
        """A token to go on with after ``refused`` was. Raises KeyError as above, SgSessionError when there is none."""
        try:
            with Client("sgtk") as client:
                session = self._find(client, host)
                if session is not None and session.session_token == refused:
                    client.report_rejected(session.site, session.generation, timeout=_REPORT_LIMIT)
                    session = client.get_session(session.site)
        except SiteUnknown:
            raise KeyError(host) from None
        except SgSessionError:
            if self.is_ours(host, login):
                raise
            raise KeyError(host) from None
        if session is None or _folded(session.login) != _folded(login):
            raise error_for("login_required", '"%s" is not signed in to "%s" any more' % (login, host), "Sign in again as this user.")
        self._note(session)
        return session.session_token

    def _session_at(self, host):
        try:
            with Client("sgtk") as client:
                session = self._find(client, host)
        except SgSessionError:
            if _address(host) in self._sites:
                return None
            raise KeyError(host) from None
        if session is not None:
            self._note(session)
        return session

    def _find(self, client, host):
        """The session that is good at this address; None when the site's is good elsewhere only (at the broker's gateway)."""
        address = _address(host)
        try:
            session = client.get_session(self._sites.get(address, address))
        except SiteUnknown:
            served = [change.site for change in client.status() if change.state == "signed_in"]
            for session in [client.get_session(site) for site in served]:
                if _address(session.api_url) == address:
                    return session
            raise
        return session if _address(session.api_url) == address else None

    def _note(self, session):
        address = _address(session.api_url)
        with self._lock:
            self._sites[address] = session.site
            self._people.add((address, _folded(session.login)))


def _address(host):
    # Toolkit takes a host without scheme, too.
    host = (host or "").strip().lower().rstrip("/")
    return host if "://" in host else "https://" + host


def _folded(login):
    return (login or "").strip().lower()


_agent = _Agent()
