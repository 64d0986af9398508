"""The farm's side: says on the site that a job is rendered, as the farm's own script user.

    python finish_render.py /farm/queue/render-6001.json --site https://studio.shotgrid.autodesk.com --script farm --key-file /etc/farm/shotgrid.key

A script user of its own, with a permission group that may change Versions and no more, whose key only the farm's account can read. Not the
broker's: that one can become anybody. The site is the farm's to name, not the job's: a job could name a site that collects keys.
"""

import argparse
import contextlib
import json
import os
import stat
import sys

import shotgun_api3

_SITE_LIMIT = 60.0


def main(arguments=None):
    options = read_arguments(arguments)
    try:
        job = read_job(options.job, options.site)
        sg = shotgun_api3.Shotgun(options.site, script_name=options.script, api_key=read_key(options.key_file), connect=False)
        sg.config.timeout_secs = _SITE_LIMIT
        with contextlib.closing(sg):
            sg.update("Version", job["version"], {"description": "Rendered, frames %d-%d" % tuple(job["frames"])})
    except (OSError, ValueError, shotgun_api3.ShotgunError) as error:
        return str(error)
    print("version %d is rendered" % job["version"])
    return 0


def read_job(path, site):
    with open(path) as file:
        job = json.load(file)
    if not isinstance(job, dict) or job.get("site") != site.rstrip("/"):
        raise ValueError('"%s" is no job for the site "%s"' % (path, site))
    frames = job.get("frames")
    if type(job.get("version")) is not int or not isinstance(frames, list) or [type(one) for one in frames] != [int, int]:
        raise ValueError('"%s" names no version and frames' % path)
    return job


def read_key(path):
    with open(path) as file:
        # Of the file that is open, and not of one that has taken its place.
        if os.name == "posix" and stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
            raise ValueError('"%s" can be read by others: chmod 600' % path)
        return file.read().strip()


def read_arguments(arguments):
    parser = argparse.ArgumentParser(description="Says on ShotGrid that a job of the farm is rendered.")
    parser.add_argument("job")
    parser.add_argument("--site", required=True, metavar="URL")
    parser.add_argument("--script", required=True, metavar="NAME")
    parser.add_argument("--key-file", required=True, metavar="FILE")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
