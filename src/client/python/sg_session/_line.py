"""One connection to the agent: TLS pinned to the endpoint file's certificate, JSON-RPC a line. docs/PROTOCOL.md"""

import errno
import json
import os
import socket
import ssl
import time

from ._errors import SgSessionError, error_for
from ._json_text import loads
from ._version import __version__

PROTOCOL = 1
_LONGEST_MESSAGE = 64 * 1024
# json.dumps would make one for every message.
_ENCODER = json.JSONEncoder(separators=(",", ":"))


class Deadline(object):
    """A moment on the monotonic clock by which a call has ended."""

    def __init__(self, seconds):
        self._seconds = seconds
        self._at = time.monotonic() + seconds

    def share(self, parts):
        """A deadline of its own for the first of so many equal parts of what is left."""
        return Deadline(self.left() / parts)

    def left(self):
        """Seconds left; raises AgentTimeout when there are none."""
        left = self._at - time.monotonic()
        if left <= 0:
            raise error_for("agent_timeout", "sg-session did not answer within %g s" % self._seconds)
        return left


class Line(object):
    """Connects, proves the agent, shows the key. The key leaves only after the certificate was found to be the pinned one."""

    def __init__(self, endpoint, client_name, deadline):
        self.pid = os.getpid()
        self._buffer = b""
        self._last_id = 0
        self._notifications = []
        self._socket = _connect(endpoint, deadline)
        client = {"name": client_name, "version": __version__, "pid": self.pid}
        failure = None
        try:
            self.request("hello", {"protocol": PROTOCOL, "key": endpoint.key, "client": client}, deadline)
        except _Closed:
            failure = error_for("not_your_agent", "sg-session did not accept the key of the endpoint file")
        except SgSessionError as error:
            failure = error
        except BaseException:
            self.close()
            raise
        if failure is not None:
            self.close()
            # Error reporters keep the locals of every frame of a traceback; in those of hello stands the key.
            failure.__context__ = failure.__cause__ = None
            raise failure.with_traceback(None)

    def request(self, method, params, deadline):
        """The result of one method. Raises the agent's error, AgentTimeout, or a ``_Closed`` when the connection is gone."""
        self._last_id += 1
        message = {"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": params}
        self._send(_ENCODER.encode(message).encode("utf-8") + b"\n", deadline)
        while True:
            reply = self._receive(deadline)
            if "method" in reply:
                self._notifications.append(reply)
            # No id: the agent could not read the request, and ours is the only one there is.
            elif reply.get("id") in (self._last_id, None):
                return _result(reply)

    def notifications(self, deadline):
        """Those that have come; waits for the first until ``deadline`` (None: does not wait)."""
        while not self._notifications:
            if deadline is None:
                reply = self._receive_now()
                if reply is None:
                    break
            else:
                reply = self._receive(deadline)
            if "method" in reply:
                self._notifications.append(reply)
        taken, self._notifications = self._notifications, []
        return taken

    def close(self):
        """Closes our descriptor only: after a fork the other process goes on with its own."""
        self._socket.close()

    def hang_up(self):
        """Ends the connection under a call that another thread waits for; that call raises."""
        try:
            # Not SSLSocket's own, which takes the encryption away from under the other thread.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
        except OSError:
            pass

    def _send(self, frame, deadline):
        if len(frame) > _LONGEST_MESSAGE:
            raise error_for("invalid_request", "the request is too long")
        try:
            self._socket.settimeout(deadline.left())
            self._socket.sendall(frame)
        except socket.timeout:
            deadline.left()
            raise error_for("agent_timeout", "sg-session does not read")
        except OSError as error:
            raise _Closed(error)

    def _receive(self, deadline):
        while b"\n" not in self._buffer:
            try:
                self._socket.settimeout(deadline.left())
                self._take(self._socket.recv(65536))
            except socket.timeout:
                continue
            except OSError as error:
                raise _Closed(error)
        return self._next()

    def _receive_now(self):
        self._socket.settimeout(0)
        while b"\n" not in self._buffer:
            try:
                self._take(self._socket.recv(65536))
            except (ssl.SSLWantReadError, BlockingIOError):
                return None
            except OSError as error:
                raise _Closed(error)
        return self._next()

    def _take(self, chunk):
        if not chunk:
            raise _Closed(None)
        self._buffer += chunk
        if len(self._buffer) > _LONGEST_MESSAGE and b"\n" not in self._buffer[:_LONGEST_MESSAGE]:
            raise error_for("unsupported_version", "sg-session sent a message that is too long")

    def _next(self):
        line, _, self._buffer = self._buffer.partition(b"\n")
        try:
            reply = loads(line.decode("utf-8"))
        except ValueError:
            reply = None
        if not isinstance(reply, dict) or reply.get("jsonrpc") != "2.0":
            raise error_for("unsupported_version", "sg-session said something that is not of the protocol")
        return reply


class _Closed(Exception):
    """The connection is gone; whoever holds it decides whether to try once more."""


Closed = _Closed


def _result(reply):
    error = reply.get("error")
    if error is None:
        return reply.get("result")
    data = error.get("data") if isinstance(error, dict) else None
    if not isinstance(data, dict):
        raise error_for("internal_error", "sg-session answered with an error of an unknown form")
    code, advice = data.get("code"), data.get("advice")
    raise error_for(
        code if isinstance(code, str) else "internal_error",
        str(error.get("message")),
        advice if isinstance(advice, str) else None,
    )


def _pinning(endpoint):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # The certificate itself is the identity; it names no host.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_verify_locations(cadata=endpoint.certificate)
    except ssl.SSLError:
        raise error_for("not_your_agent", "the certificate of the endpoint file is none") from None
    return context


def _connect(endpoint, deadline):
    context = _pinning(endpoint)
    raw = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        raw.settimeout(deadline.left())
        raw.connect(("127.0.0.1", endpoint.port))
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        raw.settimeout(deadline.left())
        secured = context.wrap_socket(raw)
    except socket.timeout:
        raw.close()
        deadline.left()
        raise error_for("agent_timeout", "sg-session did not answer the connection")
    except OSError as error:
        raw.close()
        if error.errno == errno.ECONNREFUSED:
            raise error_for("agent_not_running", "nobody listens at the address of the endpoint file")
        # Hung up on before anything was shown: an agent that has too many callers does that, and says nothing of itself.
        if error.errno == errno.ECONNRESET:
            raise _hung_up()
        raise error_for("not_your_agent", "what listens at the address of the endpoint file is not sg-session")
    except BaseException:
        raw.close()
        raise
    try:
        shown = secured.getpeercert(binary_form=True)
    except OSError:
        # A socket that was reset by then is wrapped without a handshake.
        secured.close()
        raise _hung_up()
    if shown != ssl.PEM_cert_to_DER_cert(endpoint.certificate):
        secured.close()
        raise error_for("not_your_agent", "the certificate is not the one of the endpoint file")
    return secured


def _hung_up():
    return error_for(
        "temporarily_unavailable", "the connection was reset before the agent showed itself; it may have too many callers"
    )
