"""What the agent's answers become: read-only values that keep their secrets to themselves."""

from ._errors import error_for


class _Record(object):
    """A read-only value that keeps its secrets out of ``repr``, ``str`` and pickles."""

    __slots__ = ()
    _secret = ()

    def __init__(self, **fields):
        put, given = object.__setattr__, fields.get
        for name in self.__slots__:
            put(self, name, given(name))

    def __setattr__(self, name, value):
        raise AttributeError("%s is read-only" % type(self).__name__)

    def __repr__(self):
        shown = ["%s=%s" % (name, "'[secret]'" if name in self._secret else repr(getattr(self, name))) for name in self.__slots__]
        return "%s(%s)" % (type(self).__name__, ", ".join(shown))

    def __reduce_ex__(self, protocol):
        raise TypeError("a %s is not to be stored or sent on; ask for it where it is needed" % type(self).__name__)


class Session(_Record):
    """A session of a site. Give ``session_token`` to ``shotgun_api3.Shotgun(api_url, session_token=…)``, or let :func:`shotgun` do it."""

    __slots__ = {
        "site": "the site's address",
        "api_url": "where the session is good: the site, or the gateway of the studio's broker; it is good nowhere else",
        "login": "the artist's login on the site",
        "user_id": "the artist's HumanUser id on the site",
        "name": "the artist's name on the site",
        "session_token": "the secret; not shown by ``repr``",
        "expires_at": "when it ends, in seconds since the epoch",
        "expiry": "``exact`` when the site has told ``expires_at``, else ``estimated``",
        "obtained_by": "the way in: ``broker``, ``web``, ``legacy`` or another of docs/PROTOCOL.md",
        "generation": "a number that rises when the token changes; for :func:`report_rejected`",
    }
    _secret = ("session_token",)


class RestToken(_Record):
    """A bearer for the REST API of a site: the header ``Authorization: Bearer …``."""

    __slots__ = {
        "site": "the site's address",
        "api_url": "where it is good: the site, or the gateway of the studio's broker",
        "access_token": "the secret; not shown by ``repr``",
        "expires_at": "when it ends, in seconds since the epoch",
    }
    _secret = ("access_token",)


class AutodeskToken(_Record):
    """An Autodesk access token of the artist's sign-in to a site."""

    __slots__ = {
        "site": "the address of the site whose sign-in it is of",
        "access_token": "the secret; not shown by ``repr``",
        "expires_at": "when it ends, in seconds since the epoch",
        "scopes": "a list of what Autodesk has granted it; None where nobody has told",
    }
    _secret = ("access_token",)


class Change(_Record):
    """The state of a site, without a secret. What does not apply is None. While no agent runs there is one Change, with
    ``state='agent_not_running'`` and no site."""

    __slots__ = {
        "site": "the site's address",
        "state": "``signed_out``, ``signing_in``, ``signed_in`` or ``agent_not_running``",
        "reason": "how it came to that state: a word of docs/PROTOCOL.md, to which later agents may add",
        "login": "the artist's login on the site, while signed in",
        "user_id": "the artist's HumanUser id on the site, while signed in",
        "name": "the artist's name on the site, while signed in",
        "obtained_by": "the way in, as in :class:`Session`",
        "account": "the Autodesk account the artist signed in with",
        "expires_at": "when the session's token ends, in seconds since the epoch; it is renewed on use",
        "expiry": "``exact`` when the site has told ``expires_at``, else ``estimated``",
        "sign_in_ends_at": "until when it can be renewed, in seconds since the epoch",
        "problem": "the error code of the last renewal that failed",
        "generation": "as in :class:`Session`",
        "left_at_site": "after a sign-out: a dict of ``until`` (seconds since the epoch), ``expiry`` (``exact`` or ``estimated``) and "
        "``advice``: how long the session lives on at the site if nobody uses it, and what can be done about it",
    }


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
