"""Houdini and hython: Toolkit's tokens from the agent.

Put the folder ``houdini`` on HOUDINI_PATH (and keep the ``&``); the one above it and ``sg_session`` on PYTHONPATH. Houdini runs this
file from the folder that is named after its Python: call it ``python3.10libs`` for one with Python 3.10.
"""

try:
    import sg_session
except ImportError as error:
    print("sg-session: %s" % error)
else:
    sg_session.sgtk.prepare()
