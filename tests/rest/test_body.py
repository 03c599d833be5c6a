"""A request's body and query: read within bounds, decoded, and refused in words."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given, strategies as st

from hecate.dossiers.errors import Invalid, TooLarge
from hecate.dossiers.messages import Name, OptionalName, Text
from hecate.endpoints import PageQuery
from hecate.rest.body import (
    DEEPEST_NESTING,
    ClientGone,
    check_nesting,
    decode_body,
    decode_query,
    read_body,
    rename_fields,
)
from tests.rest.asgi import Request


class Desk(msgspec.Struct, frozen=True):
    """A body with one of each."""

    name: Name
    brief: Text = ""
    aggregate: OptionalName = ""
    flags: tuple[Name, ...] = ()
    sprint: Annotated[int, msgspec.Meta(ge=1)] = 1
    more: dict[str, Any] = {}


async def read(*pieces: bytes, limit: int = 10, declared: int = 0, complete: bool = True) -> bytes:
    """Read a body that comes in *pieces*."""
    request = Request("POST", "/", pieces, complete=complete)
    request.hang_up()
    return await read_body(request.receive, limit, declared)


async def test_a_body_may_be_as_long_as_the_limit() -> None:
    """In one piece or in many."""
    assert await read(b"0123456789") == b"0123456789"
    assert await read(b"01234", b"", b"56789") == b"0123456789"


@pytest.mark.parametrize("pieces", [(b"0123456789x",), (b"01234", b"56789", b"x"), (b"x" * 11, b"x" * 1000)])
async def test_a_longer_body_is_refused_when_it_has_been_read(pieces: tuple[bytes, ...]) -> None:
    """Its sender must get to the answer, so what it sends is taken and dropped."""
    request = Request("POST", "/", pieces)
    with pytest.raises(TooLarge, match="larger than 10 bytes") as refusal:
        await read_body(request.receive, 10, 0)
    assert refusal.value.status == 413
    request.hang_up()
    assert (await request.receive())["type"] == "http.disconnect"


async def test_a_declared_length_counts() -> None:
    """What says that it is too large is not kept while it comes."""
    with pytest.raises(TooLarge):
        await read(b"x", declared=11)


async def test_a_caller_that_leaves_is_gone() -> None:
    """Half a body is no body."""
    with pytest.raises(ClientGone):
        await read(b"x", complete=False)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"{", "the body is not JSON: it ends too early, or has half of a surrogate pair"),
        (b"", "the body is empty; it must be a JSON object"),
        (b'{"name": "\\ud800"}', "the body is not JSON: it ends too early, or has half of a surrogate pair"),
        (b"{]", "the body is not JSON: object keys must be strings (byte 1)"),
        (b'{"name": "x"} more', "the body is not JSON: trailing characters (byte 15)"),
        (b'{"name": "a\x00"}', "the body is not JSON: invalid character (byte 11)"),
        (b'{"name": NaN}', "the body is not JSON: invalid character (byte 9)"),
        (b'{"name": "\xff"}', "the body is not valid UTF-8"),
        (b'{"name": "x", "\xff": 1}', "the body is not valid UTF-8"),
        (b'{"name": "x", "other": "\xff"}', "the body is not valid UTF-8"),
        (b"null", "the body is wrong: Expected `object`, got `null`"),
        (b"[]", "the body is wrong: Expected `object`, got `array`"),
        (b"{}", "the body is wrong: Object missing required field `name`"),
        (b'{"name": 1}', "the body is wrong: Expected `str`, got `int` - at `$.name`"),
        (b'{"name": null}', "the body is wrong: Expected `str`, got `null` - at `$.name`"),
        (b'{"name": ""}', "the body is wrong: Expected `str` of length >= 1 - at `$.name`"),
        (b'{"name": "x", "flags": ["A", 2]}', "the body is wrong: Expected `str`, got `int` - at `$.flags[1]`"),
        (b'{"name": "x", "sprint": 0}', "the body is wrong: Expected `int` >= 1 - at `$.sprint`"),
        (b'{"name": "x", "sprint": 1e999}', "the body is wrong: Number out of range - at `$.sprint`"),
        (
            b'{"name": "a\\nb"}',
            "the body is wrong: Expected `str` with a visible character and no control characters - at `$.name`",
        ),
        (
            b'{"name": "   "}',
            "the body is wrong: Expected `str` with a visible character and no control characters - at `$.name`",
        ),
        (
            b'{"name": "x", "aggregate": "a\\u0000"}',
            "the body is wrong: Expected `str` without control characters - at `$.aggregate`",
        ),
        (
            b'{"name": "x", "brief": "a\\u0000"}',
            "the body is wrong: Expected `str` without NUL characters - at `$.brief`",
        ),
    ],
)
def test_a_wrong_body_is_refused_in_words(body: bytes, sentence: str) -> None:
    """The sentence says what is wrong, and where."""
    with pytest.raises(Invalid) as refusal:
        decode_body(Desk, body, may_be_absent=False)
    assert str(refusal.value) == sentence


@pytest.mark.parametrize("control", [*map(chr, range(0x20)), "\x7f"])
@pytest.mark.parametrize("place", ["{}x", "x{}", "x{}y"])
def test_a_name_has_no_control_characters(control: str, place: str) -> None:
    """None at its end either, where a regular expression's ``$`` lets a newline pass."""
    body = msgspec.json.encode({"name": place.format(control)})
    with pytest.raises(Invalid, match="no control characters"):
        decode_body(Desk, body, may_be_absent=False)


