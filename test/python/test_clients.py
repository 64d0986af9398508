"""How the real clients are found, wherever they lie below SG_REAL_CLIENTS."""

import os
import shutil
import sys
import tempfile
import unittest
import warnings

import clients


class Finding(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.saved = os.environ.get("SG_REAL_CLIENTS")
        self.version = sys.version_info
        self.addCleanup(self.restore)
        os.environ["SG_REAL_CLIENTS"] = self.folder
        sys.version_info = (3, 11, 0)

    def restore(self):
        sys.version_info = self.version
        os.environ.pop("SG_REAL_CLIENTS", None)
        if self.saved is not None:
            os.environ["SG_REAL_CLIENTS"] = self.saved
        shutil.rmtree(self.folder)

    def make(self, *path):
        place = os.path.join(self.folder, *path)
        os.makedirs(place)
        open(os.path.join(place, "__init__.py"), "w").close()
        return os.path.dirname(place)

    def test_each_layout(self):
        layouts = [[], ["python"], ["python-api"], ["tk-core", "python"], ["tk-core-0.24.0", "python"], ["shotgun_api3-3.10.3"]]
        for layout in layouts:
            for package in ("shotgun_api3", "tank"):
                place = self.make(*(layout + [package]))
                self.assertEqual(clients.find_real(package), (place, None))
                shutil.rmtree(place if layout else os.path.join(place, package))

    def test_one_without_the_other(self):
        self.make("tk-core", "python", "tank")
        self.assertEqual(clients.find_real("shotgun_api3"), (None, "SG_REAL_CLIENTS names no folder with a shotgun_api3"))
        wanted = "SG_REAL_CLIENTS names no folder with a tk-core that has flow_auth"
        self.assertEqual(clients.find_real("tank/authentication/flow_auth"), (None, wanted))

    def test_none(self):
        for folder in (None, "", os.path.join(self.folder, "not there"), self.folder):
            os.environ.pop("SG_REAL_CLIENTS", None)
            if folder is not None:
                os.environ["SG_REAL_CLIENTS"] = folder
            self.assertEqual(clients.find_real("tank"), (None, "SG_REAL_CLIENTS names no folder with a tk-core"))

    def test_pythons_that_they_refuse(self):
        self.make("tank")
        self.make("shotgun_api3")
        sys.version_info = (3, 12, 1)
        self.assertEqual(clients.find_real("tank"), (None, "tk-core does not run under Python 3.12"))
        self.assertEqual(clients.find_real("shotgun_api3"), (self.folder, None))
        sys.version_info = (3, 8, 18)
        self.assertEqual(clients.find_real("shotgun_api3"), (None, "shotgun_api3 does not run under Python 3.8"))

    def test_warnings_about_modules_of_others_are_let_pass_and_those_about_ours_are_not(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            clients.ignore_foreign_warnings()
            for foreign in ("tank.util", "shotgun_api3.shotgun", "importlib", "/somewhere/tank/hook"):
                warnings.warn_explicit("old", DeprecationWarning, "x.py", 1, module=foreign)
            for ours in ("sg_session._client", "test_clients", "stage"):
                with self.assertRaises(DeprecationWarning):
                    warnings.warn_explicit("old", DeprecationWarning, "x.py", 1, module=ours)


if __name__ == "__main__":
    unittest.main()
