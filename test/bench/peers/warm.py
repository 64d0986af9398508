"""`python3 warm.py SPEC`: asks the agent, a bare echo and ssh-agent in turns, each over one connection that stays open.

SPEC: JSON of {"echo": FILE, "ssh": PATH or null, "rounds": …, "calls": … of each in a round}. Prints one JSON object: of "agent", "echo" and
"ssh" the times of all calls in µs, and the bytes of the agent's messages.
"""

import json
import sys
import time

import bare
import sg_session


def main():
    spec = json.loads(sys.argv[1])
    with sg_session.Client("bench") as client:
        client.get_session()
        request_bytes, answer_bytes = bare.sizes_of(client)
        with open(spec["echo"]) as file:
            place = json.load(file)
        echo = bare.BareEcho(place["port"], place["certificate"], answer_bytes)
        asks = {"agent": client.get_session, "echo": lambda: echo.ask(request_bytes)}
        if spec["ssh"]:
            asks["ssh"] = bare.SshAgent(spec["ssh"]).ask
        taken = time_in_turns(asks, spec["rounds"], spec["calls"])
    print(json.dumps(dict(taken, bytes=[request_bytes, answer_bytes])))


def time_in_turns(asks, rounds, calls):
    """The times of all calls in µs, by name: some of each in a round, and one round before that warms up."""
    taken = {name: [] for name in asks}
    for round_number in range(-1, rounds):
        for name, ask in asks.items():
            times = time_calls(ask, calls)
            if round_number >= 0:
                taken[name] += times
    return taken


def time_calls(ask, calls):
    times = []
    clock = time.perf_counter
    for _ in range(calls):
        before = clock()
        ask()
        times.append(round((clock() - before) * 1e6, 2))
    return times


if __name__ == "__main__":
    main()
