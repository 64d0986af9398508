"""Runs inside a real Blender without a window: installs the add-on as an artist does, and works with it. test/e2e/examples.test.ts starts it."""

import os
import sys
import time
import types

import bpy

HERE = os.path.dirname(os.path.abspath(__file__))
ADDON = os.path.join(HERE, "..", "..", "..", "docs", "examples", "blender", "sg_session_tasks.py")

sys.path.append(os.path.dirname(HERE))

from hosts import Recorder  # noqa: E402

bpy.ops.preferences.addon_install(filepath=os.path.normpath(ADDON))
bpy.ops.preferences.addon_enable(module="sg_session_tasks")
import sg_session_tasks as addon  # noqa: E402

assert bpy.app.timers.is_registered(addon._tick)
assert issubclass(bpy.types.SGSESSION_PT_tasks, bpy.types.Panel)


def drawn():
    layout = Recorder()
    addon.SGSESSION_PT_tasks.draw(types.SimpleNamespace(layout=layout), bpy.context)
    return [named["text"] for named in layout.named("label")]


def tick_until_answered():
    """Without a window Blender's own loop does not run."""
    until = time.monotonic() + 20
    while addon._tick() and not addon._panel.line.endswith("open tasks"):
        assert time.monotonic() < until, drawn()
        time.sleep(0.02)


tick_until_answered()
first = drawn()
assert bpy.ops.sg_session.refresh_tasks() == {"FINISHED"}
tick_until_answered()
assert drawn() == first
print("\n".join(first))
tick = addon._tick
bpy.ops.preferences.addon_disable(module="sg_session_tasks")
assert not bpy.app.timers.is_registered(tick)
assert not hasattr(bpy.types, "SGSESSION_PT_tasks")
