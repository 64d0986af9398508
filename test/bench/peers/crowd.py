"""`python3 crowd.py SPEC`: a process of clients that are connected all at once and ask one after the other, each on its own connection.

SPEC: JSON of {"target": "agent" or "ssh", "place": PATH of ssh-agent, "clients": …, "seconds": …}.
Says "connected N" when all that can be are, then waits for a line on standard input. Prints one JSON object: "times" of the calls in µs, how
many were "refused", and why the first was.
"""

import concurrent.futures
import json
import resource
import selectors
import sys
import time

import bare
import sg_session

# Of one process, which connect at the same time.
_AT_ONCE = 32


def main():
    spec = json.loads(sys.argv[1])
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with concurrent.futures.ThreadPoolExecutor(_AT_ONCE) as threads:
        tried = list(threads.map(lambda _: try_one(spec), range(spec["clients"])))
    connected = [one for one in tried if not isinstance(one, str)]
    whys = [one for one in tried if isinstance(one, str)]
    refused, why = len(whys), whys[0] if whys else None
    print("connected %d" % len(connected), flush=True)
    sys.stdin.readline()
    times = ask_all(connected, spec["seconds"])
    print(json.dumps({"connected": len(connected), "refused": refused, "why": why, "times": times}), flush=True)


def try_one(spec):
    """A client that has been served once, or why there is none."""
    try:
        return open_one(spec)
    except (sg_session.SgSessionError, OSError, RuntimeError) as error:
        return "%s: %s" % (getattr(error, "code", type(error).__name__), error)


def open_one(spec):
    if spec["target"] == "ssh":
        return RawSsh(spec["place"])
    return RawAgent()


class RawSsh(bare.SshAgent):
    def __init__(self, path):
        super().__init__(path)
        self.ask()
        self.socket = self._socket
        self._left = b""

    def send(self):
        self.socket.sendall(self._LIST)

    def take(self):
        """Whether the whole answer has come."""
        self._left += self.socket.recv(65536)
        if len(self._left) < 4 or len(self._left) < 4 + int.from_bytes(self._left[:4], "big"):
            return False
        if self._left[4] != self._LISTED:
            raise RuntimeError("ssh-agent did not list its identities")
        self._left = b""
        return True


class RawAgent(object):
    """The package's own client, whose request is sent and taken in two steps, so that one process can wait for thousands."""

    _ASK = b'{"jsonrpc":"2.0","id":1,"method":"session/get","params":{}}\n'

    def __init__(self):
        self._client = sg_session.Client("bench")
        self._client.get_session(timeout=60)
        self.socket = self._client._line._socket
        self._left = b""

    def send(self):
        self.socket.sendall(self._ASK)

    def take(self):
        self._left += self.socket.recv(65536)
        if not self._left.endswith(b"\n"):
            return False
        if b'"sessionToken"' not in self._left:
            raise RuntimeError("no session: %r" % self._left[:200])
        self._left = b""
        return True


def ask_all(clients, seconds):
    """Each asks again as soon as it is answered."""
    waiting = selectors.DefaultSelector()
    asked = {}
    clock = time.perf_counter
    for client in clients:
        client.socket.settimeout(60)
        waiting.register(client.socket, selectors.EVENT_READ, client)
    end = clock() + seconds
    times = []
    for client in clients:
        asked[client] = clock()
        client.send()
    open_calls = len(clients)
    while open_calls:
        ready = waiting.select(60)
        if not ready:
            raise RuntimeError("%d calls were not answered" % open_calls)
        for key, _ in ready:
            client = key.data
            if not client.take():
                continue
            now = clock()
            times.append(round((now - asked[client]) * 1e6, 1))
            if now < end:
                asked[client] = now
                client.send()
            else:
                open_calls -= 1
    return times


if __name__ == "__main__":
    main()
