"""The examples of docs/examples with stand-ins for their programs, and a real agent, site and broker. test/e2e/examples.test.ts sets the stage."""

import ast
import contextlib
import glob
import importlib
import io
import json
import os
import py_compile
import shutil
import sys
import tempfile
import threading
import time
import unittest
import xml.etree.ElementTree

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import clients  # noqa: E402
import hosts  # noqa: E402

sys.path.insert(0, clients.find("shotgun_api3")[0])

import sg_session  # noqa: E402
import shotgun_api3  # noqa: E402
from sg_session import _endpoint  # noqa: E402

EXAMPLES = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "docs", "examples"))
ARTIST = "Plain Artist"
FIRST_TASK = "Amber Coast / sq10_sh010 / Animation"
ADVICE = "Start sg-session."
SCRIPT, SCRIPT_KEY = "nightly-report", "script-key-without-sudo"

TRIED = """blender/sg_session_tasks.py farm/finish_render.py farm/submit_render.py houdini/python3.11libs/sg_shot_range.py maya/sg_open_tasks.py
maya/userSetup.py nuke/menu.py nuke/sg_publish_note.py sg_site_work.py""".split()


def python_files():
    found = [os.path.relpath(path, EXAMPLES) for path in glob.glob(os.path.join(EXAMPLES, "**", "*.py"), recursive=True)]
    return sorted(path.replace(os.sep, "/") for path in found)


class Files(unittest.TestCase):
    def test_every_example_is_tried_here_or_with_the_hooks(self):
        self.assertEqual([path for path in python_files() if not path.startswith("hooks/")], TRIED)

    def test_they_compile_and_need_no_newer_python_than_3_7(self):
        with tempfile.TemporaryDirectory() as folder:
            for path in python_files():
                whole = os.path.join(EXAMPLES, *path.split("/"))
                py_compile.compile(whole, cfile=os.path.join(folder, "compiled"), doraise=True)
                with open(whole, encoding="utf-8") as file:
                    if sys.version_info >= (3, 8):
                        ast.parse(file.read(), path, feature_version=(3, 7))

    def test_none_asks_for_a_sign_in_from_the_thread_that_draws(self):
        for path in python_files():
            with open(os.path.join(EXAMPLES, *path.split("/")), encoding="utf-8") as file:
                called = [node for node in ast.walk(ast.parse(file.read())) if isinstance(node, ast.keyword)]
            self.assertNotIn("interactive", [keyword.arg for keyword in called], path)


class Case(unittest.TestCase):
    def setUp(self):
        self.modules, self.path = set(sys.modules), list(sys.path)
        self.folder = tempfile.mkdtemp()
        self.endpoint = next(path for path in _endpoint.candidates() if _endpoint.read(path))
        self.threads = threading.active_count()
        self.calls = []
        self.token = sg_session.get_session().session_token
        sys.path[:0] = [EXAMPLES] + [os.path.join(EXAMPLES, part) for part in ("maya", "nuke", "houdini/python3.11libs", "blender", "farm")]

    def tearDown(self):
        sys.path[:] = self.path
        os.environ.pop("SG_SESSION_ENDPOINT", None)
        mine = ("maya", "nuke", "nukescripts", "hou", "bpy", "menu", "userSetup")
        for name in set(sys.modules) - self.modules:
            if name in mine or name.startswith("sg_") and not name.startswith("sg_session.") or name in ("submit_render", "finish_render"):
                del sys.modules[name]
        for _ in range(500):
            if threading.active_count() == self.threads:
                break
            time.sleep(0.01)
        self.assertEqual(threading.active_count(), self.threads, "no thread is left behind")
        self.assertNotIn(self.token, repr(self.calls), "no program is given the token")
        shutil.rmtree(self.folder)

    def record(self, host):
        self.calls.append(host.calls)
        return host

    def no_agent(self):
        """As if none ran."""
        folder = os.path.join(self.folder, "sg-session")
        os.mkdir(folder, 0o700)
        os.environ["SG_SESSION_ENDPOINT"] = os.path.join(folder, "endpoint.json")

    def read(self, kind, number, fields):
        os.environ.pop("SG_SESSION_ENDPOINT", None)
        with contextlib.closing(sg_session.shotgun()) as sg:
            return sg.find_one(kind, [["id", "is", number]], fields)


