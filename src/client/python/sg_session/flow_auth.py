"""Flow data tools with the artist's one sign-in: Toolkit's ``flow_auth`` gets its Autodesk token from the sg-session agent.

    import sg_session.flow_auth

    sg_session.flow_auth.install()

From then on what asks tk-core for a Flow access token (bootstrap for a project with ``sg_flow_am_id``, ``FlowAuthenticationHandler``,
``get_flow_client()``) gets the agent's: no second browser sign-in, no port 4201, nothing in ``adsk_flow_tokens.json``. Needs
``identity.serveAccessToken`` and the scopes that Flow wants in the agent's configuration. Made for tk-core 0.23.10 and later; without
``flow_auth`` in it, nothing changes."""

import logging
import threading

from ._client import Client
from ._errors import AgentTimeout, SgSessionError, Unreachable, error_for
from ._toolkit_imports import ToolkitImports

__all__ = ["AuthenticationHandler", "FlowTokenUnavailable", "install", "uninstall"]

_MODULE = "tank.authentication.flow_auth._authentication"
# The name by which that module calls the browser sign-in; all that asks tk-core for a Flow token ends there.
_SEAM = "get_access_token_from_adsk_auth"
# tk-core wants 300 s and looks a moment later.
_MIN_VALIDITY = 330
# What may be gone in a moment must not put a browser in front of somebody who is signed in.
_PASSING = (Unreachable, AgentTimeout)

_log = logging.getLogger(__name__)
_lock = threading.Lock()
_installed = None


class FlowTokenUnavailable(RuntimeError):
    """The agent has no Autodesk token to give: what tk-core expects of a sign-in that failed. Why is its ``__cause__``, an SgSessionError."""


def install(site=None, own_flow=True):
    """Lets tk-core's ``flow_auth`` ask the agent, now and in each copy of tk-core that is imported later; a second call replaces the first.

    ``site``: whose sign-in; default: the first that is configured. Where the agent cannot serve a token (it does not run, nobody is signed
    in, the configuration does not allow it or lacks a scope), tk-core's own browser sign-in goes on as ever; with ``own_flow=False`` that
    raises FlowTokenUnavailable. So does trouble on the way that may pass, in either case."""
    global _installed
    with _lock:
        _uninstall()
        _installed = _Installation(site, own_flow)
        _installed.start()


def uninstall():
    """Gives tk-core its own sign-in back."""
    with _lock:
        _uninstall()


def _uninstall():
    global _installed
    if _installed is not None:
        _installed.stop()
        _installed = None


class AuthenticationHandler(object):
    """For a Flow client that a tool makes by itself: ``GQLClient(endpoint=…, auth_handler=AuthenticationHandler())``. The client asks it for
    a token on every request. Raises FlowTokenUnavailable; knows no sign-in of its own."""

    def __init__(self, site=None):
        self._site = site
        self._client = Client("flow")

    def get_authentication_token(self):
        """The access token, with 330 seconds left where Autodesk grants that. Raises FlowTokenUnavailable."""
        try:
            return _ask(self._client, self._site, ())
        except SgSessionError as error:
            raise _unavailable(error) from error

    def close(self):
        """Ends the connection to the agent."""
        self._client.close()


class _Installation(object):
    def __init__(self, site, own_flow):
        self._site = site
        self._own_flow = own_flow
        self._client = Client("flow")
        self._imports = ToolkitImports({_MODULE: self._adopt})
        self._adopted = []

    def start(self):
        self._imports.start()

    def stop(self):
        self._imports.stop()
        for module, own in self._adopted:
            setattr(module, _SEAM, own)
        self._client.close()

    def _adopt(self, module):
        own = getattr(module, _SEAM, None)
        if own is None:
            _log.warning("this Toolkit signs in to Flow in a way that is not known here; it goes on doing so: %s", module.__name__)
            return

        def get_access_token(config, **options):
            return self._token(config, options, own)

        self._adopted.append((module, own))
        setattr(module, _SEAM, get_access_token)

    def _token(self, config, options, own):
        try:
            return _ask(self._client, self._site, getattr(config, "required_application_scopes", ()))
        except SgSessionError as error:
            if not self._own_flow or isinstance(error, _PASSING):
                raise _unavailable(error) from error
            _log.info("Toolkit signs in to Flow by itself: %s", error)
        return own(config, **options)


def _ask(client, site, wanted):
    token = client.get_autodesk_token(site, min_validity=_MIN_VALIDITY)
    missing = [] if token.scopes is None else sorted(set(wanted) - set(token.scopes))
    if missing:
        raise error_for(
            "autodesk_token_unavailable",
            'the Autodesk token lacks the scope "%s", which Flow wants' % '", "'.join(missing),
            'Ask IT to add it to "identity.scopes", then sign in again.',
        )
    return token.access_token


def _unavailable(error):
    return FlowTokenUnavailable(("%s. %s" % (error, error.advice)).strip())
