"""Adds the fields of a provider's own that a caller or the configuration gives."""

from __future__ import annotations

from collections.abc import Mapping, Set as AbstractSet
from typing import Any


def add_own_fields(body: dict[str, Any], given: Mapping[str, Any], groups: AbstractSet[str]) -> None:
    """Add *given* to *body*: they win over what is there.

    A field that is one of *groups* is an object that holds several settings: only those given are
    replaced.  ``tools`` are added to those there are, so that a provider's own stand beside ours.
    """
    for name, value in given.items():
        if name == "tools" and isinstance(value, list | tuple):
            body[name] = [*body.get(name, ()), *value]
        elif name in groups and isinstance(value, dict):
            body[name] = {**body.get(name, {}), **value}
        else:
            body[name] = value
