"""A message is put together again in the order in which its model wrote it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from hecate.dossiers.errors import Invalid
from hecate.serve_llm.messages import AssistantMessage, CacheControl, Content, ImagePart, TextPart, ToolCall
from hecate.serve_llm.providers.kept import Called, Kept, Opaque, Stretch, in_order

CALLS = (ToolCall("a", "f"), ToolCall("b", "g"))


def told(content: Content, *kept: Kept, calls: tuple[ToolCall, ...] = ()) -> list[Any]:
    """Return what a message consists of: its texts, the ids of its calls, its blocks."""
    message = AssistantMessage(content, calls, signatures=tuple(found.signature() for found in kept))
    found: list[Any] = []
    for strand in in_order(message, "p"):
        match strand:
            case Opaque():
                found.append(strand.block)
            case Called():
                found.append((strand.call.id, strand.fields) if strand.fields else strand.call.id)
            case Stretch(part=TextPart(text=text)):
                found.append((text, strand.fields) if strand.fields else text)
            case Stretch():
                found.append(strand.part)
    return found


def block(name: str, characters: int = 0, calls: int = 0) -> Kept:
    """Return a block that stands after so much of the text, and so many of the calls."""
    return Kept("p", {"name": name}, characters, calls)


def test_places() -> None:
    """Blocks stand where they stood, several at one place in their order."""
    kept = (block("1"), block("2"), block("3", 5), block("4", 9, 1))
    assert told("Hello you!", *kept, calls=CALLS) == [
        {"name": "1"},
        {"name": "2"},
        "Hello",
        {"name": "3"},
        " you",
        "a",
        {"name": "4"},
        "!",
        "b",
    ]


def test_fields_of_texts_and_calls() -> None:
    """Fields belong to their own stretch of the text, be it empty, and to their own call."""
    of_text = Kept("p", {"signed": 1}, 2, characters=3)
    empty = Kept("p", {"signed": 2}, 7, characters=0)
    of_call = Kept("p", {"signed": 3}, call_id="b")
    assert told("Hello you!", of_text, empty, of_call, calls=CALLS) == [
        "He",
        ("llo", {"signed": 1}),
        " y",
        ("", {"signed": 2}),
        "ou!",
        "a",
        ("b", {"signed": 3}),
    ]


def test_parts() -> None:
    """A part that is cut keeps its mark at its end, and what is no text keeps its place."""
    picture = ImagePart(url="https://x/y.png")
    mark = CacheControl()
    message = AssistantMessage(
        (TextPart("Hello", mark), picture, TextPart(" you")),
        signatures=(block("1", 2).signature(), Kept("p", {"s": 1}, 2, characters=5).signature()),
    )
    assert list(in_order(message, "p")) == [
        Stretch(TextPart("He")),
        Opaque({"name": "1"}),
        Stretch(TextPart("llo y"), {"s": 1}),
        Stretch(picture),
        Stretch(TextPart("ou")),
    ]
    plain = AssistantMessage(message.content, signatures=(block("1", 2).signature(),))
    assert Stretch(TextPart("llo", mark)) in list(in_order(plain, "p"))


@given(st.text(), st.lists(st.tuples(st.integers(-3, 30), st.integers(-1, 4), st.none() | st.integers(-1, 9))))
def test_nothing_is_lost(text: str, places: list[tuple[int, int, int | None]]) -> None:
    """Whatever the places are, as after a change of the text, all of it is there once and in order."""
    kept = [Kept("p", {"n": place}, *at) for place, at in enumerate(places)]
    strands = list(in_order(AssistantMessage(text, CALLS, signatures=tuple(k.signature() for k in kept)), "p"))
    texts = [
        strand.part.text for strand in strands if isinstance(strand, Stretch) and isinstance(strand.part, TextPart)
    ]
    assert "".join(texts) == text
    assert [strand.call for strand in strands if isinstance(strand, Called)] == list(CALLS)
    blocks = [strand.block for strand in strands if isinstance(strand, Opaque)]
    assert blocks == [{"n": place} for place, at in enumerate(places) if at[2] is None]


def test_signatures_of_others() -> None:
    """Signatures of another provider are none of ours; one of ours that was changed is refused."""
    other = {"provider": "q", "block": 5}
    assert list(in_order(AssistantMessage("Hi", signatures=(other,)), "p")) == [Stretch(TextPart("Hi"))]
    with pytest.raises(Invalid, match=r"not as it was given out.*signatures"):
        list(in_order(AssistantMessage("Hi", signatures=({"provider": "p", "block": 5},)), "p"))
