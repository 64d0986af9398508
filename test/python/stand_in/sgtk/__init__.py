from tank import *  # noqa: F401,F403
from tank import api, authentication, bootstrap  # noqa: F401
