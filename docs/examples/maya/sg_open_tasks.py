"""Maya: a window with the artist's open tasks."""

import sg_site_work
from maya import cmds, mel, utils

_SHELF = "sgSession"
_WINDOW, _LIST, _LINE = "sgOpenTasks", "sgOpenTasksList", "sgOpenTasksLine"

_background = sg_site_work.Background()


def add_shelf():
    """Makes the shelf anew: Maya saves shelves when it quits, and a saved button may be an older version's."""
    if cmds.shelfLayout(_SHELF, exists=True):
        cmds.deleteUI(_SHELF, layout=True)
    cmds.shelfLayout(_SHELF, parent=mel.eval("$sgShelfParent = $gShelfTopLevel"))
    cmds.shelfButton(
        parent=_SHELF,
        label="My open tasks",
        annotation="My open tasks on ShotGrid",
        image="pythonFamily.png",
        imageOverlayLabel="Tasks",
        sourceType="python",
        command="import sg_open_tasks; sg_open_tasks.show()",
    )


def show():
    if cmds.window(_WINDOW, exists=True):
        cmds.deleteUI(_WINDOW)
    cmds.window(_WINDOW, title="My open tasks", widthHeight=(420, 320))
    cmds.columnLayout(adjustableColumn=True, rowSpacing=6)
    cmds.textScrollList(_LIST, numberOfRows=14)
    cmds.text(_LINE, label="", align="left", wordWrap=True)
    cmds.button(label="Ask again", command=ask)
    cmds.showWindow(_WINDOW)
    ask()


def ask(*_what_a_button_passes):
    # maya.cmds is for the main thread: the answer goes there, and waits for Maya to be idle.
    if _background.start(sg_site_work.find_my_tasks, lambda answer: utils.executeDeferred(_take, answer)):
        _say("Asking ShotGrid …")


def _take(answer):
    if not cmds.window(_WINDOW, exists=True):
        return
    if answer.problem:
        cmds.warning(answer.problem)
        _say(answer.problem)
        return
    cmds.textScrollList(_LIST, edit=True, removeAll=True)
    cmds.textScrollList(_LIST, edit=True, append=[sg_site_work.label_of(task) for task in answer.value])
    _say("%d open tasks" % len(answer.value))


def _say(text):
    cmds.text(_LINE, edit=True, label=text)
