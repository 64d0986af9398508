"""Being there when Toolkit imports a module: each copy of it, also those that a core swap brings in.

Bootstrap throws ``tank`` out of ``sys.modules`` and imports the project's own copy, through an import handler that it puts before
all others: what was changed in the old copy is gone, and no import hook of ours is asked. So there is one hook for all that wants to
be there, and one wrapper round ``swap_core``, which puts the hook first again."""

import functools
import importlib.util
import logging
import sys
import threading
import weakref

_HANDLER = "tank.bootstrap.import_handler"

_log = logging.getLogger("sg_session")


class ToolkitImports(object):
    """Calls ``adopters[name](module)`` with each copy of each module ``name`` (``tank.…``): those there are, and those to come.

    A module that is loaded again is adopted again, and no other twice. An adopter raises AttributeError when the module is not of the
    form that it knows: that is logged, and the module imported as it is."""

    def __init__(self, adopters):
        self.names = frozenset(adopters)
        self._adopters = adopters
        self._adopted = weakref.WeakSet()
        self._lock = threading.RLock()

    def start(self):
        """May be repeated, and then tries again what was not adopted before."""
        _hook.add(self)

    def stop(self):
        """No module is adopted any more; what was done to those that were stays."""
        _hook.remove(self)
        self._adopted.clear()

    def has_adopted(self, module):
        return module in self._adopted

    def adopt(self, name, module, is_loaded_again=False):
        with self._lock:
            if name not in self.names or (module in self._adopted and not is_loaded_again):
                return
            self._adopted.discard(module)
            try:
                self._adopters[name](module)
            except AttributeError as error:
                # No reason to break the host.
                _log.warning('"%s" of this tk-core is not of a form that is known here: %s', name, error)
            else:
                self._adopted.add(module)

    def adopt_all(self):
        for name in self.names:
            # A core swap keeps the old copies under a longer name: objects of theirs may live on.
            for key, module in list(sys.modules.items()):
                if module is not None and (key == name or key.endswith("_" + name)):
                    self.adopt(name, module)


def hears_of_swaps(module):
    """Whether a swap that this copy of Toolkit's import handler makes is followed."""
    return _hook.swaps.has_adopted(module)


class _Hook(object):
    """Stands first among the importers and leaves all work to the others, but shows what they have loaded to who started it."""

    def __init__(self):
        self.swaps = ToolkitImports({_HANDLER: self._follow_swaps})
        self._started = ()
        self._undo = []
        self._lock = threading.RLock()
        self._asking = threading.local()

    def add(self, imports):
        with self._lock:
            if imports not in self._started:
                self._started += (imports,)
            self._stand_first()
        self._adopt_all()

    def remove(self, imports):
        with self._lock:
            self._started = tuple(one for one in self._started if one is not imports)
            if self._started:
                return
            if self in sys.meta_path:
                sys.meta_path.remove(self)
            while self._undo:
                self._undo.pop()()
            self.swaps = ToolkitImports({_HANDLER: self._follow_swaps})

    def find_spec(self, name, _path=None, _target=None):
        if not any(name in imports.names for imports in self._everybody()) or getattr(self._asking, "name", None) == name:
            return None
        self._asking.name = name
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self._asking.name = None
        if spec is None or spec.loader is None:
            return None
        if isinstance(spec.loader, (_Loader, _OldLoader)):
            return spec
        # Cores for Python before 3.12 bring a loader of the old kind.
        spec.loader = _Loader(spec.loader) if hasattr(spec.loader, "exec_module") else _OldLoader(spec.loader)
        return spec

    def show(self, name, module):
        """A module that has been loaded this moment."""
        for imports in self._everybody():
            imports.adopt(name, module, is_loaded_again=True)

    def _everybody(self):
        return (self.swaps,) + self._started if self._started else ()

    def _adopt_all(self):
        for imports in self._everybody():
            imports.adopt_all()

    def _stand_first(self):
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        sys.meta_path.insert(0, self)

    def _follow_swaps(self, module):
        handler = module.CoreImportHandler
        swap = handler.swap_core.__func__
        was = vars(handler).get("swap_core", handler.swap_core)

        @functools.wraps(swap)
        def swap_core(cls, *args, **named):
            result = swap(cls, *args, **named)
            with self._lock:
                if self._started:
                    # The handler puts itself first in line, once.
                    self._stand_first()
            self._adopt_all()
            return result

        ours = classmethod(swap_core)

        def undo():
            # Somebody else may have wrapped it since.
            if vars(handler).get("swap_core") is ours:
                handler.swap_core = was

        handler.swap_core = ours
        self._undo.append(undo)


class _OldLoader(object):
    def __init__(self, loader):
        self._loader = loader

    def __getattr__(self, name):
        return getattr(self._loader, name)

    def load_module(self, name):
        module = self._loader.load_module(name)
        _hook.show(name, module)
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
        self._loader.exec_module(module)
        _hook.show(module.__name__, module)


_hook = _Hook()
