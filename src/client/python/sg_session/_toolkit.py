"""The few places of a tk-core where tokens would be kept, passed on or asked for; v0.21 to v0.24.

A core may be imported later than us, and a bootstrap unloads the core it runs in and imports the project's own in its place. So each
copy of these modules is patched, whenever it comes.
"""

import functools
import importlib

from ._errors import SgSessionError, error_for
from ._toolkit_imports import ToolkitImports, hears_of_swaps

# Whom the patched cores ask; set once.
_agent = None


def patch(agent):
    """Patches every core there is and will be; ``agent`` is what they ask instead of file and dialog. May be repeated."""
    global _agent
    _agent = agent
    _imports.start()


def demand_patched():
    """Imports what is to be patched. Raises UnsupportedVersion if anything of it could not be."""
    modules = {name: importlib.import_module(name) for name in sorted(_imports.names) + ["tank.bootstrap.import_handler"]}
    _imports.start()
    for name, module in modules.items():
        if not (_imports.has_adopted(module) or hears_of_swaps(module)):
            raise error_for("unsupported_version", '"%s" of this tk-core is not of a form that sg_session knows' % name)


def _patch_session_cache(module):
    read_data, read_host, read_user = module.get_session_data, module.get_current_host, module.get_current_user
    module.cache_session_data  # there must be one, or tokens go to disk another way

    def cache_session_data(*_args, **_named):
        """Writes nothing: the agent has the session, and it alone."""

    @functools.wraps(read_data)
    def get_session_data(base_url, login):
        try:
            token = _agent.token_for(base_url, login)
        except KeyError:
            return read_data(base_url, login)
        return None if token is None else {"login": login.strip(), "session_token": token}

    @functools.wraps(read_host)
    def get_current_host():
        user = _agent.default_user()
        return read_host() if user is None else user[0]

    @functools.wraps(read_user)
    def get_current_user(host):
        try:
            return _agent.login_at(host)
        except KeyError:
            return read_user(host)

    module.cache_session_data = cache_session_data
    module.get_session_data = get_session_data
    module.get_current_host = get_current_host
    module.get_current_user = get_current_user


def _patch_renewal(module):
    ask_the_artist, cancelled = module.renew_session, module.AuthenticationCancelled

    @functools.wraps(ask_the_artist)
    def renew_session(user, *args, **named):
        try:
            token = _agent.renewed_token(user.get_host(), user.get_login(), user.get_session_token())
        except KeyError:
            return ask_the_artist(user, *args, **named)
        except SgSessionError as error:
            # What Toolkit hears when an artist closes its dialog, and is prepared for.
            raise cancelled() from error
        user.set_session_token(token, cache=False)

    module.renew_session = renew_session


def _patch_user(module):
    to_dict = module.SessionUser.to_dict
    module.SessionUser.set_session_token

    @functools.wraps(to_dict)
    def without_token(self):
        data = to_dict(self)
        if _agent.is_ours(self.get_host(), self.get_login()):
            # Who unpacks a user without a token looks in the session cache, which is the agent then.
            data["session_token"] = None
        return data

    module.SessionUser.to_dict = without_token


_imports = ToolkitImports(
    {
        "tank.authentication.session_cache": _patch_session_cache,
        "tank.authentication.interactive_authentication": _patch_renewal,
        "tank.authentication.user_impl": _patch_user,
    }
)
