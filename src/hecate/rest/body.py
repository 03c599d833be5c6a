"""A request's body and query: read within bounds, decoded, and refused in words."""

from __future__ import annotations

import re
from ast import literal_eval
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from hecate.dossiers.errors import Invalid, TooLarge, UnsupportedType
from hecate.dossiers.messages import PATTERNS_IN_WORDS

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

DEEPEST_NESTING = 64
DRAINED_BYTES = 64 * 1024 * 1024
"""How much of a body that is too large is read, so that its sender gets to the answer."""

# A string without an end is taken to the end of the body: else its every quote would be tried as another's beginning.
_STRINGS_AND_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)
_TRUNCATED = "Input data was truncated"
_MALFORMED = "JSON is malformed: "
_PATTERN_IN_ERROR = re.compile(r""" matching regex ('.*'|".*")""")
_NO_CHOICE = "Invalid enum value"
_CHOICE_IN_ERROR = re.compile(r" - at `\$\.(\w+)`$")
_keys = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class ClientGone(Exception):
    """The caller went away; nobody is left to answer."""


async def read_body(receive: Receive, limit_bytes: int, declared_bytes: int) -> bytes:
    """Return the whole body.

    Args:
        receive: The ASGI callable.
        limit_bytes: How large it may be.
        declared_bytes: Its ``Content-Length``, 0 if there is none.

    Raises:
        TooLarge: It is larger, declared or not.
        ClientGone: The caller went away before its end.
    """
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body") and declared_bytes <= limit_bytes:
        body: bytes = message.get("body", b"")
        if len(body) <= limit_bytes:
            return body
    pieces: list[bytes] = []
    size = 0
    while message["type"] == "http.request":
        piece = message.get("body", b"")
        size += len(piece)
        if max(size, declared_bytes) <= limit_bytes:
            pieces.append(piece)
        else:
            pieces.clear()
        if not message.get("more_body") or size > DRAINED_BYTES:
            break
        message = await receive()
    else:
        raise ClientGone
    if max(size, declared_bytes) > limit_bytes:
        raise TooLarge(f"the body is larger than {limit_bytes} bytes, which is the most that this path takes")
    return b"".join(pieces)


def check_media_type(content_type: str) -> None:
    """Refuse a body that does not say it is JSON, on a listener where a browser may be the caller.

    Raises:
        UnsupportedType: It says something else, or nothing.
    """
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise UnsupportedType(f"the body must be application/json, not {media_type or 'of no type'}")


def check_nesting(body: bytes) -> None:
    """Refuse JSON that is nested deeper than `DEEPEST_NESTING`, before recursion does.

    Raises:
        Invalid: It is.
    """
    if body.count(b"[") + body.count(b"{") <= DEEPEST_NESTING:
        return
    depth = 0
    for match in _STRINGS_AND_BRACKETS.finditer(body):
        token = body[match.start()]
        if token in b"[{":
            depth += 1
            if depth > DEEPEST_NESTING:
                raise Invalid(f"the body is nested deeper than {DEEPEST_NESTING} levels, at byte {match.start()}")
        elif token in b"]}":
            depth -= 1


@cache
def decoder_of(kind: type[msgspec.Struct]) -> Callable[[bytes], Any]:
    """Return the function that decodes JSON into *kind*."""
    return msgspec.json.Decoder(kind).decode


@cache
def fields_of(kind: type[msgspec.Struct]) -> frozenset[str]:
    """Return the names that *kind* takes in JSON."""
    return frozenset(kind.__struct_encode_fields__)


def decode_body(kind: type[msgspec.Struct], body: bytes, *, may_be_absent: bool) -> tuple[Any, list[str]]:
    """Return *body* as *kind*, and a warning for each field that *kind* does not have.

    Args:
        kind: A struct.
        body: JSON.
        may_be_absent: Whether nothing and ``null`` count as ``{}``.

    Raises:
        Invalid: It is not JSON, or not of this kind; the message names the place.
    """
    if may_be_absent and body.strip() in {b"", b"null"}:
        body = b"{}"
    elif not body.strip():
        raise Invalid("the body is empty; it must be a JSON object")
    check_nesting(body)
    try:
        if not body.isascii():
            # The decoder looks at the text of known fields only.
            body.decode()
        decoded = decoder_of(kind)(body)
        forbids_more = kind.__struct_config__.forbid_unknown_fields
        unknown = () if forbids_more else _keys(body).keys() - fields_of(kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(in_words(error, "the body", kind)) from error
    return decoded, [f"unknown field {name!r} was ignored" for name in sorted(unknown)] if unknown else []


def decode_query(kind: type[msgspec.Struct], query: bytes) -> Any:
    """Return the query string as *kind*; a repeated parameter's values are joined by commas.

    Raises:
        Invalid: A parameter is wrong; the message names it.
    """
    if not query:
        return kind()
    values: dict[str, str] = {}
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=100)
        for name, value in pairs:
            values[name] = f"{values[name]},{value}" if name in values else value
        return msgspec.convert(values, kind, strict=False)
    except (msgspec.ValidationError, UnicodeError, ValueError) as error:
        raise Invalid(in_words(error, "the query", kind)) from error


def rename_fields(body: bytes, renames: Mapping[str, str]) -> bytes:
    """Return JSON object *body* with the fields in *renames* under their new names.

    What is not a JSON object comes back as it is, for the decoder to refuse.
    """
    try:
        fields = _keys(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return body
    return msgspec.json.encode({renames.get(name, name): value for name, value in fields.items()})


def in_words(error: Exception, part: str, kind: type[msgspec.Struct]) -> str:
    """Return *error* as a sentence for the caller, who sent it in this *part* of the request, to be read as *kind*."""
    if isinstance(error, UnicodeError):
        return f"{part} is not valid UTF-8"
    if isinstance(error, RecursionError):
        return f"{part} is nested too deep"
    sentence = str(error)
    if isinstance(error, msgspec.DecodeError) and not isinstance(error, msgspec.ValidationError):
        if sentence == _TRUNCATED:
            return f"{part} is not JSON: it ends too early, or has half of a surrogate pair"
        return f"{part} is not JSON: {sentence.removeprefix(_MALFORMED)}"
    if match := _PATTERN_IN_ERROR.search(sentence):
        words = PATTERNS_IN_WORDS.get(literal_eval(match[1]), "of another form")
        sentence = sentence.replace(match[0], f" {words}")
    if sentence.startswith(_NO_CHOICE) and (match := _CHOICE_IN_ERROR.search(sentence)):
        choices = ", ".join(map(repr, _choices(kind, match[1])))
        sentence = f"{sentence[: match.start()]}; it is one of {choices}{match[0]}" if choices else sentence
    return f"{part} is wrong: {sentence}"


def _choices(kind: type[msgspec.Struct], field: str) -> tuple[Any, ...]:
    """Return the values that a *field* of *kind* may have, where it has a list of them."""
    struct = msgspec.inspect.type_info(kind)
    assert isinstance(struct, msgspec.inspect.StructType)  # noqa: S101 - it is what was decoded
    wanted = next((one.type for one in struct.fields if one.encode_name == field), None)
    types = wanted.types if isinstance(wanted, msgspec.inspect.UnionType) else (wanted,)
    return tuple(value for one in types if isinstance(one, msgspec.inspect.LiteralType) for value in one.values)
