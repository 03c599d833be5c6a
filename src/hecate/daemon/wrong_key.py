"""Turns what msgspec says of a configuration into a sentence that names the key and helps."""

from __future__ import annotations

import difflib
import re
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct

_MESSAGE = re.compile(r"(?P<what>.*?)(?: - at `\$\.?(?P<where>[^`]*)`)?", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<key>.*)`")
_ANY_ENTRY = "[...]"
_WORDS = {
    "`str | array`": "a string or an array",
    "`object`": "a table",
    "`array`": "an array",
    "`str`": "a string",
    "`bool`": "true or false",
    "`int`": "an integer",
    "`float`": "a number",
}


def explain(message: str, data: Any, kind: Any, at: str = "") -> str:
    """Return a `msgspec.ValidationError` in the words of the file.

    Args:
        message: What the error says, such as "Object contains unknown field `levle` - at `$.log`",
            which becomes 'unknown key "log.levle" (did you mean "level"?)'.
        data: What could not be converted.
        kind: The type it was to become.
        at: The key of *data* itself, where it is not the whole file.
    """
    match = _MESSAGE.fullmatch(message)
    what, where = (match["what"], match["where"] or "") if match else (message, "")
    if _ANY_ENTRY in where:
        return _explain_entry(message, data, kind, at, where.partition(_ANY_ENTRY)[0])
    key = ".".join(part for part in (at, where) if part).replace(".[", "[")
    found = _type_at(kind, where)
    if unknown := _UNKNOWN.fullmatch(what):
        full = f"{key}.{unknown['key']}" if key else unknown["key"]
        return f'unknown key "{full}"{_suggestion(unknown["key"], found)}'
    if get_origin(found) is Literal:
        choices = " or ".join(f'"{choice}"' for choice in get_args(found))
        return f'"{key}" must be {choices}'
    for name, word in _WORDS.items():
        what = what.replace(name, word)
    return f'"{key}" is wrong: {what[:1].lower()}{what[1:]}'


def _explain_entry(message: str, data: Any, kind: Any, at: str, where: str) -> str:
    """Find the entry that is wrong: msgspec does not say which key of a dict it was."""
    entry_kind = get_args(_type_at(kind, where))[1]
    for step in where.split("."):
        data = data[step]
    for name, entry in data.items():
        try:
            msgspec.convert(entry, entry_kind)
        except msgspec.ValidationError as exc:
            key = ".".join(part for part in (at, where, name) if part)
            return explain(str(exc), entry, entry_kind, key)
    return message


def _type_at(kind: Any, path: str) -> Any:
    """Return the type of the value at *path*, None where it is not a field of a struct."""
    for step in path.split(".") if path else ():
        if not _is_struct(kind):
            return None
        kind = get_type_hints(kind).get(step)
    if get_origin(kind) is UnionType:
        # Of an optional table, the table.
        return next((part for part in get_args(kind) if _is_struct(part)), kind)
    return kind


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Struct)


def _suggestion(key: str, table: Any) -> str:
    near = difflib.get_close_matches(key, table.__struct_fields__, n=1) if _is_struct(table) else ()
    return f' (did you mean "{near[0]}"?)' if near else ""
