"""Starting an installed agent, for tools that may be the first thing an artist opens."""

import atexit
import os
import subprocess
import sys
import time

from ._errors import AgentNotRunning, AgentTimeout, NotYourAgent, Unreachable, error_for

# agent_already_running, temporarily_unavailable: another tool's agent was faster, and answers soon.
_ANOTHER_STARTS = (34, 73)
# What a DCC sets for its own libraries must not reach another program's.
_OF_THE_HOST = ("LD_LIBRARY_PATH", "LD_PRELOAD", "DYLD_LIBRARY_PATH", "DYLD_INSERT_LIBRARIES", "SSL_CERT_FILE", "SSL_CERT_DIR")
_PREFIXES_OF_THE_HOST = ("PYTHON", "QT_", "ELECTRON_", "NODE_", "OPENSSL_")
# A studio may set this one for everybody.
_OF_THE_STUDIO = ("NODE_EXTRA_CA_CERTS",)

# What is found while the agent comes up: nothing, or what an earlier one or another user left behind.
_NOT_YET = (AgentNotRunning, NotYourAgent, AgentTimeout, Unreachable)

# Kept so that they are reaped and not reported as leaked; never waited for.
_started = []


@atexit.register
def _let_go():
    # The agent outlives its starter on purpose; Popen would warn of a child that still runs.
    for process in _started:
        if process.poll() is None:
            process.returncode = 0


def start_agent(connect, deadline):
    """Starts ``sg-session agent`` and calls ``connect`` until it succeeds. Raises AgentNotRunning when none is installed
    or it ends at once, AgentTimeout when it takes longer than the deadline."""
    executable = _installed()
    if executable is None:
        raise error_for("agent_not_running", "sg-session is not running, and no sg-session is installed on the PATH")
    try:
        process = subprocess.Popen(
            [executable, "agent"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=os.path.expanduser("~"),
            env=_environment(),
            **_detached()
        )
    except OSError as error:
        raise error_for("agent_not_running", '"%s" cannot be started: %s' % (executable, error.strerror)) from None
    _started[:] = [earlier for earlier in _started if earlier.poll() is None] + [process]
    while True:
        try:
            return connect()
        except _NOT_YET:
            status = process.poll()
            if status is not None and status not in _ANOTHER_STARTS:
                raise error_for("agent_not_running", "sg-session was started and ended with status %d" % status)
        deadline.left()
        time.sleep(0.05)


def _installed():
    # Not shutil.which: on Windows that looks into the current folder first, which may be a project anybody writes to.
    name = "sg-session.exe" if sys.platform == "win32" else "sg-session"
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        path = os.path.join(folder, name)
        if os.path.isabs(folder) and os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    return None


def _environment():
    return {
        name: value
        for name, value in os.environ.items()
        if name in _OF_THE_STUDIO or (name not in _OF_THE_HOST and not name.startswith(_PREFIXES_OF_THE_HOST))
    }


def _detached():
    if sys.platform == "win32":
        return {"creationflags": 0x00000008 | 0x00000200}  # DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP
    return {"start_new_session": True, "close_fds": True}
