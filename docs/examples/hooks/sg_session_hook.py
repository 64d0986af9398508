"""What the four hooks beside this file share: one line that says who is signed in, kept up to date from the host's own loop.

Starts no thread. A look takes microseconds while the agent is there, and at most half a second while it is not; it never raises.
"""

import time

import sg_session

# Seconds between two looks; after a slow one twenty times as long as it took.
_EVERY = 2.0


class SessionLine(object):
    """``show`` is called with the line whenever it changes. Call ``look()`` from whatever the host calls often."""

    def __init__(self, show):
        self.text = ""
        self._show = show
        self._sites = {}
        self._next_look = 0.0
        self._watcher = sg_session.watch()

    def look(self, *_whatever_the_host_passes):
        if time.monotonic() < self._next_look:
            return
        started = time.monotonic()
        try:
            self._take(self._watcher.poll())
        except sg_session.SgSessionError as error:
            self._set("%s %s" % (error, error.advice))
        now = time.monotonic()
        self._next_look = now + max(_EVERY, (now - started) * 20)

    def close(self):
        self._watcher.close()

    def _take(self, changes):
        for change in changes:
            if change.state == "agent_not_running":
                self._sites.clear()
                self._set("sg-session is not running")
                return
            self._sites[change.site] = _sentence(change)
        if changes:
            self._set("; ".join(self._sites.values()))

    def _set(self, text):
        if text != self.text:
            self.text = text
            self._show(text)


def _sentence(change):
    if change.state == "signed_in":
        return "%s: signed in as %s" % (change.site, change.name)
    if change.state == "signing_in":
        return "%s: waiting for the sign-in" % change.site
    return "%s: signed out. Sign in from the sg-session tray" % change.site
