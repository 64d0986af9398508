"""From the places where an agent may have announced itself to a connection to it."""

from . import _endpoint
from ._errors import AgentNotRunning, AgentTimeout, NotYourAgent, Unreachable, error_for
from ._line import Line
from ._start import start_agent as _start_agent


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
    # What lies in one place, stale, foreign or silent, must not hide the agent announced in the next.
    found = None
    endpoints = []
    for path in _endpoint.candidates():
        try:
            endpoint = _endpoint.read(path)
        except NotYourAgent as error:
            found = found or error
        else:
            if endpoint is not None:
                endpoints.append(endpoint)
    for index, endpoint in enumerate(endpoints):
        try:
            return Line(endpoint, name, deadline.share(len(endpoints) - index))
        except (AgentNotRunning, AgentTimeout, NotYourAgent, Unreachable) as error:
            found = found or error
    raise found or error_for("agent_not_running", "sg-session is not running")
