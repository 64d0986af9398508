"""Where the agent announces itself: one private file a user, read with the suspicion it deserves."""

import os
import re
import ssl
import stat
import sys

from ._errors import error_for
from ._json_text import loads

_LARGEST_FILE = 16 * 1024
_KEY = re.compile(r"[A-Za-z0-9_-]{43}\Z")


class Endpoint(object):
    """Address, the certificate to pin (PEM) and the key to show. Prints without the key."""

    __slots__ = ("port", "certificate", "key", "pid")

    def __init__(self, port, certificate, key, pid):
        self.port = port
        self.certificate = certificate
        self.key = key
        self.pid = pid

    def __repr__(self):
        return "Endpoint(port=%r, pid=%r)" % (self.port, self.pid)


def candidates(environ=None, platform=None, uid=None):
    """The files an agent may have written, best first; the same list as the agent's own (src/system/paths.ts)."""
    environ = os.environ if environ is None else environ
    platform = sys.platform if platform is None else platform
    override = environ.get("SG_SESSION_ENDPOINT")
    if override:
        return [override]
    home = environ.get("USERPROFILE" if platform == "win32" else "HOME") or os.path.expanduser("~")
    if platform == "win32":
        local = environ.get("LOCALAPPDATA") or home + "\\AppData\\Local"
        return [local + "\\sg-session\\endpoint.json"]
    if platform == "darwin":
        return [home + "/Library/Caches/sg-session/endpoint.json"]
    uid = os.getuid() if uid is None else uid
    found = []
    runtime = environ.get("XDG_RUNTIME_DIR")
    if runtime:
        found.append(runtime.rstrip("/") + "/sg-session/endpoint.json")
    for path in ("/run/user/%d/sg-session/endpoint.json" % uid, "/tmp/sg-session-%d/endpoint.json" % uid):
        if path not in found:
            found.append(path)
    return found


def read(path):
    """The endpoint of a file that only this user can have written; None when there is none. Raises NotYourAgent."""
    text = _read_private(path)
    return None if text is None else judge(text, path)


def judge(text, path):
    """What stands in an endpoint file. Raises NotYourAgent that names the field."""
    try:
        content = loads(text.replace("\n", " "), max_depth=2)
    except ValueError:
        raise error_for("not_your_agent", '"%s" is not an endpoint file' % path)
    if not isinstance(content, dict) or not _is_int(content.get("endpoint")) or content["endpoint"] != 1:
        raise error_for("not_your_agent", '"%s" is not an endpoint file' % path)
    port, certificate, key, pid = (content.get(name) for name in ("port", "certificate", "key", "pid"))
    if not (_is_int(port) and 0 < port < 65536):
        raise error_for("not_your_agent", '"%s" is not an endpoint file: "port" is missing or wrong' % path)
    if not (isinstance(key, str) and _KEY.match(key)):
        raise error_for("not_your_agent", '"%s" is not an endpoint file: "key" is missing or wrong' % path)
    if not (_is_int(pid) and pid > 0):
        raise error_for("not_your_agent", '"%s" is not an endpoint file: "pid" is missing or wrong' % path)
    if not (_is_int(content.get("startedAt")) and content["startedAt"] >= 0):
        raise error_for("not_your_agent", '"%s" is not an endpoint file: "startedAt" is missing or wrong' % path)
    try:
        ssl.PEM_cert_to_DER_cert(certificate)
    except Exception:
        raise error_for("not_your_agent", '"%s" is not an endpoint file: "certificate" is missing or wrong' % path)
    return Endpoint(port, certificate, key, pid)


def _read_private(path):
    windows = os.name == "nt"
    try:
        if not windows:
            _demand_private(os.path.dirname(path), os.lstat(os.path.dirname(path)))
        # O_NOFOLLOW and fstat: what is checked is what is read.
        # O_NONBLOCK: a pipe in the file's place must not hold us up.
        flags = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"))
        descriptor = os.open(path, flags)
        try:
            found = os.fstat(descriptor)
            if not windows:
                _demand_private(path, found)
            if not stat.S_ISREG(found.st_mode) or found.st_size > _LARGEST_FILE:
                raise error_for("not_your_agent", '"%s" is not an endpoint file' % path)
            return os.read(descriptor, _LARGEST_FILE).decode("utf-8")
        finally:
            os.close(descriptor)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError):
        raise error_for("not_your_agent", '"%s" cannot be read as this user\'s file' % path)


def _demand_private(path, found):
    if stat.S_ISLNK(found.st_mode):
        raise error_for("not_your_agent", '"%s" is a link' % path)
    if found.st_uid != os.getuid():
        raise error_for("not_your_agent", '"%s" belongs to another user' % path)
    if found.st_mode & 0o077:
        raise error_for("not_your_agent", '"%s" is open to other users' % path)


def _is_int(value):
    return isinstance(value, int) and not isinstance(value, bool)
