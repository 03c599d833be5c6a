"""The commands that a daemon takes, read from its OpenAPI document, so that none needs a line here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a command."""

    name: str
    kind: str
    """``string``, ``integer``, ``number``, ``boolean``, ``array`` or ``object``."""
    is_required: bool

    def __str__(self) -> str:
        return f"{self.name}{'[]' if self.kind == 'array' else ''}{'*' if self.is_required else ''}"


@dataclass(frozen=True, slots=True)
class ApiCommand:
    """A command below a venture or a division."""

    name: str
    """The rest of its path: ``design/aggregate``, ``archive``."""
    path: str
    """The whole, such as ``/api/divisions/{division_id}/design/aggregate``."""
    summary: str
    fields: tuple[Field, ...]

    @property
    def verb(self) -> str:
        """The last word of its name."""
        return self.name.rpartition("/")[2]

    def path_of(self, subject_id: str) -> str:
        """Return the path for one venture or division."""
        return re.sub(r"\{[^}]*\}", lambda _: subject_id, self.path, count=1)


def commands_below(document: Mapping[str, Any], prefix: str) -> dict[str, ApiCommand]:
    """Return the commands that *document* has below *prefix* (``/api/divisions``), by name, in its order."""
    below = re.compile(rf"{re.escape(prefix)}/\{{[^}}]*\}}/([^{{}}]+)")
    found = {}
    for path, operations in document["paths"].items():
        match = below.fullmatch(path)
        if match and "post" in operations:
            operation = operations["post"]
            fields = _fields(document, operation)
            found[match[1]] = ApiCommand(match[1], path, operation.get("summary", ""), fields)
    return found


def _fields(document: Mapping[str, Any], operation: Mapping[str, Any]) -> tuple[Field, ...]:
    media = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    schema = _resolved(document, media.get("schema", {}))
    required = schema.get("required", ())
    return tuple(
        Field(name, _kind(document, field), name in required) for name, field in schema.get("properties", {}).items()
    )


def _kind(document: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """Return the JSON type of a field; of several, the first that is not null."""
    resolved = _resolved(document, schema)
    declared = resolved.get("type", [])
    kinds = [declared] if isinstance(declared, str) else [*declared]
    kinds += [_kind(document, choice) for choice in resolved.get("anyOf", ()) if choice != {"type": "null"}]
    return next((kind for kind in kinds if kind != "null"), "string")


def _resolved(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return *schema*, or what it refers to in *document*."""
    while "$ref" in schema:
        target: Any = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part.replace("~1", "/").replace("~0", "~")]
        schema = target
    return schema
