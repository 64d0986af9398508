"""Toolkit's own copy of shotgun_api3: the same file, classes of its own. facts: TK §4.3"""

import importlib.util
import os
import sys

_path = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "shotgun_api3", "__init__.py")
_spec = importlib.util.spec_from_file_location("tank_vendor.shotgun_api3", _path, submodule_search_locations=[os.path.dirname(_path)])
shotgun_api3 = importlib.util.module_from_spec(_spec)
sys.modules["tank_vendor.shotgun_api3"] = shotgun_api3
_spec.loader.exec_module(shotgun_api3)
