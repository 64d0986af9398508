from .flow_auth import FlowAuthenticationHandler, get_flow_access_token  # noqa: F401
