"""Asks for the session at the second given (seconds since the epoch) and prints its token."""

import sys
import time

import sg_session

time.sleep(max(0.0, float(sys.argv[1]) - time.time()))
print(sg_session.get_session(timeout=30).session_token)
