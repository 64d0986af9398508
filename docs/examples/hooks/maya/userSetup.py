"""Maya: a line in the Script Editor and the status line that says who is signed in to ShotGrid, and Toolkit's tokens from the agent.

Put this folder, the one above and ``sg_session`` on PYTHONPATH: Maya runs every ``userSetup.py`` it finds there. Toolkit's own starts
Toolkit when Maya is idle for the first time, after all of them. Batch Maya has no idle time: there only Toolkit is prepared.
"""

from maya import cmds
from maya.api import OpenMaya

try:
    import sg_session
    from sg_session_hook import SessionLine
except ImportError as error:
    OpenMaya.MGlobal.displayWarning("sg-session: %s" % error)
else:
    sg_session.sgtk.prepare()
    if not cmds.about(batch=True):
        _line = SessionLine(lambda text: OpenMaya.MGlobal.displayInfo("ShotGrid: " + text))
        # Comes when Maya is idle, and is left out while Maya is busy.
        _timer = OpenMaya.MTimerMessage.addTimerCallback(2.0, _line.look)
