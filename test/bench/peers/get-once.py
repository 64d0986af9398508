"""What a tool is that asks once: a whole process that gets the session and ends."""

import sg_session

sg_session.get_session()
