"""Nuke: Toolkit's tokens from the agent, also without a user interface.

Put this folder at the end of NUKE_PATH: Nuke runs start-up scripts in the reverse order of that path, and Toolkit starts in one of
them. The folder above and ``sg_session`` go on PYTHONPATH.
"""

try:
    import sg_session
except ImportError as error:
    print("sg-session: %s" % error)
else:
    sg_session.sgtk.prepare()
