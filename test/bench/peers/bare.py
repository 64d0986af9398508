"""The least that a Python client of each peer could do, and how large the agent's messages are."""

import socket
import ssl
import struct



def demand_pinned(secured, certificate):
    if secured.getpeercert(binary_form=True) != ssl.PEM_cert_to_DER_cert(certificate):
        raise RuntimeError("this is another server")


class BareEcho(object):
    """One connection to bare-echo.ts, pinned like the agent's; ``answer_bytes`` long are its answers."""

    def __init__(self, port, certificate, answer_bytes):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_verify_locations(cadata=certificate)
        raw = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        raw.settimeout(30)
        raw.connect(("127.0.0.1", port))
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = context.wrap_socket(raw)
        demand_pinned(self._socket, certificate)
        self._answer_bytes = answer_bytes
        self._first = ("%d" % answer_bytes).encode("ascii")

    def ask(self, request_bytes):
        """Sends one line of so many bytes and takes the answer."""
        self._socket.sendall(self._first.ljust(request_bytes - 1) + b"\n")
        missing = self._answer_bytes
        while missing > 0:
            chunk = self._socket.recv(65536)
            if not chunk:
                raise RuntimeError("the bare echo hung up")
            missing -= len(chunk)

    def close(self):
        self._socket.close()


class SshAgent(object):
    """One connection to ssh-agent's own socket."""

    _LIST = struct.pack(">IB", 1, 11)  # SSH_AGENTC_REQUEST_IDENTITIES
    _LISTED = 12  # SSH_AGENT_IDENTITIES_ANSWER

    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(30)
        self._socket.connect(path)

    def ask(self):
        """Asks for the identities; raises when it does not list them."""
        self._socket.sendall(self._LIST)
        answer = b""
        while len(answer) < 5 or len(answer) < 4 + struct.unpack(">I", answer[:4])[0]:
            chunk = self._socket.recv(65536)
            if not chunk:
                raise RuntimeError("ssh-agent hung up")
            answer += chunk
        if answer[4:5] != bytes([self._LISTED]):
            raise RuntimeError("ssh-agent did not list its identities")

    def close(self):
        self._socket.close()


class _Counting(object):
    def __init__(self, inner):
        self._inner = inner
        self.sent = self.received = 0

    def __getattr__(self, name):
        return getattr(self._inner, name)

    def sendall(self, data):
        self.sent += len(data)
        self._inner.sendall(data)

    def recv(self, size):
        data = self._inner.recv(size)
        self.received += len(data)
        return data


def sizes_of(client):
    """Bytes of the request and of the answer of one ``session/get``; ``client``: a connected ``sg_session.Client``."""
    line = client._line
    real = line._socket
    line._socket = counting = _Counting(real)
    client.get_session()
    line._socket = real
    return counting.sent, counting.received
