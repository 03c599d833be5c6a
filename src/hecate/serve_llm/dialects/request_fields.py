"""Reads the body of a dialect's request: into a struct, and what the struct does not know."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar

import msgspec

from hecate.dossiers.errors import Invalid

Body = TypeVar("Body", bound=msgspec.Struct)

_object = msgspec.json.Decoder(dict[str, Any]).decode


def read_body(kind: type[Body], body: bytes) -> tuple[Body, dict[str, Any]]:
    """Return *body* as *kind*, and the fields that *kind* does not have, but for those that are null.

    Raises:
        Invalid: It is not of this kind; the message names the place.
    """
    try:
        read: Body = _decoder(kind)(body)
        fields = _object(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
        raise Invalid(f"the body is wrong: {exc}") from exc
    known = kind.__struct_encode_fields__
    return read, {name: value for name, value in fields.items() if name not in known and value is not None}


@cache
def _decoder(kind: type[msgspec.Struct]) -> Any:
    return msgspec.json.Decoder(kind).decode
