"""Blender: who is signed in to ShotGrid, in the status bar.

Install this file as an add-on; put the folder above it and ``sg_session`` on PYTHONPATH and start Blender with
``--python-use-system-env``, or copy both into Blender's ``scripts/modules``.
"""

import bpy
from sg_session_hook import SessionLine

bl_info = {
    "name": "ShotGrid session",
    "description": "Shows who is signed in to ShotGrid",
    "blender": (3, 3, 0),
    "category": "System",
}

_line = None


def register():
    global _line
    _line = SessionLine(_redraw)
    bpy.types.STATUSBAR_HT_header.append(_draw)
    # persistent: opening a file ends the other timers.
    bpy.app.timers.register(_tick, first_interval=1.0, persistent=True)


def unregister():
    global _line
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    bpy.types.STATUSBAR_HT_header.remove(_draw)
    _line.close()
    _line = None


def _tick():
    _line.look()
    return 2.0


def _draw(header, _context):
    header.layout.label(text="ShotGrid: " + _line.text)


def _redraw(_text):
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            area.tag_redraw()
