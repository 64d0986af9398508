"""The launch hooks of docs/examples/hooks with stand-ins for what they use of their hosts, and a real agent."""

import glob
import json
import os
import runpy
import shutil
import socket
import sys
import time
import types
import unittest

from sg_session import _endpoint
from stage import Case

from hosts import Recorder  # noqa: E402

HOOKS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "docs", "examples", "hooks")
SIGNED_IN = "signed in as Plain Artist"


class Hooks(Case):
    def setUp(self):
        super().setUp()
        self.modules = set(sys.modules)
        sys.path.insert(0, HOOKS)
        self.endpoint = next(path for path in _endpoint.candidates() if _endpoint.read(path))
        os.environ["SG_SESSION_ENDPOINT"] = self.endpoint
        self.lines = []

    def tearDown(self):
        for line in self.lines:
            line.close()
        sys.path.remove(HOOKS)
        os.environ.pop("SG_SESSION_ENDPOINT")
        for name in set(sys.modules) - self.modules:
            if name.split(".")[0] in ("maya", "nuke", "hou", "bpy", "sg_session_hook", "sg_session_status"):
                del sys.modules[name]
        super().tearDown()

    def host(self, name, **parts):
        module = types.ModuleType(name)
        for part, value in parts.items():
            setattr(module, part, value)
        sys.modules[name] = module
        return module

    def run_hook(self, *path):
        found = runpy.run_path(os.path.join(HOOKS, *path))
        if "_line" in found and found["_line"] is not None:
            self.lines.append(found["_line"])
        return found

    def maya(self, batch=False):
        cmds, api = Recorder(about=batch), types.ModuleType("maya.api")
        api.OpenMaya = types.ModuleType("maya.api.OpenMaya")
        api.OpenMaya.MGlobal, api.OpenMaya.MTimerMessage = Recorder(), Recorder(addTimerCallback=1)
        self.host("maya", cmds=cmds, api=api)
        sys.modules["maya.api"] = api
        return api.OpenMaya

    def test_maya(self):
        maya = self.maya()
        self.run_hook("maya", "userSetup.py")
        ((period, look),) = maya.MTimerMessage.given("addTimerCallback")
        look(period, 0.0, None)
        ((shown,),) = maya.MGlobal.given("displayInfo")
        self.assertIn(SIGNED_IN, shown)

    def test_batch_maya_has_no_timer(self):
        maya = self.maya(batch=True)
        self.run_hook("maya", "userSetup.py")
        self.assertEqual(maya.MTimerMessage.calls + maya.MGlobal.calls, [])

    def test_nuke(self):
        menu = Recorder()
        nuke = Recorder(menu=Recorder(addMenu=menu))
        self.host("nuke", **{name: getattr(nuke, name) for name in ("tprint", "addUpdateUI", "addOnScriptLoad", "addOnScriptSave", "menu", "message")})
        self.run_hook("nuke", "init.py")
        self.assertEqual(nuke.calls, [], "nothing of the interface before menu.py")
        self.run_hook("nuke", "menu.py")
        for event in ("addUpdateUI", "addOnScriptLoad", "addOnScriptSave"):
            ((look,),) = nuke.given(event)
            look()
        ((shown,),) = nuke.given("tprint")
        self.assertIn(SIGNED_IN, shown)
        ((_name, who),) = menu.given("addCommand")
        who()
        ((message,),) = nuke.given("message")
        self.assertIn(SIGNED_IN, message)

    def test_houdini(self):
        ui = Recorder()
        self.host("hou", ui=ui)
        self.run_hook("houdini", "python3.11libs", "pythonrc.py")
        self.assertEqual(ui.calls, [])
        self.run_hook("houdini", "python3.11libs", "uiready.py")
        ((look,),) = ui.given("addEventLoopCallback")
        started = time.monotonic()
        for _ in range(1000):
            look()
        self.assertLess(time.monotonic() - started, 5, "a thousand rounds of the event loop are one look")
        ((shown,),) = ui.given("setStatusMessage")
        self.assertIn(SIGNED_IN, shown)

    def test_blender(self):
        timers, header = Recorder(is_registered=True), Recorder()
        area = Recorder()
        window = types.SimpleNamespace(screen=types.SimpleNamespace(areas=[area]))
        self.host(
            "bpy",
            app=types.SimpleNamespace(timers=timers),
            types=types.SimpleNamespace(STATUSBAR_HT_header=header),
            context=types.SimpleNamespace(window_manager=types.SimpleNamespace(windows=[window])),
        )
        sys.path.insert(0, os.path.join(HOOKS, "blender"))
        try:
            import sg_session_status as addon
        finally:
            sys.path.pop(0)
        addon.register()
        ((tick,),) = timers.given("register")
        self.assertGreater(tick(), 0.5)
        self.assertEqual(len(area.given("tag_redraw")), 1)
        ((draw,),) = header.given("append")
        layout = Recorder()
        draw(types.SimpleNamespace(layout=layout), None)
        self.assertIn(SIGNED_IN, layout.calls[0][2]["text"])
        addon.unregister()
        self.assertEqual((len(timers.given("unregister")), header.given("remove")), (1, [(draw,)]))

    def test_a_host_that_does_not_find_the_client_starts_all_the_same(self):
        sys.path.remove(HOOKS)
        try:
            maya = self.maya()
            self.run_hook("maya", "userSetup.py")
            self.assertIn("sg_session_hook", maya.MGlobal.given("displayWarning")[0][0])
            nuke = self.host("nuke", tprint=lambda text: self.assertIn("sg_session_hook", text))
            self.run_hook("nuke", "menu.py")
            self.assertFalse(hasattr(nuke, "_line"))
        finally:
            sys.path.insert(0, HOOKS)

    def test_every_hook_was_tried(self):
        files = [os.path.relpath(path, HOOKS) for path in glob.glob(os.path.join(HOOKS, "**", "*.py"), recursive=True)]
        tried = ["maya/userSetup.py", "nuke/init.py", "nuke/menu.py", "blender/sg_session_status.py", "sg_session_hook.py"]
        tried += ["houdini/python3.11libs/pythonrc.py", "houdini/python3.11libs/uiready.py"]
        self.assertEqual(sorted(files), sorted(path.replace("/", os.sep) for path in tried))


