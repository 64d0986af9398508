"""The studio's own ``shotgun_api3.Shotgun``, working with the agent's session and with the next one when that ends."""

import importlib
import sys
import time

from ._client import Client
from ._errors import SgSessionError, error_for

_GIVEN_BY_US = ("base_url", "script_name", "api_key", "login", "password", "session_token", "auth_token")
# A site that says nothing for so long is not at work on an answer any more; shotgun_api3 alone would wait for ever.
_SILENCE_LIMIT = 300.0
_REPORT_LIMIT = 30.0
# How often a connection near its session's end, or without an agent, looks for the next session.
_LOOK_AGAIN = 5.0

# One class for each copy of shotgun_api3 in the process: each has an AuthenticationFault of its own.
_classes = {}


def shotgun(site=None, shotgun_api3=None, interactive=False, start_agent=False, timeout=None, **options):
    """A ready ``shotgun_api3.Shotgun`` that works as the artist.

    When the site refuses the session in the middle of a call, the agent is told, and the call is tried once more with the session
    it has then; the artist sees no dialog. If the agent has none, the AuthenticationFault comes out, and its ``__cause__`` says why
    (LoginRequired, Unreachable …). A connection never goes over to another person who signed in meanwhile.

    ``shotgun_api3``: the module or the class to use, ``tank_vendor.shotgun_api3`` for example; default: what
    ``import shotgun_api3`` gives. ``interactive``, ``start_agent`` and ``timeout`` as for :func:`get_session`. ``options`` go to
    ``Shotgun()``: ``http_proxy``, ``ca_certs``, ``connect``, ``convert_datetimes_to_utc``, ``sudo_as_login``. A site that is silent
    for 300 s ends a call (``config.timeout_secs``). Like any Shotgun object for one thread at a time. Raises what get_session raises."""
    for name in _GIVEN_BY_US:
        if name in options:
            raise TypeError('"%s" cannot be given: site and session are the agent\'s' % name)
    kind = _renewing(_class_of(shotgun_api3))
    with Client("shotgun_api3", start_agent) as client:
        session = client.get_session(site, interactive=interactive, timeout=timeout)
    return kind(session, **options)


def _class_of(given):
    if isinstance(given, type):
        return given
    module = importlib.import_module("shotgun_api3") if given is None else given
    try:
        return module.Shotgun
    except AttributeError:
        raise TypeError('"%s" has no Shotgun' % getattr(module, "__name__", module)) from None


def _renewing(base):
    if base not in _classes:
        _classes[base] = _make_class(base)
    return _classes[base]


def _make_class(base):
    fault = _of_the_same_copy(base, "AuthenticationFault")
    upload_error = _of_the_same_copy(base, "ShotgunError")
    download_error = _of_the_same_copy(base, "ShotgunFileDownloadError")

    class SessionShotgun(base):
        def __init__(self, session, connect=True, **options):
            self._agent_session = _AgentSession(session)
            super(SessionShotgun, self).__init__(session.api_url, session_token=session.session_token, connect=False, **options)
            if self.config.timeout_secs is None:
                self.config.timeout_secs = _SILENCE_LIMIT
            if connect:
                # As shotgun_api3 does it: asks the site for its version.
                self.server_caps

        def _call_rpc(self, *args, **kwargs):
            self._agent_session.look(self)
            return self._agent_session.go_on(self, fault, lambda: super(SessionShotgun, self)._call_rpc(*args, **kwargs))

        def get_session_token(self):
            # What the cookie of a download is made of, too.
            self._agent_session.look(self)
            return super(SessionShotgun, self).get_session_token()

        def _send_form(self, url, params):
            def send():
                for value in params.values():
                    if hasattr(value, "seek"):
                        value.seek(0)
                result = super(SessionShotgun, self)._send_form(url, params)
                # The site's way of saying no to a form; why, is a text for people.
                if str(result)[:1] == "0":
                    raise _FormRefused(result)
                return result

            self._agent_session.look(self)
            try:
                return self._agent_session.go_on(self, (upload_error, _FormRefused), send)
            except _FormRefused as refused:
                return refused.result

        def download_attachment(self, *args, **kwargs):
            return self._agent_session.go_on(
                self, download_error, lambda: super(SessionShotgun, self).download_attachment(*args, **kwargs)
            )

    SessionShotgun.__name__ = base.__name__
    SessionShotgun.__qualname__ = base.__qualname__
    SessionShotgun.__doc__ = base.__doc__
    return SessionShotgun