class Maya(Case):
    def open(self):
        maya = self.record(hosts.maya())
        importlib.import_module("userSetup")
        maya.loop.run_until(lambda: maya.cmds.given("shelfButton") or maya.cmds.named("shelfButton"))
        (button,) = maya.cmds.named("shelfButton")
        self.assertEqual((button["parent"], button["sourceType"]), ("sgSession", "python"))
        exec(button["command"], {})
        return maya

    def lines(self, maya):
        return [named["label"] for named in maya.cmds.named("text") if named.get("edit")]

    def test_the_shelf_s_button_opens_a_window_with_the_artist_s_tasks(self):
        maya = self.open()
        self.assertEqual(self.lines(maya), ["Asking ShotGrid …"], "Maya goes on before there is an answer")
        maya.loop.run_until(lambda: self.lines(maya)[-1] == "12 open tasks")
        (shown,) = [named["append"] for named in maya.cmds.named("textScrollList") if "append" in named]
        self.assertIn(FIRST_TASK, shown)

    def test_a_second_click_asks_once(self):
        maya = self.open()
        import sg_open_tasks

        sg_open_tasks.ask(True)
        self.assertEqual(self.lines(maya), ["Asking ShotGrid …"])
        maya.loop.run_until(lambda: len(self.lines(maya)) == 2)

    def test_a_window_that_was_closed_meanwhile_stays_closed(self):
        maya = self.open()
        maya.cmds.deleteUI("sgOpenTasks")
        import sg_open_tasks

        done = []
        taken = sg_open_tasks._take
        sg_open_tasks._take = lambda answer: done.append(taken(answer))
        maya.loop.run_until(lambda: done)
        self.assertEqual(self.lines(maya), ["Asking ShotGrid …"])

    def test_without_an_agent_the_window_says_what_to_do(self):
        self.no_agent()
        maya = self.open()
        maya.loop.run_until(lambda: maya.cmds.given("warning"))
        self.assertTrue(self.lines(maya)[-1].startswith(ADVICE))

    def test_batch_maya_has_no_shelf(self):
        maya = self.record(hosts.maya(batch=True))
        importlib.import_module("userSetup")
        self.assertEqual([name for name, _args, _named in maya.cmds.calls], ["about"])


class Nuke(Case):
    def open(self, **artist):
        nuke = self.record(hosts.nuke(**artist))
        importlib.import_module("menu")
        ((name, begin),) = nuke.menu.given("addCommand")
        self.assertEqual(name, "Publish note…")
        begin()
        return nuke

    def test_the_menu_publishes_a_note_in_the_artist_s_name(self):
        nuke = self.open(script="/shows/sq10_sh010_comp_v003.nk", note="Edge flickers at 1012.")
        self.assertEqual(nuke.panel.calls, [], "Nuke goes on before there is an answer")
        nuke.loop.run_until(lambda: nuke.parts.given("message"))
        ((said,),) = nuke.parts.given("message")
        note = self.read("Note", int(said.split()[1]), ["content", "subject", "created_by", "note_links", "tasks"])
        self.assertEqual((note["created_by"]["name"], note["subject"]), (ARTIST, FIRST_TASK))
        self.assertEqual(note["content"], "Edge flickers at 1012.\n\nNuke script: sq10_sh010_comp_v003.nk")
        self.assertEqual([link["name"] for link in note["note_links"] + note["tasks"]], ["sq10_sh010", "Animation"])

    def test_who_closes_the_panel_publishes_nothing(self):
        nuke = self.open(note=None)
        nuke.loop.run_until(lambda: nuke.panel.given("showModalDialog"))
        self.assertEqual(nuke.parts.given("message"), [])

    def test_without_an_agent_a_message_says_what_to_do(self):
        self.no_agent()
        nuke = self.open()
        nuke.loop.run_until(lambda: nuke.parts.given("message"))
        self.assertTrue(nuke.parts.given("message")[0][0].startswith(ADVICE))


