import base64
import json
import time

from tank_vendor.adsk_auth import AuthConfig
from tank_vendor.adsk_auth import get_access_token as get_access_token_from_adsk_auth

_configuration = None


def init_authentication(settings):
    global _configuration
    _configuration = AuthConfig(settings.auth_application_id, ["data:read", "data:write", "data:create"])


def get_access_token(*_args, **_kwargs):
    if _configuration is None:
        raise RuntimeError("init_authentication() was not called")
    token = get_access_token_from_adsk_auth(_configuration)
    if _ends_within(token, 300):
        token = get_access_token_from_adsk_auth(_configuration, force_refresh=True)
    return token


def get_flow_access_token(**kwargs):
    if _configuration is None:
        from . import FlowAuthSettings

        init_authentication(FlowAuthSettings("app", "https://aps.example", "http://localhost:4201/auth/callback"))
    return get_access_token(**kwargs)


def _ends_within(token, seconds):
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)).decode("utf-8"))
        return claims["exp"] - time.time() < seconds
    except Exception:
        return True