@pytest.mark.parametrize(
    "name", ["é", "e\u0301", "a/b", "it's", '"quoted"', "\U0001f525", "ไทย", "x" * 200, "\u202eabc"]
)
def test_a_name_may_be_of_any_script(name: str) -> None:
    """Up to 200 characters of it."""
    decoded, _ = decode_body(Desk, msgspec.json.encode({"name": name}), may_be_absent=False)
    assert decoded.name == name


@pytest.mark.parametrize("body", [b"", b"  \n", b"null", b" null ", b"{}"])
def test_nothing_counts_as_an_empty_object_where_it_may(body: bytes) -> None:
    """An absent, empty or ``null`` body."""
    assert decode_body(PageQuery, body, may_be_absent=True) == (PageQuery(), [])


@pytest.mark.parametrize("body", [b"", b"  \n"])
def test_an_empty_body_is_called_so_where_there_must_be_one(body: bytes) -> None:
    """And not JSON that ends too early."""
    with pytest.raises(Invalid, match="the body is empty; it must be a JSON object"):
        decode_body(Desk, body, may_be_absent=False)


def nested(depth: int) -> bytes:
    """Return an object that is *depth* levels deep."""
    return b'{"name": "x", "more": ' + b'{"a":' * (depth - 1) + b"1" + b"}" * depth


def test_a_body_may_be_nested_as_deep_as_the_limit() -> None:
    """Deeper than any sensible body is."""
    decode_body(Desk, nested(DEEPEST_NESTING), may_be_absent=False)


@pytest.mark.parametrize("body", [nested(DEEPEST_NESTING + 1), nested(10_000), b"[" * 10_000, b'{"x":' + b"[" * 10_000])
def test_a_deeper_body_is_refused_before_recursion_does(body: bytes) -> None:
    """At the byte where it gets too deep."""
    with pytest.raises(Invalid, match=f"nested deeper than {DEEPEST_NESTING} levels, at byte"):
        decode_body(Desk, body, may_be_absent=False)


def test_brackets_in_strings_are_no_nesting() -> None:
    """Not behind an escaped quote either, and many brackets side by side are none."""
    check_nesting(b'{"a": "' + b"[" * 1000 + b'"}')
    check_nesting(b'{"a": "\\"' + b"{" * 1000 + b'"}')
    check_nesting(b"[" + b"[]," * 1000 + b"[]]")


def test_quotes_in_a_string_without_an_end_cost_no_more_than_others() -> None:
    """Each was once tried as the beginning of a string of its own: a megabyte held the daemon up for half an hour."""
    with pytest.raises(Invalid, match="ends too early"):
        decode_body(Desk, b'{"else": [' + b"[]," * DEEPEST_NESTING + b'"' + b'\\"' * 500_000, may_be_absent=False)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(json_values)
