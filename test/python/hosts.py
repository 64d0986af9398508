"""Stand-ins for what docs/examples use of Maya, Nuke, Houdini and Blender. They keep what they are called with and, as the programs do,
take calls from the main thread only."""

import queue
import sys
import threading
import time
import types


class Recorder(object):
    """A part of a host: keeps what it is called with, under the name of the call. An answer is what the call returns, or a function."""

    def __init__(self, **answers):
        self.calls = []
        self._answers = answers

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)

        def call(*args, **named):
            if threading.current_thread() is not threading.main_thread():
                raise RuntimeError('"%s" was called from another thread than the program\'s own' % name)
            self.calls.append((name, args, named))
            answer = self._answers.get(name)
            return answer(*args, **named) if callable(answer) else answer

        return call

    def given(self, name):
        return [args for called, args, _named in self.calls if called == name]

    def named(self, name):
        return [named for called, _args, named in self.calls if called == name]


class Loop(object):
    """A program's own loop: what other threads bring, and what is called in each round, runs on the main thread."""

    def __init__(self):
        self._brought = queue.Queue()
        self.every_round = []

    def bring(self, function, *args):
        self._brought.put((function, args))

    def run_until(self, is_done, limit=20.0):
        until = time.monotonic() + limit
        while not is_done():
            if time.monotonic() > until:
                raise AssertionError("the program waited in vain")
            for function in list(self.every_round):
                function()
            try:
                function, args = self._brought.get(timeout=0.01)
            except queue.Empty:
                continue
            function(*args)


def install(name, **parts):
    """Makes ``import name`` find these parts."""
    module = sys.modules[name] = types.ModuleType(name)
    for part, value in parts.items():
        setattr(module, part, value)
    return module


def maya(batch=False):
    """Windows exist as in Maya: from ``window`` to ``deleteUI``."""
    loop, existing = Loop(), set()

    def make(name, exists=False, **_named):
        if exists:
            return name in existing
        existing.add(name)
        return name

    cmds = Recorder(about=batch, window=make, shelfLayout=make, deleteUI=lambda name, **_named: existing.discard(name))
    mel, utils = Recorder(eval="ShelfLayout"), types.SimpleNamespace(executeDeferred=loop.bring)
    install("maya", cmds=cmds, mel=mel, utils=utils)
    return types.SimpleNamespace(loop=loop, cmds=cmds, mel=mel, calls=[cmds.calls, mel.calls])


def nuke(script="shot.nk", note="Looks good."):
    """An artist who takes the first task and writes ``note``; None: they close the panel."""
    loop, menu, panel = Loop(), Recorder(), Recorder(showModalDialog=note is not None)
    menus, root = Recorder(addMenu=menu), Recorder(name=script)
    parts = Recorder(
        menu=menus,
        root=root,
        Enumeration_Knob=lambda _name, _label, values: Recorder(value=values[0] if values else None),
        String_Knob=lambda _name, _label: Recorder(value=note),
    )
    names = ("menu", "root", "message", "tprint", "Enumeration_Knob", "String_Knob")
    install("nuke", executeInMainThread=lambda call, args=(): loop.bring(call, *args), **{name: getattr(parts, name) for name in names})
    install("nukescripts", PythonPanel=lambda _title: panel)
    calls = [parts.calls, menu.calls, panel.calls]
    return types.SimpleNamespace(loop=loop, parts=parts, menu=menu, panel=panel, calls=calls)


def houdini(chosen=(0,)):
    """An artist who takes the shot of that number."""
    loop = Loop()
    ui = Recorder(
        addEventLoopCallback=loop.every_round.append,
        removeEventLoopCallback=loop.every_round.remove,
        selectFromList=chosen,
    )
    playbar = Recorder()
    install("hou", ui=ui, playbar=playbar, severityType=types.SimpleNamespace(Warning="warning"))
    return types.SimpleNamespace(loop=loop, ui=ui, playbar=playbar, calls=[ui.calls, playbar.calls])


def blender():
    """One window with one area; the classes of add-ons are what they inherit from."""
    timers, utils, area = Recorder(is_registered=True), Recorder(), Recorder()
    window = types.SimpleNamespace(screen=types.SimpleNamespace(areas=[area]))
    install(
        "bpy",
        app=types.SimpleNamespace(timers=timers),
        utils=utils,
        types=types.SimpleNamespace(Operator=object, Panel=object),
        context=types.SimpleNamespace(window_manager=types.SimpleNamespace(windows=[window])),
    )
    return types.SimpleNamespace(timers=timers, utils=utils, area=area, calls=[timers.calls, utils.calls, area.calls])
