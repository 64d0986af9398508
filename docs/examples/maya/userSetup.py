"""Maya: a shelf ShotGrid with a button for the artist's open tasks.

Put this folder, the one above and ``sg_session`` on PYTHONPATH: Maya runs every ``userSetup.py`` it finds there.
"""

from maya import cmds, utils

try:
    import sg_open_tasks
except ImportError as error:
    cmds.warning("ShotGrid: %s" % error)
else:
    if not cmds.about(batch=True):
        # The shelves are there when Maya is idle for the first time.
        utils.executeDeferred(sg_open_tasks.add_shelf)