def _of_the_same_copy(base, name):
    # Not sys.modules by name: Toolkit's core swap puts another copy there.
    for kind in base.__mro__:
        seam = vars(kind).get("_call_rpc")
        found = getattr(seam, "__globals__", {}).get(name) or (seam and getattr(sys.modules.get(kind.__module__), name, None))
        if found:
            return found
    raise TypeError('"%s.%s" is not shotgun_api3\'s: it has no %s' % (base.__module__, base.__name__, name))


class _FormRefused(Exception):
    def __init__(self, result):
        super(_FormRefused, self).__init__(result)
        self.result = result


class _AgentSession(object):
    """Which session a connection holds, and how it comes to the next one."""

    def __init__(self, session):
        # Whether it was made because the one before was refused.
        self._is_renewed = False
        self._hold(session)

    def go_on(self, sg, refusal, call):
        """What ``call`` returns. When it raises ``refusal`` because the session has ended, it is made once more with a renewed
        one; and with the one that the agent had already, if that is another, before that. Raises the refusal else."""
        for attempt in (1, 2, 3):
            try:
                return call()
            except refusal as error:
                is_last = attempt == 3 or (attempt == 2 and self._is_renewed)
                if is_last or not self._is_used_by(sg):
                    raise
                problem = self._replace(sg)
                if problem is False:
                    raise
                if problem is not None:
                    raise error from problem

    def look(self, sg):
        """Takes the agent's session when the one held is near its end. A look at the clock else."""
        if time.time() < self._look_at or not self._is_used_by(sg):
            return
        self._look_at = time.time() + _LOOK_AGAIN
        try:
            with Client("shotgun_api3") as client:
                session = client.get_session(self._session.site)
        except SgSessionError:
            # The site decides whether the session is still good.
            return
        if self._is_same_person(session):
            self._adopt(sg, session)

    def _is_used_by(self, sg):
        """Whether the connection authenticates with this session, and not with what somebody has set since."""
        config = sg.config
        as_somebody_else = (config.user_login and config.user_password) or (config.script_name and config.api_key)
        return not as_somebody_else and config.session_token == self._session.session_token

    def _replace(self, sg):
        """None when the connection has another session now. Else why not: an SgSessionError, or False when the agent found that
        the session is good and something else was refused."""
        refused = self._session
        try:
            with Client("shotgun_api3") as client:
                session = client.get_session(refused.site)
                self._is_renewed = session.session_token == refused.session_token
                if self._is_renewed:
                    client.report_rejected(refused.site, refused.generation, timeout=_REPORT_LIMIT)
                    session = client.get_session(refused.site)
        except SgSessionError as error:
            return error
        if session.session_token == refused.session_token:
            return False
        if not self._is_same_person(session):
            message = '"%s" is signed in to "%s" now, and this connection is "%s"\'s' % (session.login, session.site, refused.login)
            return error_for("login_required", message, "Make a new connection with sg_session.shotgun().")
        self._adopt(sg, session)
        return None

    def _is_same_person(self, session):
        return session.user_id == self._session.user_id

    def _adopt(self, sg, session):
        if session.api_url != self._session.api_url:
            # The studio's broker took up, or gave up, serving the site through its gateway.
            sg.close()
            sg.base_url = session.api_url.lower()
            sg.config.set_server_params(sg.base_url)
        sg.config.session_token = session.session_token
        self._hold(session)

    def _hold(self, session):
        left = (session.expires_at or 0) - time.time()
        self._session = session
        self._look_at = time.time() + max(_LOOK_AGAIN, left - min(300.0, left / 10))
