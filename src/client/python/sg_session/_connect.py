"""From the places where an agent may have announced itself to a connection to it."""

from . import _endpoint
from ._errors import AgentNotRunning, AgentTimeout, NotYourAgent, Unreachable, error_for
from ._line import Line
from ._start import start_agent as _start_agent

_MOST_ROUNDS = 3


def connect(name, start_agent, deadline):
    """A connection to the user's agent. ``start_agent`` starts an installed one if none runs. Raises AgentNotRunning,
    NotYourAgent, AgentTimeout, Unreachable or UnsupportedVersion."""
    try:
        return _find(name, deadline)
    except (AgentNotRunning, NotYourAgent, Unreachable):
        if not start_agent:
            raise
    return _start_agent(lambda: _find(name, deadline), deadline)


def _find(name, deadline):
    found = None
    tried = []
    # Again where another agent is announced by now: one that was just replaced has closed its doors.
    for _round in range(_MOST_ROUNDS):
        endpoints, refused = _announced()
        endpoints = [endpoint for endpoint in endpoints if not any(endpoint.key == one.key for one in tried)]
        found = found or refused
        for index, endpoint in enumerate(endpoints):
            tried.append(endpoint)
            try:
                return Line(endpoint, name, deadline.share(len(endpoints) - index))
            except (AgentNotRunning, AgentTimeout, NotYourAgent, Unreachable) as error:
                found = found or error
        if not endpoints:
            break
    raise found or error_for("agent_not_running", "sg-session is not running")


def _announced():
    # What lies in one place, stale, foreign or silent, must not hide the agent announced in the next.
    endpoints = []
    refused = None
    for path in _endpoint.candidates():
        try:
            endpoint = _endpoint.read(path)
        except NotYourAgent as error:
            refused = refused or error
        else:
            if endpoint is not None:
                endpoints.append(endpoint)
    return endpoints, refused
