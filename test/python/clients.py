"""Where the tests find shotgun_api3 and tk-core: the stand-ins, and the real ones of whoever has them (CONTRIBUTING, "The real clients")."""

import os
import sys
import warnings

STAND_INS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "stand_in")
_NAMES = {"shotgun_api3": "shotgun_api3", "tank": "tk-core", "tank/authentication/flow_auth": "tk-core that has flow_auth"}
# Others they refuse, or bring no libraries for. facts: shotgrid §10
_CORE_PYTHONS = ((3, 9), (3, 10), (3, 11), (3, 13))
_OLDEST_PYTHON = (3, 9)


def find_real(package):
    """The folder to put on sys.path for a package of $SG_REAL_CLIENTS, and None; or None, and the sentence that says why not."""
    places = [place for place in _places() if os.path.isfile(os.path.join(place, package, "__init__.py"))]
    if not places:
        return None, "SG_REAL_CLIENTS names no folder with a %s" % _NAMES[package]
    version = sys.version_info[:2]
    if version < _OLDEST_PYTHON or (package != "shotgun_api3" and version not in _CORE_PYTHONS):
        return None, "%s does not run under Python %d.%d" % ((_NAMES[package].split()[0],) + version)
    return places[0], None


def find(package):
    """The same for the clients that the test runs with: the real ones with SG_TEST_CLIENTS=real, else the stand-ins."""
    return find_real(package) if are_real() else (STAND_INS, None)


def are_real():
    return os.environ.get("SG_TEST_CLIENTS") == "real"


def ignore_foreign_warnings():
    """Under ``-W error``: what the real clients are warned of is not ours to mend. Those of our own modules stay errors."""
    warnings.filterwarnings("ignore", module="(?!sg_session|test_|stage|clients|__main__)")


def _places():
    """A package's folder, a checkout or an unpacked archive of either, or a folder that holds such."""
    root = os.environ.get("SG_REAL_CLIENTS")
    if not root or not os.path.isdir(root):
        return []
    root = os.path.abspath(root)
    below = [os.path.join(root, name) for name in sorted(os.listdir(root))]
    return [place for folder in [root] + below for place in (folder, os.path.join(folder, "python"))]
