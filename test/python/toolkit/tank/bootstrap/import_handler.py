import importlib.util
import os
import sys

NAMESPACES = ("tank", "sgtk", "tank_vendor")


class CoreImportHandler(object):
    """Imports Toolkit from the core it was told last, before any other finder is asked."""

    def __init__(self):
        self.core_path = None

    @classmethod
    def swap_core(cls, core_path):
        handler = next((finder for finder in sys.meta_path if isinstance(finder, cls)), None)
        if handler is None:
            handler = cls()
            sys.meta_path.insert(0, handler)
        for name in [name for name in sys.modules if name.split(".")[0] in NAMESPACES and name != __name__]:
            sys.modules["core_swap_0_" + name] = sys.modules.pop(name)
        handler.core_path = core_path
        importlib.import_module("tank")

    def find_spec(self, name, path=None, target=None):
        parts = name.split(".")
        if parts[0] not in NAMESPACES or self.core_path is None:
            return None
        place = os.path.join(self.core_path, *parts)
        if os.path.isdir(place):
            init = os.path.join(place, "__init__.py")
            return importlib.util.spec_from_file_location(name, init, submodule_search_locations=[place])
        return importlib.util.spec_from_file_location(name, place + ".py")
