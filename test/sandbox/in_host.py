"""Plays one of the examples of docs/examples with a stand-in for its program: ``in_host.py maya``. Prints one JSON object: how long the
first session took, and what the artist would see."""

import json
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
EXAMPLES = os.path.join(HERE, "..", "..", "docs", "examples")
sys.path[:0] = [os.path.join(HERE, "..", "python"), EXAMPLES]

import clients  # noqa: E402
import hosts  # noqa: E402

sys.path.insert(0, clients.find_real("shotgun_api3")[0] or clients.STAND_INS)

import sg_session  # noqa: E402


def maya():
    host = hosts.maya()
    import sg_open_tasks

    sg_open_tasks.show()
    host.loop.run_until(lambda: len(host.cmds.named("text")) > 2)
    return host.cmds.named("text")[-1]["label"]


def nuke():
    host = hosts.nuke(script="sq10_sh010_comp_v003.nk")
    import sg_publish_note

    sg_publish_note.begin()
    host.loop.run_until(lambda: host.parts.given("message"))
    return host.parts.given("message")[0][0]


def houdini():
    host = hosts.houdini()
    import sg_shot_range

    sg_shot_range.begin()
    host.loop.run_until(lambda: host.playbar.given("setFrameRange") or host.ui.given("displayMessage"))
    return (host.ui.given("displayMessage") or host.ui.given("setStatusMessage"))[-1][0]


def main(name):
    sys.path.insert(0, os.path.join(EXAMPLES, name, "python3.11libs" if name == "houdini" else ""))
    started = time.perf_counter()
    try:
        sg_session.get_session()
    except sg_session.SgSessionError as error:
        print(json.dumps({"error": {"code": error.code, "message": str(error), "advice": error.advice}}))
        sys.exit(1)
    took_ms = (time.perf_counter() - started) * 1000
    print(json.dumps({"get_session_ms": round(took_ms, 1), "said": {"maya": maya, "nuke": nuke, "houdini": houdini}[name]()}))


if __name__ == "__main__":
    main(sys.argv[1])
