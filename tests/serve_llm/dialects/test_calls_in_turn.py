"""Parallel calls come out one after the other, and whole, in whatever order their pieces arrive."""

from __future__ import annotations

from hypothesis import given, strategies as st

from hecate.serve_llm.dialects.calls_in_turn import CallPart, CallsInTurn
from hecate.serve_llm.messages import ToolCall
from hecate.serve_llm.pieces import ToolCallDelta, ToolCallPiece

ARGUMENTS = ('{"a": 1}', "", '{"b": {"c": "}"}}')


def _deltas(index: int) -> list[ToolCallDelta]:
    text = ARGUMENTS[index]
    first = ToolCallDelta(index, f"id{index}", f"name{index}", text[:2])
    return [first, *(ToolCallDelta(index, arguments=character) for character in text[2:])]


@given(st.permutations([index for index in range(3) for _ in _deltas(index)]), st.booleans())
def test_any_mixture(order: list[int], streams: bool) -> None:  # noqa: FBT001 - given by hypothesis
    """Each call has one beginning, and between that and the next nothing but its own arguments."""
    calls = CallsInTurn()
    left = {index: _deltas(index) for index in range(3)}
    parts: list[CallPart | None] = []
    if streams:
        parts += [calls.delta(left[index].pop(0)) for index in order]
    for index in range(3):
        piece = ToolCallPiece(index, ToolCall(f"id{index}", f"name{index}"))
        parts.append(calls.finished(piece, ARGUMENTS[index]))
    written: list[list[str]] = []
    for part in parts:
        if part is None:
            continue
        if part.begins:
            written.append([part.id, part.name, ""])
        written[-1][2] += part.text
    assert sorted(written) == [[f"id{index}", f"name{index}", ARGUMENTS[index]] for index in range(3)]
    assert calls.any


def test_calls_written_in_turn_are_not_held_back() -> None:
    """As models do write them: each piece goes on at once."""
    calls = CallsInTurn()
    for index in (0, 2):
        assert all(calls.delta(delta) is not None for delta in _deltas(index))