class Houdini(Case):
    def open(self, **artist):
        houdini = self.record(hosts.houdini(**artist))
        shelf = xml.etree.ElementTree.parse(os.path.join(EXAMPLES, "houdini", "toolbar", "sg_session.shelf"))
        tools = {tool.get("name"): tool for tool in shelf.getroot().findall("tool")}
        (member,) = shelf.getroot().findall("toolshelf/memberTool")
        script = tools[member.get("name")].find("script")
        self.assertEqual(script.get("scriptType"), "python")
        exec(script.text, {})
        return houdini

    def test_the_shelf_s_tool_sets_the_frame_range_of_a_shot(self):
        houdini = self.open(chosen=(1,))
        self.assertEqual(houdini.playbar.calls, [], "Houdini goes on before there is an answer")
        houdini.loop.run_until(lambda: houdini.playbar.given("setPlaybackRange"))
        ((offered,),) = houdini.ui.given("selectFromList")
        self.assertEqual(offered[1], "Amber Coast / sq10_sh020: 1001–1048")
        self.assertEqual(houdini.playbar.given("setFrameRange"), [(1001, 1048)])
        self.assertEqual(houdini.loop.every_round, [], "and its loop is left alone again")

    def test_who_chooses_nothing_keeps_the_range(self):
        houdini = self.open(chosen=())
        houdini.loop.run_until(lambda: houdini.ui.given("selectFromList"))
        self.assertEqual(houdini.playbar.calls, [])

    def test_without_an_agent_a_message_says_what_to_do(self):
        self.no_agent()
        houdini = self.open()
        houdini.loop.run_until(lambda: houdini.ui.given("displayMessage"))
        self.assertTrue(houdini.ui.given("displayMessage")[0][0].startswith(ADVICE))


class Blender(Case):
    def open(self):
        blender = self.record(hosts.blender())
        addon = importlib.import_module("sg_session_tasks")
        addon.register()
        ((tick,),) = blender.timers.given("register")
        return blender, addon, tick

    def drawn(self, addon):
        panel = addon.SGSESSION_PT_tasks()
        panel.layout = hosts.Recorder()
        panel.draw(None)
        return [named["text"] for named in panel.layout.named("label")]

    def test_the_panel_says_who_is_signed_in_and_shows_their_tasks(self):
        blender, addon, tick = self.open()
        for _ in range(2000):
            self.assertGreaterEqual(tick(), 0.5)
            if len(self.drawn(addon)) > 2:
                break
            time.sleep(0.01)
        drawn = self.drawn(addon)
        self.assertEqual((drawn[0], drawn[-1]), ("Signed in as " + ARTIST, "12 open tasks"))
        self.assertIn(FIRST_TASK, drawn)
        self.assertTrue(blender.area.given("tag_redraw"))
        self.assertEqual(addon.SGSESSION_OT_refresh_tasks().execute(None), {"FINISHED"})
        addon.unregister()
        self.assertEqual(len(blender.timers.given("unregister")), 1)
        self.assertEqual(blender.utils.given("unregister_class"), blender.utils.given("register_class")[::-1])

    def test_without_an_agent_the_panel_says_what_to_do(self):
        self.no_agent()
        _blender, addon, tick = self.open()
        tick()
        self.assertEqual(self.drawn(addon)[0], "sg-session is not running. Start it.")
        addon.unregister()


