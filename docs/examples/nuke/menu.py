"""Nuke: a menu ShotGrid with *Publish note*.

Put this folder on NUKE_PATH, the one above and ``sg_session`` on PYTHONPATH: Nuke runs every ``menu.py`` it finds when it has a user
interface.
"""

import nuke

try:
    import sg_publish_note
except ImportError as error:
    nuke.tprint("ShotGrid: %s" % error)
else:
    nuke.menu("Nuke").addMenu("ShotGrid").addCommand("Publish note…", sg_publish_note.begin)
