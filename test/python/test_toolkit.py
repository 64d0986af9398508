"""How cores are found and patched whatever loads them; what the patches do is tried in test/python/pipelines."""

import os
import subprocess
import sys
import tempfile
import textwrap
import unittest

import clients

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
""" % clients.STAND_INS


class Case(unittest.TestCase):
    def holds(self, script):
        home = tempfile.mkdtemp()
        environment = dict(os.environ, SHOTGUN_HOME=home)
        process = subprocess.Popen(
            [sys.executable, "-c", START + textwrap.dedent(script)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        output = process.communicate(timeout=30)[0].decode("utf-8", "replace")
        self.assertEqual(process.returncode, 0, output)


class Finding(Case):
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


class Together(Case):
    """``flow_auth`` and ``sgtk`` in one process."""

    BOTH = """
        from sg_session import flow_auth

        def answers(module):
            return module.get_access_token_from_adsk_auth.__module__ == "sg_session.flow_auth"

        def load(name):
            return importlib.import_module("tank.authentication." + name)

        def swap():
            import tank.bootstrap.import_handler as handler
            handler.CoreImportHandler.swap_core(sys.path[0])

        def both_hold():
            check(load("session_cache"))
            assert answers(load("flow_auth._authentication"))
    """

    def holds(self, script):
        super(Together, self).holds(textwrap.dedent(self.BOTH) + textwrap.dedent(script))

    def test_either_order_survives_swaps(self):
        for order in ("_toolkit.patch(Agent()); flow_auth.install()", "flow_auth.install(); _toolkit.patch(Agent())"):
            for loaded_before in ("pass", "load('session_cache'); load('flow_auth._authentication')"):
                self.holds("""
                    %s
                    %s
                    both_hold()
                    first = load("flow_auth._authentication")
                    swap()
                    assert load("flow_auth._authentication") is not first and answers(first)
                    both_hold()
                    swap()
                    both_hold()
                    assert sum(finder is _toolkit_imports._hook for finder in sys.meta_path) == 1
                """ % (loaded_before, order))

    def test_without_flow_auth_sgtk_goes_on(self):
        self.holds("""
            _toolkit.patch(Agent())
            flow_auth.install()
            both_hold()
            swap()
            flow_auth.uninstall()
            for _ in range(2):
                check(load("session_cache"))
                assert not answers(load("flow_auth._authentication"))
                swap()
        """)

    def test_flow_auth_alone_leaves_nothing_behind(self):
        self.holds("""
            import tank.bootstrap.import_handler as handler
            finders, swap_core = list(sys.meta_path), vars(handler.CoreImportHandler)["swap_core"]
            for _ in range(2):
                flow_auth.install()
                assert vars(handler.CoreImportHandler)["swap_core"] is not swap_core
                flow_auth.uninstall()
                assert sys.meta_path == finders and vars(handler.CoreImportHandler)["swap_core"] is swap_core
        """)

    def test_a_wrapper_that_somebody_else_put_round_the_swap_stays(self):
        self.holds("""
            import tank.bootstrap.import_handler as handler
            flow_auth.install()
            ours = handler.CoreImportHandler.swap_core
            theirs = handler.CoreImportHandler.swap_core = lambda path: ours(path)
            flow_auth.uninstall()
            assert handler.CoreImportHandler.swap_core is theirs
            swap()
            assert not answers(load("flow_auth._authentication"))
        """)

    def test_copies_that_were_swapped_out_before_are_adopted_too(self):
        self.holds("""
            old = load("session_cache")
            swap()
            _toolkit.patch(Agent())
            check(old)
            check(load("session_cache"))
        """)


if __name__ == "__main__":
    unittest.main()
