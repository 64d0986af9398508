"""Submits a render: a Version on the site in the artist's own name, and a job for the farm in which there is nothing secret.

    python submit_render.py shot.ma --project "Amber Coast" --shot sq10_sh010 --frames 1001-1024 --queue /farm/queue

The artist's session ends here, on the artist's machine. A farm machine has no agent, and nothing makes a session for it: what it says to
the site it says as a script user of its own (finish_render.py).
"""

import argparse
import contextlib
import json
import os
import re
import sys
import uuid

import sg_session

# Of the artist's environment the job gets these and no others: what else is in it is nobody's business on the farm.
_PASSED_ON = ("OCIO", "MAYA_LOCATION", "HOUDINI_VERSION", "PIPELINE_CONFIG")
_AGENT_LIMIT = 10.0
_SITE_LIMIT = 60.0


def main(arguments=None):
    options = read_arguments(arguments)
    try:
        print("job %s" % submit(options))
    except sg_session.SgSessionError as error:
        return "%s (%s)" % (error.advice, error)
    except (OSError, ValueError) as error:
        return str(error)
    except Exception as error:
        reason = error.__cause__
        return reason.advice if isinstance(reason, sg_session.SgSessionError) else "ShotGrid said no: %s" % error
    return 0


def submit(options):
    """The job's file. The Version is made first: a job without one could not be reported on."""
    if not os.access(options.queue, os.W_OK):
        raise ValueError('the queue "%s" is not a folder you can write to' % options.queue)
    session = sg_session.get_session(timeout=_AGENT_LIMIT)
    with contextlib.closing(sg_session.shotgun(connect=False, timeout=_AGENT_LIMIT)) as sg:
        sg.config.timeout_secs = _SITE_LIMIT
        version = make_version(sg, session, options)
    job = {
        "site": session.site,
        "version": version["id"],
        "scene": os.path.abspath(options.scene),
        "frames": list(options.frames),
        "environment": {name: os.environ[name] for name in _PASSED_ON if name in os.environ},
    }
    try:
        return write_job(options.queue, job)
    except OSError as error:
        raise ValueError("version %d is on ShotGrid, but its job could not be written: %s" % (job["version"], error))


def make_version(sg, session, options):
    shot = sg.find_one("Shot", [["code", "is", options.shot], ["project.Project.name", "is", options.project]], ["code", "project"])
    if shot is None:
        raise ValueError('there is no shot "%s" in "%s" that you may see' % (options.shot, options.project))
    return sg.create(
        "Version",
        {
            "project": shot["project"],
            "entity": {"type": "Shot", "id": shot["id"]},
            "code": "%s_%s" % (shot["code"], uuid.uuid4().hex[:8]),
            "description": "Submitted to the farm, frames %d-%d" % options.frames,
            "user": {"type": "HumanUser", "id": session.user_id},
            "sg_first_frame": options.frames[0],
            "sg_last_frame": options.frames[1],
        },
    )


def write_job(queue, job):
    """Under its name only when it is whole: a farm that looks meanwhile sees all of it or nothing."""
    name = os.path.join(queue, "render-%d.json" % job["version"])
    with open(name + ".new", "x") as file:
        json.dump(job, file, indent=2)
    os.replace(name + ".new", name)
    return name


def read_arguments(arguments):
    parser = argparse.ArgumentParser(description="Submits a render to the farm, in your own name on ShotGrid.")
    parser.add_argument("scene")
    parser.add_argument("--project", required=True)
    parser.add_argument("--shot", required=True)
    parser.add_argument("--frames", required=True, type=read_frames, metavar="FIRST-LAST")
    parser.add_argument("--queue", required=True, metavar="FOLDER")
    return parser.parse_args(arguments)


def read_frames(text):
    found = re.match(r"^(\d{1,7})-(\d{1,7})$", text)
    if not found or int(found.group(1)) > int(found.group(2)):
        raise argparse.ArgumentTypeError('"%s" is not FIRST-LAST' % text)
    return int(found.group(1)), int(found.group(2))


if __name__ == "__main__":
    sys.exit(main())
