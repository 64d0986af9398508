"""Mutates what comes from outside to the Python client and looks at what its parsers make of it.

    client.py --seconds 5 --seed 1 FILE…      ends with status 1 and the input when something else than a typed error is raised
    client.py --answer                        a JSON text (base64) a line in, what came of it a line out, as JSON

The files are what it begins with."""

import argparse
import base64
import io
import json
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "src", "client", "python"))

from sg_session import _endpoint, _json_text, _line, _records  # noqa: E402
from sg_session._errors import SgSessionError  # noqa: E402

_RECORDS = (_records.Session, _records.RestToken, _records.AutodeskToken, _records.Change)
_WORDS = [
    word.encode("utf-8")
    for word in '{ } [ ] " , : \\ null true -0 1.0 1e3 1e20 9007199254740993 \\ud800 \\u0000 "self" "code" "data" "error" "id" "sites"'.split()
] + [b"\n", b"\r", b"\t", b"\0", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b'"__proto__":1,', b'{"jsonrpc":"2.0","id":1,']


def parse(data):
    """Raises what no caller is prepared for."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = None
    if text is not None:
        try:
            value = _json_text.loads(text)
        except ValueError:
            pass
        else:
            assert _json_text.loads(json.dumps(value)) == value, "what was read can be written and read again"
        try:
            _endpoint.judge(text, "endpoint.json")
        except SgSessionError:
            pass
    try:
        for reply in _replies(data):
            result = _line._result(reply)
            _records.changes(result)
            for record in _RECORDS:
                repr(record(**_records.fields(result)))
    except SgSessionError as error:
        assert isinstance(error.code, str) and isinstance(error.advice, str)


def _replies(data):
    """As they are read from a connection, in pieces."""
    line = _line.Line.__new__(_line.Line)
    line._buffer = b""
    for start in range(0, len(data), 7):
        line._take(data[start : start + 7])
        while b"\n" in line._buffer:
            yield line._next()


def mutate(data, chance, corpus):
    changed = bytearray(data)
    for _ in range(1 << chance.randrange(4)):
        at = chance.randrange(len(changed) + 1)
        end = min(len(changed), at + (1 << chance.randrange(8)))
        kind = chance.randrange(6)
        if kind == 0:
            changed[at:end] = b""
        elif kind == 1:
            changed[at:at] = changed[at:end] * (1 + chance.randrange(30))
        elif kind == 2 and at < len(changed):
            changed[at] = chance.randrange(256)
        elif kind == 3:
            changed[at:end] = chance.choice(_WORDS)
        elif kind == 4:
            changed[at:] = chance.choice(corpus)[at:]
        else:
            changed[at:at] = chance.choice(_WORDS)
    return bytes(changed[: 16 * 1024])


def answer():
    """Reads texts until there are none, so that another parser can be held against this one."""
    for line in io.open(sys.stdin.fileno(), "rb"):
        try:
            said = {"value": _json_text.loads(base64.b64decode(line).decode("utf-8"))}
        except ValueError:
            said = {"refused": True}
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--seconds", type=float, default=5.0)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--answer", action="store_true")
    arguments.add_argument("files", nargs="*")
    options = arguments.parse_args()
    if options.answer:
        return answer()
    corpus = [b""]
    for path in options.files:
        with io.open(path, "rb") as file:
            corpus.append(file.read())
    chance = random.Random(options.seed)
    runs, until = 0, time.monotonic() + options.seconds
    data = b""
    try:
        for data in corpus:
            parse(data)
        while time.monotonic() < until:
            data = mutate(chance.choice(corpus), chance, corpus)
            runs += 1
            parse(data)
    except Exception:
        sys.stderr.write("input: %s\n" % base64.b64encode(data).decode("ascii"))
        raise
    sys.stdout.write("%d\n" % runs)


if __name__ == "__main__":
    main()
