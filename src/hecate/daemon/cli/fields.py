"""Fields of a command on the command line: ``aggregate_name=user payload_fields=email,name``."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from hecate.daemon.cli.api_commands import ApiCommand, Field

_WORD = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<sign>:=|=@|=)(?P<value>.*)", re.DOTALL)

HOW = "Write FIELD=VALUE, FIELD:=JSON for any JSON, or FIELD=@FILE for the text of a file (@- is standard input)"


def fields_of(words: Sequence[str], command: ApiCommand) -> dict[str, Any]:
    """Return the body that *words* say, each value of the type that *command* wants.

    A list is given with commas, by naming its field several times, or both.

    Raises:
        click.UsageError: A word is not a field, a field is unknown or missing, or its value is not of its type.
    """
    known = {field.name: field for field in command.fields}
    body: dict[str, Any] = {}
    for word in words:
        match = _WORD.fullmatch(word)
        if match is None:
            raise click.UsageError(f"{word!r} is not a field. {HOW}")
        name, sign, text = match["name"], match["sign"], match["value"]
        if name not in known:
            fields = ", ".join(map(str, command.fields)) or "none"
            raise click.UsageError(f"{command.name} has no field {name!r}; it has {fields} (* required, [] a list)")
        if sign == ":=":
            value = _json(name, text)
        else:
            value = _converted(known[name], _contents(text) if sign == "=@" else text, whole=sign == "=@")
        earlier = body.get(name)
        body[name] = earlier + value if isinstance(earlier, list) and isinstance(value, list) else value
    missing = [field.name for field in command.fields if field.is_required and field.name not in body]
    if missing:
        raise click.UsageError(f"{command.name} needs {', '.join(f'{name}=…' for name in missing)}")
    return body


def _json(name: str, text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as exc:
        raise click.UsageError(f"{name}:= wants JSON: {exc}") from exc


def _contents(path: str) -> str:
    try:
        return sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise click.UsageError(f"cannot read {path}: {exc}") from exc


def _converted(field: Field, text: str, *, whole: bool) -> Any:
    """Return *text* as a value of *field*'s type; *whole* keeps the commas of a list's one value."""
    match field.kind:
        case "array":
            return [text] if whole else [part for part in text.split(",") if part]
        case "boolean":
            if text not in {"true", "false"}:
                raise click.UsageError(f"{field.name} is true or false, not {text!r}")
            return text == "true"
        case "integer" | "number":
            try:
                return int(text) if field.kind == "integer" else float(text)
            except ValueError as exc:
                raise click.UsageError(f"{field.name} is a number, not {text!r}") from exc
        case "object":
            raise click.UsageError(f"{field.name} is an object: {field.name}:='{{…}}'")
        case _:
            return text
