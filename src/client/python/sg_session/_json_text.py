"""JSON as two different parsers must read it alike; the rules of src/socket/json-text.ts, the same vectors."""

import json
import re

MAX_DEPTH = 16
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_LARGEST_EXACT = 2**53 - 1


def loads(text, max_depth=MAX_DEPTH):
    """Parses one JSON text. Raises ValueError for what RFC 8259 leaves to the parser: repeated or ``__proto__`` member
    names, lone surrogates, numbers out of range, control characters between tokens, nesting deeper than ``max_depth``."""
    outside = _STRING.sub('""', text)
    depth = 0
    for character in outside:
        if character in "{[":
            depth += 1
            if depth > max_depth:
                raise ValueError("is nested too deeply")
        elif character in "}]":
            depth -= 1
        elif character < " ":
            raise ValueError("has a control character")
    value = json.loads(
        text,
        object_pairs_hook=_members,
        parse_int=_integer,
        parse_float=_real,
        parse_constant=_constant,
    )
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("has a lone surrogate")
    return value


def _members(pairs):
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("repeats a member name")
    if "__proto__" in members:
        raise ValueError('has a member called "__proto__"')
    return members


def _integer(literal):
    number = int(literal)
    if abs(number) > _LARGEST_EXACT:
        raise ValueError("has a number out of range")
    return number


def _real(literal):
    number = float(literal)
    if abs(number) > _LARGEST_EXACT:
        raise ValueError("has a number out of range")
    # The agent's language has one kind of number: 1.0 is 1.
    return int(number) if number.is_integer() else number


def _constant(literal):
    raise ValueError("is not JSON")
