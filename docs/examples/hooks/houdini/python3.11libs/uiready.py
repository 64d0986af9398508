"""Houdini: who is signed in to ShotGrid, in the status line when it changes. Runs once the user interface is there."""

import hou

try:
    from sg_session_hook import SessionLine
except ImportError as error:
    print("sg-session: %s" % error)
else:
    _line = SessionLine(lambda text: hou.ui.setStatusMessage("ShotGrid: " + text))
    # Called some twenty times a second; the line itself keeps to its two seconds.
    hou.ui.addEventLoopCallback(_line.look)
