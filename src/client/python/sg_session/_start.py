"""Starting an installed agent, for tools that may be the first thing an artist opens."""

import os
import shutil
import subprocess
import sys
import time

from ._errors import AgentNotRunning, error_for

# agent_already_running, temporarily_unavailable: another tool's agent was faster, and answers soon.
_ANOTHER_STARTS = (34, 73)
# What a DCC sets for its own libraries must not reach another program's.
_OF_THE_HOST = ("LD_LIBRARY_PATH", "LD_PRELOAD", "DYLD_LIBRARY_PATH", "DYLD_INSERT_LIBRARIES", "NODE_OPTIONS")
_PREFIXES_OF_THE_HOST = ("PYTHON", "QT_", "ELECTRON_")

# Kept so that they are reaped and not reported as leaked; never waited for.
_started = []


def start_agent(connect, deadline):
    """Starts ``sg-session agent`` and calls ``connect`` until it succeeds. Raises AgentNotRunning when none is installed
    or it ends at once, AgentTimeout when it takes longer than the deadline."""
    executable = shutil.which("sg-session")
    if executable is None:
        raise error_for("agent_not_running", "sg-session is not running, and no sg-session is installed on the PATH")
    process = subprocess.Popen(
        [executable, "agent"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=os.path.expanduser("~"),
        env=_environment(),
        **_detached()
    )
    _started[:] = [earlier for earlier in _started if earlier.poll() is None] + [process]
    while True:
        try:
            return connect()
        except AgentNotRunning:
            status = process.poll()
            if status is not None and status not in _ANOTHER_STARTS:
                raise error_for("agent_not_running", "sg-session was started and ended with status %d" % status)
        deadline.left()
        time.sleep(0.05)


def _environment():
    return {
        name: value
        for name, value in os.environ.items()
        if name not in _OF_THE_HOST and not name.startswith(_PREFIXES_OF_THE_HOST)
    }


def _detached():
    if sys.platform == "win32":
        return {"creationflags": 0x00000008 | 0x00000200}  # DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP
    return {"start_new_session": True, "close_fds": True}
