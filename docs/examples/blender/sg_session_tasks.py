"""Blender: a panel with who is signed in to ShotGrid and their open tasks, in the 3D view's sidebar.

Install this file as an add-on. ``sg_site_work.py``, ``sg_session`` and ``shotgun_api3`` go into Blender's ``scripts/modules``, or on
PYTHONPATH of a Blender that is started with ``--python-use-system-env``.
"""

import queue
import time

import bpy
import sg_session
import sg_site_work

bl_info = {
    "name": "ShotGrid tasks",
    "description": "Your open tasks on ShotGrid",
    "location": "3D View > Sidebar > ShotGrid",
    "blender": (3, 3, 0),
    "version": (1, 0, 0),
    "category": "Pipeline",
}

# Seconds between two looks of the timer.
_EVERY = 0.5


class _Panel(object):
    """What is shown. Not in the .blend file: it is the artist's, and of now."""

    def __init__(self):
        self.who = "Looking for sg-session …"
        self.line = ""
        self.tasks = []
        self.asks_again = False
        self.background = sg_site_work.Background()
        self.answers = queue.Queue()
        self.watcher = sg_session.watch()

    def ask(self):
        # Who signs in while an answer is on its way wants another.
        self.asks_again = not self.background.start(sg_site_work.find_my_tasks, self.answers.put)
        self.line = "Asking ShotGrid …"

    def look(self):
        """Whether there is something new to draw."""
        changes = self._changes()
        for change in changes:
            self._take_change(change)
        try:
            answer = self.answers.get_nowait()
        except queue.Empty:
            return bool(changes)
        self.tasks = answer.value or []
        self.line = answer.problem or "%d open tasks" % len(self.tasks)
        if self.asks_again:
            self.ask()
        return True

    def _changes(self):
        try:
            return self.watcher.poll()
        except sg_session.SgSessionError as error:
            self.who = sg_site_work.explain(error)
            return []

    def _take_change(self, change):
        if change.state == "signed_in":
            self.who = "Signed in as %s" % change.name
            self.ask()
        else:
            self.tasks, self.line = [], ""
            self.who = {
                "agent_not_running": "sg-session is not running. Start it.",
                "signing_in": "Waiting for the sign-in in the browser",
            }.get(change.state, "Signed out. Sign in from the sg-session tray.")


_panel = None


class SGSESSION_OT_refresh_tasks(bpy.types.Operator):
    """Ask ShotGrid for your open tasks"""

    bl_idname = "sg_session.refresh_tasks"
    bl_label = "Ask again"

    def execute(self, _context):
        _panel.ask()
        return {"FINISHED"}


class SGSESSION_PT_tasks(bpy.types.Panel):
    bl_label = "My open tasks"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "ShotGrid"

    def draw(self, _context):
        layout = self.layout
        layout.label(text=_panel.who, icon="USER")
        for task in _panel.tasks:
            layout.label(text=sg_site_work.label_of(task))
        if _panel.line:
            layout.label(text=_panel.line)
        layout.operator(SGSESSION_OT_refresh_tasks.bl_idname)


_classes = (SGSESSION_OT_refresh_tasks, SGSESSION_PT_tasks)


def register():
    global _panel
    _panel = _Panel()
    for one in _classes:
        bpy.utils.register_class(one)
    # persistent: opening a file ends the other timers.
    bpy.app.timers.register(_tick, first_interval=_EVERY, persistent=True)


def unregister():
    global _panel
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    for one in reversed(_classes):
        bpy.utils.unregister_class(one)
    _panel.watcher.close()
    _panel = None


def _tick():
    started = time.monotonic()
    if _panel.look():
        for window in bpy.context.window_manager.windows:
            for area in window.screen.areas:
                area.tag_redraw()
    # While no agent answers, a look may take half a second: then the next one is far away.
    return max(_EVERY, (time.monotonic() - started) * 20)
