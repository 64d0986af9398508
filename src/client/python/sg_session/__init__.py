"""The artist's ShotGrid session, from the sg-session agent on this machine.

    import sg_session, shotgun_api3

    session = sg_session.get_session()
    sg = shotgun_api3.Shotgun(session.api_url, session_token=session.session_token)

Needs nothing but the standard library of Python 3.7 or later. Starts no thread, opens no window and keeps nothing on disk.
Every call ends within its ``timeout`` (seconds) and raises a subclass of :class:`SgSessionError` when it does not succeed.
"""

from ._client import Client, get_autodesk_token, get_rest_token, get_session, report_rejected, status, watch
from ._errors import (
    AgentNotRunning,
    AgentTimeout,
    LoginRequired,
    NotAllowed,
    NotYourAgent,
    SgSessionError,
    SignInFailed,
    SiteUnknown,
    Unreachable,
    UnsupportedVersion,
)
from ._records import AutodeskToken, Change, RestToken, Session
from ._version import __version__
from ._watcher import Watcher

__all__ = [
    "AgentNotRunning",
    "AgentTimeout",
    "AutodeskToken",
    "Change",
    "Client",
    "LoginRequired",
    "NotAllowed",
    "NotYourAgent",
    "RestToken",
    "Session",
    "SgSessionError",
    "SignInFailed",
    "SiteUnknown",
    "Unreachable",
    "UnsupportedVersion",
    "Watcher",
    "__version__",
    "get_autodesk_token",
    "get_rest_token",
    "get_session",
    "report_rejected",
    "status",
    "watch",
]