def test_nesting_is_counted_as_json_nests(value: Any) -> None:
    """For any document, the check agrees with its depth."""

    def depth(of: Any) -> int:
        inner = of.values() if isinstance(of, dict) else of if isinstance(of, list) else None
        return 0 if inner is None else 1 + max(map(depth, inner), default=0)

    around = DEEPEST_NESTING - depth(value)
    body = msgspec.json.encode(value)
    check_nesting(b"[" * around + body + b"]" * around)
    if depth(value):
        with pytest.raises(Invalid):
            check_nesting(b"[" * (around + 1) + body + b"]" * (around + 1))


@given(st.binary())
def test_no_body_is_a_bug(body: bytes) -> None:
    """Whatever it is, it is decoded or refused; renaming its fields first does no harm."""
    for given_body in (body, rename_fields(body, {"context_name": "name"})):
        try:
            decode_body(Desk, given_body, may_be_absent=True)
        except Invalid as refusal:
            assert str(refusal)  # noqa: PT017 - either outcome is right


def test_fields_are_renamed() -> None:
    """Those of an older client, whatever their values are; others stay."""
    renamed = rename_fields(b'{"context_name": {"a": [1]}, "b": 1}', {"context_name": "division_name"})
    assert msgspec.json.decode(renamed) == {"division_name": {"a": [1]}, "b": 1}


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b'{"a":' + b"[" * 10_000])
def test_what_has_no_fields_is_left_to_the_decoder(body: bytes) -> None:
    """It knows how to refuse it."""
    assert rename_fields(body, {"context_name": "division_name"}) == body


class Query(PageQuery, frozen=True):
    """A query with a word and a choice."""

    type: str = ""
    shown: bool = False
    order: Literal["", "up", "down"] | None = None


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (b"", Query()),
        (b"limit=500", Query(limit=500)),
        (b"limit=1&after=3", Query(limit=1, after=3)),
        (b"type=a&type=b", Query(type="a,b")),
        (b"type=caf%C3%A9+%26", Query(type="café &")),
        (b"shown=true", Query(shown=True)),
        (b"shown=1", Query(shown=True)),
        (b"shown=false", Query()),
        (b"unknown=1", Query()),
        (b"&&", Query()),
    ],
)
def test_a_query_is_decoded(query: bytes, expected: Query) -> None:
    """Numbers and choices from their words; a repeated word is a list; what is unknown is ignored."""
    assert decode_query(Query, query) == expected


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        (b"limit=0", "the query is wrong: Expected `int` >= 1 - at `$.limit`"),
        (b"limit=501", "the query is wrong: Expected `int` <= 500 - at `$.limit`"),
        (b"limit=", "the query is wrong: Expected `int`, got `str` - at `$.limit`"),
        (b"limit=ten", "the query is wrong: Expected `int`, got `str` - at `$.limit`"),
        (b"limit=1.5", "the query is wrong: Expected `int`, got `str` - at `$.limit`"),
        (b"limit=1&limit=2", "the query is wrong: Expected `int`, got `str` - at `$.limit`"),
        (b"after=-1", "the query is wrong: Expected `int` >= 0 - at `$.after`"),
        (b"after=9223372036854775808", "the query is wrong: Expected `int` <= 9223372036854775807 - at `$.after`"),
        (b"after=" + b"9" * 5000, "the query is wrong: Integer value out of range - at `$.after`"),
        (b"shown=maybe", "the query is wrong: Expected `bool`, got `str` - at `$.shown`"),
        (
            b"order=sideways",
            "the query is wrong: Invalid enum value 'sideways'; it is one of '', 'down', 'up' - at `$.order`",
        ),
        (b"type=%ff", "the query is not valid UTF-8"),
        (b"type=\xc3\xa9", "the query is not valid UTF-8"),
        (b"&".join([b"a=1"] * 101), "the query is wrong: Max number of fields exceeded"),
    ],
)
def test_a_wrong_query_is_refused_in_words(query: bytes, sentence: str) -> None:
    """The sentence names the parameter."""
    with pytest.raises(Invalid) as refusal:
        decode_query(Query, query)
    assert str(refusal.value) == sentence


@given(st.binary())
def test_no_query_is_a_bug(query: bytes) -> None:
    """Whatever it is, it is decoded or refused."""
    try:
        decode_query(Query, query)
    except Invalid as refusal:
        assert str(refusal)  # noqa: PT017 - either outcome is right
