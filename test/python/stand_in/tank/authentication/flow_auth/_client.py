from ._authentication import get_flow_access_token


class FlowAuthenticationHandler(object):
    """The Flow client asks it for a token on every request."""

    def get_authentication_token(self):
        return get_flow_access_token()
