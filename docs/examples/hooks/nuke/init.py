"""Nuke: Toolkit's tokens from the agent, also without a user interface.

Put this folder on NUKE_PATH; the one above and ``sg_session`` on PYTHONPATH. Nuke reads every ``init.py`` before the first
``menu.py``, so before Toolkit starts.
"""

try:
    import sg_session
except ImportError as error:
    print("sg-session: %s" % error)
else:
    sg_session.sgtk.prepare()
