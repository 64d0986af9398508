"""Houdini: sets the frame range of a shot of the artist's, as ShotGrid has it.

Put the folder ``houdini`` on HOUDINI_PATH (and keep the ``&``), the one above it and ``sg_session`` on PYTHONPATH. This folder is named
after Houdini's Python: call it ``python3.10libs`` for one with Python 3.10.
"""

import queue

import hou
import sg_site_work

_background = sg_site_work.Background()
_answers = queue.Queue()


def begin():
    """What the shelf's tool calls."""
    if _background.start(sg_site_work.find_my_shots, _answers.put):
        hou.ui.setStatusMessage("ShotGrid: asking for your shots …")
        # hou.ui is for the main thread: its loop looks for the answer.
        hou.ui.addEventLoopCallback(_look)


def _look():
    try:
        answer = _answers.get_nowait()
    except queue.Empty:
        return
    hou.ui.removeEventLoopCallback(_look)
    hou.ui.setStatusMessage("")
    _choose(answer)


def _choose(answer):
    if answer.problem:
        hou.ui.displayMessage(answer.problem, severity=hou.severityType.Warning, title="ShotGrid")
        return
    shots = [shot for shot in answer.value if shot["sg_cut_in"] is not None and shot["sg_cut_out"] is not None]
    if not shots:
        hou.ui.displayMessage("None of your shots has a cut on ShotGrid.", title="ShotGrid")
        return
    names = ["%s / %s: %d–%d" % (shot["project"]["name"], shot["code"], shot["sg_cut_in"], shot["sg_cut_out"]) for shot in shots]
    chosen = hou.ui.selectFromList(names, exclusive=True, title="ShotGrid", message="Take the frame range of")
    if chosen:
        shot = shots[chosen[0]]
        hou.playbar.setFrameRange(shot["sg_cut_in"], shot["sg_cut_out"])
        hou.playbar.setPlaybackRange(shot["sg_cut_in"], shot["sg_cut_out"])
        hou.ui.setStatusMessage("ShotGrid: the frame range of %s" % shot["code"])
