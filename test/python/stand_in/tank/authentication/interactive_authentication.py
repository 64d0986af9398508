from .errors import AuthenticationCancelled  # noqa: F401


def renew_session(user):
    """The dialog. On a machine without Qt a question on stdin. facts: TK §4.1"""
    raise AssertionError("Toolkit asked the artist for the password of %s" % user.get_login())