class Farm(Case):
    def run_program(self, name, *arguments):
        """What it says, and what it ends with: as ``sys.exit`` takes it."""
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            ended = importlib.import_module(name).main(list(arguments))
        self.calls.append((said.getvalue(), ended))
        return said.getvalue().strip(), ended

    def submit(self, shot="sq10_sh010", project="Amber Coast", queue=None):
        where = ["--project", project, "--shot", shot, "--frames", "1001-1024", "--queue", queue or self.folder]
        return self.run_program("submit_render", "scenes/shot.ma", *where)

    def finish(self, job, site=None, mode=0o600):
        key = os.path.join(self.folder, "script.key")
        with open(key, "w") as file:
            file.write(SCRIPT_KEY + "\n")
        os.chmod(key, mode)
        place = ["--site", site or sg_session.status()[0].site, "--script", SCRIPT, "--key-file", key]
        return self.run_program("finish_render", job, *place)

    def test_a_job_is_the_artist_s_on_the_site_and_has_nothing_secret_in_it(self):
        os.environ.update({"OCIO": "/studio/config.ocio", "STUDIO_SECRET": "canary", "SG_SESSION_ENDPOINT": self.endpoint})
        try:
            said, ended = self.submit()
        finally:
            del os.environ["OCIO"], os.environ["STUDIO_SECRET"]
        self.assertEqual(ended, 0)
        path = said[len("job ") :]
        self.assertEqual(os.listdir(self.folder), [os.path.basename(path)], "and nothing half-written")
        with open(path) as file:
            text = file.read()
        for secret in (self.token, "canary", self.endpoint):
            self.assertNotIn(secret, text)
        job = json.loads(text)
        self.assertEqual(job["environment"], {"OCIO": "/studio/config.ocio"})
        self.assertEqual(set(job), {"site", "version", "scene", "frames", "environment"})
        version = self.read("Version", job["version"], ["created_by", "user", "entity", "sg_first_frame"])
        self.assertEqual([version[name]["name"] for name in ("created_by", "user", "entity")], [ARTIST, ARTIST, "sq10_sh010"])

        said, ended = self.finish(path)
        self.assertEqual((said, ended), ("version %d is rendered" % job["version"], 0))
        version = self.read("Version", job["version"], ["created_by", "updated_by", "description"])
        self.assertEqual(version["description"], "Rendered, frames 1001-1024")
        self.assertEqual((version["created_by"]["name"], version["updated_by"]["type"]), (ARTIST, "ApiUser"))

    def test_what_cannot_be_submitted_is_said_and_leaves_no_job(self):
        self.assertIn('no shot "nowhere"', self.submit(shot="nowhere")[1])
        self.assertIn("not a folder you can write to", self.submit(queue=os.path.join(self.folder, "none"))[1])
        self.no_agent()
        self.assertTrue(self.submit()[1].startswith(ADVICE))
        self.assertEqual([name for name in os.listdir(self.folder) if name.endswith(".json")], [])

    @unittest.skipUnless(os.name == "posix", "modes are a matter of POSIX")
    def test_the_farm_refuses_a_key_that_others_can_read(self):
        job = self.submit()[0][len("job ") :]
        self.assertIn("can be read by others", self.finish(job, mode=0o644)[1])

    def test_the_farm_sends_its_key_to_no_site_that_a_job_names(self):
        job = self.submit()[0][len("job ") :]
        self.assertIn("is no job for the site", self.finish(job, site="https://another.example")[1])

    def test_the_farm_takes_no_job_of_another_form(self):
        site = sg_session.status()[0].site
        for number, content in enumerate(([], {"site": site, "version": "1", "frames": [1, 2]}, {"site": site, "version": 1, "frames": [1]})):
            path = os.path.join(self.folder, "%d.json" % number)
            with open(path, "w") as file:
                json.dump(content, file)
            self.assertIsInstance(self.finish(path)[1], str)


class Explaining(Case):
    def test_a_refusal_of_the_site_says_the_agent_s_reason(self):
        import sg_site_work

        fault = shotgun_api3.AuthenticationFault("the session has ended")
        fault.__cause__ = sg_session.LoginRequired("login_required", "nobody is signed in", "Sign in from the tray.")
        self.assertEqual(sg_site_work.explain(fault), "Sign in from the tray. (nobody is signed in)")
        self.assertIn("TimeoutError", sg_site_work.explain(TimeoutError()))


if __name__ == "__main__":
    unittest.main()
