import importlib.machinery
import sys
import uuid

_NAMESPACES = ("tank", "sgtk", "tank_vendor")


class CoreImportHandler(object):
    """Unloads the core and imports the one at another path, itself excepted. facts: TK §4.3"""

    def __init__(self):
        self._core_path = None

    @classmethod
    def swap_core(cls, core_path):
        handler = next((one for one in sys.meta_path if type(one).__name__ == cls.__name__), None)
        if handler is None:
            handler = cls()
            sys.meta_path.insert(0, handler)
        handler._core_path = core_path
        stash = "core_swap_%s_" % uuid.uuid4().hex
        for name in sorted(sys.modules, key=lambda name: -name.count(".")):
            if name.split(".")[0] in _NAMESPACES and name != __name__:
                sys.modules[stash + name] = sys.modules.pop(name)
        import tank  # noqa: F401

    def find_spec(self, name, _path=None, _target=None):
        parts = name.split(".")
        if parts[0] not in _NAMESPACES:
            return None
        path = list(sys.modules[".".join(parts[:-1])].__path__) if len(parts) > 1 else [self._core_path]
        return importlib.machinery.PathFinder.find_spec(name, path)
