"""What sg_session and its tests need of tk-core v0.21 to v0.24. facts: TK §4"""

from . import authentication  # noqa: F401
from . import bootstrap  # noqa: F401
from .api import get_authenticated_user, set_authenticated_user  # noqa: F401