class Line(Hooks):
    def line(self):
        from sg_session_hook import SessionLine

        shown = []
        line = SessionLine(shown.append)
        self.lines.append(line)
        return line, shown

    def test_it_says_when_the_agent_is_away_and_who_is_signed_in_when_it_is_back(self):
        folder = os.path.join(self.folder, "sg-session")
        os.mkdir(folder, 0o700)
        os.environ["SG_SESSION_ENDPOINT"] = os.path.join(folder, "endpoint.json")
        line, shown = self.line()
        line.look()
        self.assertEqual(shown, ["sg-session is not running"])
        shutil.copy(self.endpoint, os.environ["SG_SESSION_ENDPOINT"])
        until = time.monotonic() + 10
        while len(shown) == 1 and time.monotonic() < until:
            time.sleep(0.05)
            line.look()
        self.assertIn(SIGNED_IN, shown[1])

    def test_an_agent_that_does_not_answer_holds_the_host_up_for_half_a_second_and_then_not_for_long(self):
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen(5)
        folder = os.path.join(self.folder, "sg-session")
        os.mkdir(folder, 0o700)
        path = os.path.join(folder, "endpoint.json")
        with open(self.endpoint) as file:
            content = dict(json.load(file), port=listener.getsockname()[1])
        with open(path, "w") as file:
            json.dump(content, file)
        os.chmod(path, 0o600)
        os.environ["SG_SESSION_ENDPOINT"] = path
        line, shown = self.line()
        longest, all_looks = 0.0, time.monotonic()
        for _ in range(100):
            started = time.monotonic()
            line.look()
            longest = max(longest, time.monotonic() - started)
        listener.close()
        self.assertLess(longest, 3.0)
        self.assertLess(time.monotonic() - all_looks, 5.0, "it does not try again at once")
        self.assertEqual(shown, ["sg-session is not running"])


if __name__ == "__main__":
    unittest.main()
