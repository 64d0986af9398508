"""Toolkit's sign-in to Flow, tk-core 0.23.10 and later: the names at which it can be reached. facts: TK"""

from ._authentication import get_access_token, get_flow_access_token, init_authentication  # noqa: F401


class FlowAuthSettings(object):
    def __init__(self, auth_application_id, auth_base_url, auth_callback_url):
        self.auth_application_id = auth_application_id
        self.auth_base_url = auth_base_url
        self.auth_callback_url = auth_callback_url
