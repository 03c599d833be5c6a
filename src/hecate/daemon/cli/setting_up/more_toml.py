"""Tables that are added to a configuration file, whose own lines and comments stay as they are."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from typing import Any


class DoesNotFit(Exception):
    """The file has the table in a form that nothing can be added to; the message is what to write by hand."""


def with_tables(text: str, tables: Mapping[tuple[str, ...], Mapping[str, str]]) -> str:
    """Return *text* with *tables* at its end, but for the settings that it has already.

    Args:
        text: TOML.
        tables: For each table's path, its keys and their values.

    Raises:
        DoesNotFit: A table is there, and lacks a setting: where in it that belongs is its owner's to say.
        tomllib.TOMLDecodeError: *text* is no TOML.
    """
    there = tomllib.loads(text)
    added = text
    for path, settings in tables.items():
        has = _at(there, path)
        missing = {key: value for key, value in settings.items() if key not in (has or {})}
        if not missing:
            continue
        lines = "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in missing.items())
        table = f"[{'.'.join(map(_key, path))}]\n{lines}"
        if has is not None:
            raise DoesNotFit(table)
        added += ("" if not added else "\n" if added.endswith("\n") else "\n\n") + table
        try:
            tomllib.loads(added)
        except tomllib.TOMLDecodeError as exc:
            raise DoesNotFit(table) from exc
    return added


def _at(document: Mapping[str, Any], path: tuple[str, ...]) -> Mapping[str, Any] | None:
    found: Any = document
    for name in path:
        if not isinstance(found, dict) or name not in found:
            return None
        found = found[name]
    return found if isinstance(found, dict) else {}


def _key(name: str) -> str:
    return name if name.replace("-", "").replace("_", "").isalnum() and name.isascii() else json.dumps(name)
