"""What can go wrong, as types. The codes are those of the agent's own table (docs/errors.md)."""


class SgSessionError(Exception):
    """What every error here is. ``code`` is what programs act on (docs/errors.md), ``str(error)`` what happened, ``advice`` what a
    person can do about it. A code that a newer agent sends and this client does not know comes as a plain SgSessionError."""

    def __init__(self, code, message, advice=""):
        super().__init__(message)
        self.code = code
        self.advice = advice

    def __reduce__(self):
        return type(self), (self.code, self.args[0], self.advice)


class LoginRequired(SgSessionError):
    """The artist has something to do first: sign in (``login_required``), or answer whether this program may have the session
    (``interaction_required``). Show ``advice`` and try again at their next action, or ask with ``interactive=True``."""


class SignInFailed(SgSessionError):
    """The artist was asked to sign in and it did not come to a session."""


class NotAllowed(SgSessionError):
    """The artist, IT's policy or the studio's broker said no, or nobody answered whether this program may have the session."""


class SiteUnknown(SgSessionError):
    """The agent is not configured for this site."""


class Unreachable(SgSessionError):
    """The site, the broker or Autodesk does not answer; worth trying again later."""


class AgentNotRunning(SgSessionError):
    """No agent runs for this user."""


class NotYourAgent(SgSessionError):
    """Something else answers where the agent should be, or its endpoint file is not private. Nothing secret was sent."""


class AgentTimeout(SgSessionError):
    """The agent did not answer within ``timeout``. It goes on with the work; ask again."""


class UnsupportedVersion(SgSessionError):
    """This client and the agent speak different versions of the protocol."""


_TYPES = {
    LoginRequired: ("login_required", "interaction_required", "session_ended"),
    SignInFailed: (
        "sign_in_cancelled",
        "sign_in_timeout",
        "access_denied",
        "identity_rejected",
        "redirect_ports_busy",
        "web_sign_in_unavailable",
        "passphrase_rejected",
        "personal_access_token_required",
        "two_factor_required",
        "legacy_sign_in_unavailable",
        "subject_token_rejected",
        "proof_rejected",
        "session_owner_mismatch",
    ),
    NotAllowed: (
        "consent_denied",
        "consent_timeout",
        "account_not_mapped",
        "account_disabled",
        "account_ambiguous",
        "privileged_account",
        "autodesk_token_unavailable",
    ),
    SiteUnknown: ("site_unknown",),
    Unreachable: (
        "site_unreachable",
        "identity_unreachable",
        "broker_unreachable",
        "broker_stopped",
        "temporarily_unavailable",
        "rate_limited",
    ),
    AgentNotRunning: ("agent_not_running",),
    NotYourAgent: ("not_your_agent",),
    AgentTimeout: ("agent_timeout",),
    UnsupportedVersion: ("unsupported_version",),
}

_TYPE_OF_CODE = {code: kind for kind, codes in _TYPES.items() for code in codes}

_ADVICE = {
    "agent_not_running": "Start sg-session.",
    "not_your_agent": "Start sg-session again. If it happens twice, tell IT: another program may be posing as it.",
    "agent_timeout": "Ask again; if it stays silent, restart sg-session.",
    "unsupported_version": "Update whichever of the two is older.",
}


def error_for(code, message, advice=None):
    """The error of a code; codes that a newer agent may send become a plain SgSessionError."""
    return _TYPE_OF_CODE.get(code, SgSessionError)(code, message, _ADVICE.get(code, "") if advice is None else advice)
