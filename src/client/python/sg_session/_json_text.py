"""JSON as two different parsers must read it alike; the rules of src/socket/json-text.ts, the same vectors."""

import json
import re

MAX_DEPTH = 16
# Not one alternative a character: that costs as much as all the rest of an answer.
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"')
_CONTROL = re.compile(r"[\x00-\x1f]")
_LARGEST_EXACT = 2**53 - 1


def loads(text, max_depth=MAX_DEPTH):
    """Parses one JSON text. Raises ValueError for what RFC 8259 leaves to the parser: repeated or ``__proto__`` member
    names, lone surrogates, numbers out of range, control characters between tokens, nesting deeper than ``max_depth``."""
    outside = _STRING.sub('""', text)
    if _CONTROL.search(outside):
        raise ValueError("has a control character")
    # What opens no more than that is not nested deeper either.
    if outside.count("{") + outside.count("[") > max_depth:
        _demand_depth(outside, max_depth)
    value = _DECODER.decode(text)
    try:
        text.encode("utf-8")
        # Nothing else can bring a lone surrogate in.
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("has a lone surrogate")
    return value


def _demand_depth(outside, max_depth):
    depth = 0
    for character in outside:
        if character in "{[":
            depth += 1
            if depth > max_depth:
                raise ValueError("is nested too deeply")
        elif character in "}]":
            depth -= 1


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


# json.loads would make one for every message.
_DECODER = json.JSONDecoder(object_pairs_hook=_members, parse_int=_integer, parse_float=_real, parse_constant=_constant)
