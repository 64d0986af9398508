"""Nuke: who is signed in to ShotGrid, printed when it changes and in the menu ShotGrid session.

Nuke has no timer but Qt's. This looks when Nuke updates its interface and when a script is opened or saved, every two seconds at
most: while nobody touches Nuke it does nothing.
"""

import nuke

try:
    from sg_session_hook import SessionLine
except ImportError as error:
    nuke.tprint("sg-session: %s" % error)
else:
    _line = SessionLine(lambda text: nuke.tprint("ShotGrid: " + text))
    nuke.addUpdateUI(_line.look)
    nuke.addOnScriptLoad(_line.look)
    nuke.addOnScriptSave(_line.look)
    nuke.menu("Nuke").addMenu("ShotGrid session").addCommand("Who is signed in", lambda: nuke.message(_line.text or "not known yet"))
