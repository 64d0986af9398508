"""Being there when Toolkit imports a module: each copy of it, also those that a core swap brings in.

Bootstrap throws ``tank`` out of ``sys.modules`` and imports the project's own copy, through an import handler that it puts before
all others: what was changed in the old copy is gone, and no import hook of ours is asked."""

import importlib.abc
import sys

_HANDLER = "tank.bootstrap.import_handler"


class ToolkitImports(object):
    """Calls ``adopt(module)`` with each copy of the module ``name`` (``tank.…``): those there are, and those to come."""

    def __init__(self, name, adopt):
        self._adopt = {name: adopt, _HANDLER: self._hear_of_swaps}
        self._stops = []

    def start(self):
        sys.meta_path.insert(0, self)
        self._adopt_all()

    def stop(self):
        """No module is adopted any more; what was done to those that were stays."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        while self._stops:
            self._stops.pop()()

    def find_spec(self, name, path=None, target=None):
        if name not in self._adopt:
            return None
        for finder in list(sys.meta_path):
            find_spec = None if finder is self else getattr(finder, "find_spec", None)
            spec = find_spec(name, path, target) if find_spec else None
            if spec is not None:
                if hasattr(spec.loader, "exec_module"):
                    spec.loader = _Loader(spec.loader, self._adopt[name])
                return spec
        return None

    def _adopt_all(self):
        for name, adopt in self._adopt.items():
            # A core swap keeps the old copies under a longer name: objects of theirs may live on.
            for key, module in list(sys.modules.items()):
                if module is not None and (key == name or key.endswith("_" + name)):
                    adopt(module)

    def _hear_of_swaps(self, module):
        handler = getattr(module, "CoreImportHandler", None)
        original = getattr(handler, "swap_core", None)
        if original is None or hasattr(original, "sg_session_imports"):
            return

        def swap_core(_cls, core_path):
            result = original(core_path)
            if self in sys.meta_path:
                # Its handler is first now.
                sys.meta_path.remove(self)
                sys.meta_path.insert(0, self)
                self._adopt_all()
            return result

        swap_core.sg_session_imports = True
        was = handler.__dict__["swap_core"]
        handler.swap_core = classmethod(swap_core)
        self._stops.append(lambda: setattr(handler, "swap_core", was))


class _Loader(importlib.abc.Loader):
    def __init__(self, loader, adopt):
        self._loader = loader
        self._adopt = adopt

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def exec_module(self, module):
        self._loader.exec_module(module)
        self._adopt(module)

    def __getattr__(self, name):
        return getattr(self._loader, name)
