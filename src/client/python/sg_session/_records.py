"""What the agent's answers become: read-only values that keep their secrets to themselves."""

from ._errors import error_for


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
    """A session of ``site``: give ``session_token`` to ``shotgun_api3.Shotgun(api_url, session_token=…)``.

    ``api_url`` is where it is good: ``site``, or the gateway of the studio's broker. ``expires_at`` is in seconds since the epoch, and ``exact`` or
    ``estimated`` as ``expiry`` says; ``generation`` rises when the token changes."""

    __slots__ = ("site", "api_url", "login", "user_id", "name", "session_token", "expires_at", "expiry", "obtained_by", "generation")
    _secret = ("session_token",)


class RestToken(_Record):
    """A bearer for the REST API at ``api_url``; ``expires_at`` in seconds since the epoch."""

    __slots__ = ("site", "api_url", "access_token", "expires_at")
    _secret = ("access_token",)


class AutodeskToken(_Record):
    """An Autodesk access token of the artist's sign-in to ``site``; ``expires_at`` in seconds since the epoch, ``scopes`` what Autodesk
    has granted it, None where nobody has told."""

    __slots__ = ("site", "access_token", "expires_at", "scopes")
    _secret = ("access_token",)


class Change(_Record):
    """A site's state: ``signed_out``, ``signing_in`` or ``signed_in``, and the ``reason`` it came to it: a word of
    docs/PROTOCOL.md, to which later agents may add. While no agent runs, one Change with ``state='agent_not_running'`` and
    no site. Times are seconds since the epoch. ``left_at_site``: after a sign-out, a dict of ``until``, ``expiry`` (``exact`` or
    ``estimated``) and ``advice``: how long the session lives on at the site if nobody uses it, and what can be done about it."""

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
        "expiry",
        "sign_in_ends_at",
        "problem",
        "generation",
        "left_at_site",
    )


_SNAKE = {
    "apiUrl": "api_url",
    "userId": "user_id",
    "sessionToken": "session_token",
    "accessToken": "access_token",
    "expiresAt": "expires_at",
    "signInEndsAt": "sign_in_ends_at",
    "obtainedBy": "obtained_by",
    "leftAtSite": "left_at_site",
}


def fields(result):
    """The members of an answer under Python's names. Raises UnsupportedVersion when it is no object."""
    if not isinstance(result, dict):
        raise error_for("unsupported_version", "sg-session answered in an unknown form")
    # Unknown members are passed over, also the one that Python has a use for itself.
    found = {_SNAKE.get(name, name): value for name, value in result.items() if name != "self"}
    # Agents before the gateway do not say it: their sessions are good at the site.
    found.setdefault("api_url", found.get("site"))
    return found


def changes(result):
    """One Change for each of the ``sites`` of an answer. Raises UnsupportedVersion when it is another answer."""
    sites = fields(result).get("sites")
    if not isinstance(sites, list):
        raise error_for("unsupported_version", "sg-session answered in an unknown form")
    return [Change(**fields(site)) for site in sites]
