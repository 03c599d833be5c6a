"""A fact of a shared venture as it goes from peer to peer: signed by its origin, with its place in the origin's log."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from hecate.dossiers.errors import Invalid
from hecate.join_mesh.mesh_store import KeptFact
from hecate.join_mesh.network.cards import LATEST_TIME
from hecate.join_mesh.network.did_key import has_signed
from hecate.join_mesh.network.identity import Identity

_DOMAIN: Final = b"hecate mesh fact 1\0"


class FactsAsked(msgspec.Struct, frozen=True, array_like=True):
    """A question for the facts of a venture after a position in the origin's log."""

    venture_id: str
    after: int


_encode: Final = msgspec.msgpack.Encoder().encode
_read_asked: Final = msgspec.msgpack.Decoder(FactsAsked).decode
_read_object: Final = msgspec.json.Decoder(dict[str, Any]).decode
_read_page: Final = msgspec.msgpack.Decoder(list[KeptFact]).decode


def encoded_question(venture_id: str, after: int) -> bytes:
    """Return the question as it is sent."""
    return _encode(FactsAsked(venture_id, after))


def question_in(body: bytes) -> FactsAsked:
    """Return what a peer asks.

    Raises:
        Invalid: It is no such question.
    """
    try:
        return _read_asked(body)
    except msgspec.DecodeError as exc:
        raise Invalid(f"this asks for no facts: {exc}") from exc


def encoded_page(facts: list[KeptFact]) -> bytes:
    """Return *facts* as they are sent."""
    return _encode(facts)


def page_in(body: bytes) -> list[KeptFact]:
    """Return the facts that a peer has sent.

    Raises:
        Invalid: They cannot be read.
    """
    try:
        return _read_page(body)
    except msgspec.DecodeError as exc:
        raise Invalid(f"these are no facts: {exc}") from exc


def signed_facts(facts: list[KeptFact], identity: Identity) -> list[KeptFact]:
    """Return *facts* with *identity*'s signatures."""
    return [fact._replace(signature=identity.sign(_text(fact))) for fact in facts]


def check_page(facts: list[KeptFact], *, origin: str, venture_id: str, after: int) -> None:
    """Let pass facts that *origin* has signed, and that follow *after* and each other without a gap.

    Raises:
        Invalid: They are not so.
    """
    previous = after
    for fact in facts:
        if (fact.origin, fact.venture_id) != (origin, venture_id):
            raise Invalid("a fact is of another origin or venture than was asked for")
        if fact.previous != previous or fact.position <= previous:
            raise Invalid(f"the fact at {fact.position} follows {fact.previous}, not {previous}")
        if not has_signed(origin, fact.signature, _text(fact)):
            raise Invalid(f"the fact at {fact.position} is not signed by its origin")
        _check_shown(fact)
        previous = fact.position


def _check_shown(fact: KeptFact) -> None:
    """Let pass what can be shown to callers of our own.

    Raises:
        Invalid: Its data is no JSON object, or its time is none.
    """
    try:
        _read_object(fact.data)
    except msgspec.DecodeError as exc:
        raise Invalid(f"the data of the fact at {fact.position} is no JSON object") from exc
    if not 0 <= fact.recorded_at <= LATEST_TIME:
        raise Invalid(f"the time of the fact at {fact.position} is none")


def _text(fact: KeptFact) -> bytes:
    return _DOMAIN + _encode(fact._replace(signature=b""))
