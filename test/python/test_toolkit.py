"""How cores are found and patched whatever loads them; what the patches do is tried in test/python/pipelines."""

import os
import subprocess
import sys
import textwrap
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))

START = """
import importlib, importlib.machinery, os, sys
sys.path.insert(0, %r)
from sg_session import _toolkit, _toolkit_imports

class Agent(object):
    def token_for(self, host, login):
        return "t0ken"

def check(module):
    module.cache_session_data("https://studio.example", "artist", "t0ken")
    assert module.get_session_data("https://studio.example", "artist ") == {"login": "artist", "session_token": "t0ken"}
    assert os.listdir(os.environ["SHOTGUN_HOME"]) == [], "something was written"
""" % os.path.join(HERE, "stand_in")


class Finding(unittest.TestCase):
    def holds(self, script):
        import tempfile

        home = tempfile.mkdtemp()
        environment = dict(os.environ, SHOTGUN_HOME=home)
        process = subprocess.Popen(
            [sys.executable, "-c", START + textwrap.dedent(script)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        output = process.communicate(timeout=30)[0].decode("utf-8", "replace")
        self.assertEqual(process.returncode, 0, output)

    def test_a_core_that_is_imported_before(self):
        self.holds("""
            import tank.authentication.session_cache as module
            _toolkit.patch(Agent())
            check(module)
            _toolkit.patch(Agent())
            check(module)
        """)

    def test_a_core_that_is_imported_after(self):
        self.holds("""
            _toolkit.patch(Agent())
            assert "tank" not in sys.modules, "preparing imports nothing"
            import tank.authentication.session_cache as module
            check(module)
            assert type(module.__loader__).__module__ != "sg_session._toolkit_imports"
        """)

    def test_a_module_that_is_loaded_again(self):
        self.holds("""
            _toolkit.patch(Agent())
            import tank.authentication.session_cache as module
            check(importlib.reload(module))
        """)

    @unittest.skipIf(sys.version_info >= (3, 12), "Python 3.12 has no loaders of the old kind")
    def test_a_core_whose_loader_is_of_the_old_kind(self):
        self.holds("""
            class Handler(object):
                def find_module(self, name, path=None):
                    return self if name.split(".")[0] == "tank" else None

                def load_module(self, name):
                    path = sys.modules[name.rpartition(".")[0]].__path__ if "." in name else sys.path
                    return importlib.machinery.PathFinder.find_spec(name, path).loader.load_module(name)

            sys.meta_path.insert(0, Handler())
            _toolkit.patch(Agent())
            import tank.authentication.session_cache as module
            check(module)
        """)

    def test_a_core_without_what_is_to_be_patched_is_imported_as_it_is(self):
        self.holds("""
            _toolkit.patch(Agent())
            folder = os.path.join(os.environ["SHOTGUN_HOME"], "tank", "authentication")
            os.makedirs(folder)
            for path in (os.path.dirname(folder), folder):
                open(os.path.join(path, "__init__.py"), "w").close()
            open(os.path.join(folder, "session_cache.py"), "w").write("answer = 42")
            sys.path.insert(0, os.environ["SHOTGUN_HOME"])
            import tank.authentication.session_cache as module
            assert module.answer == 42
        """)

    def test_modules_of_others_are_none_of_its_business(self):
        self.holds("""
            _toolkit.patch(Agent())
            assert _toolkit_imports._hook.find_spec("json") is None
            assert importlib.util.find_spec("tank.authentication.no_such_module") is None
        """)


if __name__ == "__main__":
    unittest.main()
