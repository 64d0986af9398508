"""The few places of a tk-core where tokens would be kept, passed on or asked for; v0.21 to v0.24.

A core may be imported later than us, and a bootstrap unloads the core it runs in and imports the project's own in its place. So each
module is patched whenever a copy of it has been imported, and again after a swap.
"""

import functools
import importlib
import importlib.util
import logging
import sys
import threading

from ._errors import SgSessionError, error_for

_log = logging.getLogger("sg_session")
_MARK = "_patched_by_sg_session"
# Whom the patched cores ask; set once.
_agent = None


def patch(agent):
    """Patches every core there is and will be; ``agent`` is what they ask instead of file and dialog. May be repeated."""
    global _agent
    _agent = agent
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
    for name in _PATCHES:
        if name in sys.modules:
            _patch_module(sys.modules[name])


def demand_patched():
    """Imports what is to be patched. Raises UnsupportedVersion if anything of it could not be."""
    for name in _PATCHES:
        module = importlib.import_module(name)
        _patch_module(module)
        if not getattr(module, _MARK, False):
            raise error_for("unsupported_version", '"%s" of this tk-core is not of a form that sg_session knows' % name)


def _patch_module(module):
    if module is None or getattr(module, _MARK, False):
        return
    try:
        _PATCHES[module.__name__](module)
    except AttributeError as error:
        # No reason to break the host: a user whose token crosses no boundary cannot be unpacked there, and that is said.
        _log.warning('"%s" of this tk-core could not be patched: %s', module.__name__, error)
    else:
        setattr(module, _MARK, True)


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


def _patch_core_swap(module):
    swap = module.CoreImportHandler.swap_core.__func__

    @functools.wraps(swap)
    def swap_core(cls, *args, **named):
        result = swap(cls, *args, **named)
        # The handler puts itself first in line, once.
        if _finder in sys.meta_path:
            sys.meta_path.remove(_finder)
        sys.meta_path.insert(0, _finder)
        for name in _PATCHES:
            try:
                _patch_module(importlib.import_module(name))
            # The handler of newer cores raises FileNotFoundError for a module that is not there.
            except (ImportError, OSError) as error:
                _log.warning('the core swapped in has no "%s": %s', name, error)
        return result

    module.CoreImportHandler.swap_core = classmethod(swap_core)


_PATCHES = {
    "tank.authentication.session_cache": _patch_session_cache,
    "tank.authentication.interactive_authentication": _patch_renewal,
    "tank.authentication.user_impl": _patch_user,
    "tank.bootstrap.import_handler": _patch_core_swap,
}


class _Finder(object):
    """Stands first among the importers and leaves all work to the others, but patches what they have loaded."""

    def __init__(self):
        self._asking = threading.local()

    def find_spec(self, name, _path=None, _target=None):
        if name not in _PATCHES or getattr(self._asking, "name", None) == name:
            return None
        self._asking.name = name
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self._asking.name = None
        if spec is None or spec.loader is None:
            return None
        # Cores for Python before 3.12 bring a loader of the old kind.
        spec.loader = _Loader(spec.loader) if hasattr(spec.loader, "exec_module") else _OldLoader(spec.loader)
        return spec


class _OldLoader(object):
    def __init__(self, loader):
        self._loader = loader

    def __getattr__(self, name):
        return getattr(self._loader, name)

    def load_module(self, name):
        vars(sys.modules.get(name, self)).pop(_MARK, None)
        module = self._loader.load_module(name)
        _patch_module(module)
        return module


class _Loader(object):
    def __init__(self, loader):
        self._loader = loader

    def __getattr__(self, name):
        return getattr(self._loader, name)

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def exec_module(self, module):
        module.__spec__.loader = module.__loader__ = self._loader
        # A module that is loaded again is as it was.
        vars(module).pop(_MARK, None)
        self._loader.exec_module(module)
        _patch_module(module)


_finder = _Finder()
