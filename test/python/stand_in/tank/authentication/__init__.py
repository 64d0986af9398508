from .errors import AuthenticationCancelled, IncompleteCredentials, ShotgunAuthenticationError  # noqa: F401
from .shotgun_authenticator import ShotgunAuthenticator  # noqa: F401
from .user import ShotgunUser, deserialize_user, serialize_user  # noqa: F401
