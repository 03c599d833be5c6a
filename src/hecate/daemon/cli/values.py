"""Values of events and items in short, as a cell of a table has room for them."""

from __future__ import annotations

from collections.abc import Mapping

LONGEST = 120
MOST_NAMED = 6
"""Of a list, how many are named before the rest is counted."""


def in_short(value: object) -> str:
    """Return *value* in short: of what has a name, the name; of a text, the first line and that there is more."""
    match value:
        case None:
            return ""
        case list():
            more = f" and {len(value) - MOST_NAMED} more" if len(value) > MOST_NAMED else ""
            return ",".join(in_short(item) for item in value[:MOST_NAMED]) + more
        case dict():
            name = _name(value)
            return name or " ".join(f"{field}={in_short(inner)}" for field, inner in value.items() if in_short(inner))
        case _:
            first, _, rest = str(value).strip().partition("\n")
            return f"{first[:LONGEST]} …" if rest or len(first) > LONGEST else first


def spread(fields: Mapping[str, object]) -> dict[str, str]:
    """Return *fields* in short; what is in one that has fields, too, and no name, has a line of its own."""
    lines: dict[str, str] = {}
    for field, value in fields.items():
        name = field.replace("_", " ")
        match value:
            case dict() if value and all(isinstance(inner, dict) for inner in value.values()):
                lines |= {f"{name} {key}": in_short(inner) for key, inner in value.items()}
            case [dict(first), _, *_] if not _name(first):
                lines |= {f"{name} {number}": in_short(inner) for number, inner in enumerate(value, 1)}
            case _:
                lines[name] = in_short(value)
    return lines


def _name(fields: Mapping[str, object]) -> str:
    """Return the name of what has *fields*: ``name`` or ``path``, or the first that ends like ``desk_name``."""
    names = [str(value) for field, value in fields.items() if field in {"name", "path"} or field.endswith("_name")]
    return names[0] if names else ""
