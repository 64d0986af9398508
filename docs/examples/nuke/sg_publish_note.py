"""Nuke: writes a Note about one of the artist's tasks. First the tasks are fetched, then the panel is shown, then the Note is written."""

import os

import nuke
import nukescripts
import sg_site_work

_asking, _writing = sg_site_work.Background(), sg_site_work.Background()


def begin():
    if _asking.start(sg_site_work.find_my_tasks, lambda answer: nuke.executeInMainThread(_choose, (answer,))):
        nuke.tprint("ShotGrid: asking for your tasks …")


def _choose(answer):
    if answer.problem or not answer.value:
        nuke.message(answer.problem or "You have no open tasks.")
        return
    labels = [sg_site_work.label_of(task) for task in answer.value]
    task, text = nuke.Enumeration_Knob("task", "Task", labels), nuke.String_Knob("text", "Note")
    panel = nukescripts.PythonPanel("Publish note")
    for knob in (task, text):
        panel.addKnob(knob)
    if panel.showModalDialog() and text.value().strip():
        chosen = answer.value[labels.index(task.value())]
        _publish(chosen, "%s\n\n%s" % (text.value().strip(), _script_name()))


def _publish(task, text):
    def done(answer):
        nuke.executeInMainThread(nuke.message, (answer.problem or "Note %d is on ShotGrid, in your name." % answer.value,))

    if not _writing.start(lambda: sg_site_work.publish_note(task, text), done):
        nuke.message("The note before this one is still on its way. Please try again.")


def _script_name():
    return "Nuke script: %s" % os.path.basename(nuke.root().name())
