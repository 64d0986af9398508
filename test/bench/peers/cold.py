"""`python3 cold.py SPEC`: connects, asks once and hangs up; the agent and a bare echo in turns.

SPEC: JSON of {"echo": FILE, "rounds": …, "calls": … of each in a round}. Prints one JSON object: of "agent" and "echo" the times of all in µs.
"""

import json
import sys

import bare
import sg_session
from warm import time_in_turns


def main():
    spec = json.loads(sys.argv[1])
    with sg_session.Client("bench") as client:
        client.get_session()
        request_bytes, answer_bytes = bare.sizes_of(client)

    def echo():
        # Its address is read from a file each time, as the agent's is.
        with open(spec["echo"]) as file:
            place = json.load(file)
        connection = bare.BareEcho(place["port"], place["certificate"], answer_bytes)
        connection.ask(request_bytes)
        connection.close()

    asks = {"agent": sg_session.get_session, "echo": echo}
    print(json.dumps(time_in_turns(asks, spec["rounds"], spec["calls"])))


if __name__ == "__main__":
    main()
