import json
import pickle

from . import session_cache
from .errors import IncompleteCredentials
from .shotgun_wrapper import ShotgunWrapper


class SessionUser(object):
    """Writes its token into the cache when it is made, and looks for it there when it was given none. facts: TK §4.1"""

    def __init__(self, host, login, session_token, http_proxy, password=None, session_metadata=None):
        session_token = session_token or (session_cache.get_session_data(host, login) or {}).get("session_token")
        if not session_token:
            raise IncompleteCredentials("missing session_token")
        self._host, self._login, self._token, self._http_proxy = host, login, session_token, http_proxy
        self._try_save()

    def get_host(self):
        return self._host

    def get_login(self):
        return self._login

    def get_session_token(self):
        return self._token

    def set_session_token(self, session_token, cache=True):
        self._token = session_token
        if cache:
            self._try_save()

    def create_sg_connection(self):
        return ShotgunWrapper(self._host, session_token=self._token, sg_auth_user=self, connect=False)

    def to_dict(self):
        return {"http_proxy": self._http_proxy, "host": self._host, "login": self._login, "session_token": self._token}

    @staticmethod
    def from_dict(payload):
        return SessionUser(payload.get("host"), payload.get("login"), payload.get("session_token"), payload.get("http_proxy"))

    def _try_save(self):
        session_cache.cache_session_data(self._host, self._login, self._token)


def serialize_user(user, use_json=False):
    payload = {"type": "SessionUser", "data": user.to_dict()}
    return json.dumps(payload) if use_json else pickle.dumps(payload, protocol=0)


def deserialize_user(payload):
    read = json.loads if payload[:1] in ("{", b"{") else pickle.loads
    return SessionUser.from_dict(read(payload)["data"])
