from tank_vendor.shotgun_api3 import AuthenticationFault, Shotgun

from . import interactive_authentication, session_cache


class ShotgunWrapper(Shotgun):
    """The user's token first, then another one of the cache, then the dialog, then once more. facts: TK §4.1"""

    def __init__(self, *args, **kwargs):
        self._user = kwargs.pop("sg_auth_user")
        super().__init__(*args, **kwargs)

    def _call_rpc(self, *args, **kwargs):
        self.config.session_token = self._user.get_session_token()
        try:
            return super()._call_rpc(*args, **kwargs)
        except AuthenticationFault:
            pass
        cached = session_cache.get_session_data(self._user.get_host(), self._user.get_login())
        if cached and cached["session_token"] != self._user.get_session_token():
            self.config.session_token = cached["session_token"]
            try:
                result = super()._call_rpc(*args, **kwargs)
                self._user.set_session_token(cached["session_token"], cache=False)
                return result
            except AuthenticationFault:
                pass
        interactive_authentication.renew_session(self._user)
        self.config.session_token = self._user.get_session_token()
        return super()._call_rpc(*args, **kwargs)
