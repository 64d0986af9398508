from . import session_cache, user, user_impl


class ShotgunAuthenticator(object):
    def create_session_user(self, login, session_token=None, password=None, host=None, http_proxy=None):
        return user.ShotgunUser(user_impl.SessionUser(host, login, session_token, http_proxy))

    def get_default_user(self):
        host = session_cache.get_current_host()
        login = session_cache.get_current_user(host) if host else None
        found = session_cache.get_session_data(host, login) if login else None
        return self.create_session_user(host=host, **found) if found else None
