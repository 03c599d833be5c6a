"""Changes the bytes of a request as little as can be: the model's name, and fields that are missing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

_MODEL = re.compile(rb'"model"\s*:\s*("(?:[^"\\]|\\.)*+")')
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_text = msgspec.json.Decoder(str).decode
_encode = msgspec.json.Encoder().encode


def with_model(body: bytes, asked: str, name: str) -> bytes:
    """Return JSON object *body*, whose ``model`` is *asked*, with *name* in its place; nothing else changes."""
    if asked == name:
        return body
    if body.count(b'"model"') == 1 and (found := _MODEL.search(body)) and _text(found[1]) == asked:
        return b"%b%b%b" % (body[: found.start(1)], _encode(name), body[found.end(1) :])
    # The conversation has the word too: only reading tells which is meant.
    return _encode({**_fields(body), "model": name})


def with_defaults(body: bytes, defaults: Mapping[str, Any]) -> bytes:
    """Return JSON object *body* with the fields of *defaults* that it does not have."""
    if not defaults:
        return body
    fields = _fields(body)
    return _encode({**fields, **{name: value for name, value in defaults.items() if name not in fields}})


def with_field(body: bytes, name: str, value: Any) -> bytes:
    """Return JSON object *body*, not an empty one, with field *name* being *value*."""
    if b'"%b"' % name.encode() in body:
        return _encode({**_fields(body), name: value})
    return b'%b,"%b":%b}' % (body.rstrip()[:-1], name.encode(), _encode(value))


def with_settings(body: bytes, name: str, defaults: Mapping[str, Any]) -> bytes:
    """Return JSON object *body* with the settings of *defaults* in its object *name*, where that has none."""
    fields = _fields(body)
    given = msgspec.json.decode(fields[name]) if name in fields else None
    return _encode({**fields, name: {**defaults, **(given or {})}}) if defaults else body
