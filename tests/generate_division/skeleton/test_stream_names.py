"""Names of streams, from patterns that may be any text."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given

from hecate.generate_division.skeleton.project import Field
from hecate.generate_division.skeleton.stream_names import stream_parts
from tests.generate_division.skeleton.any_design import patterns


@pytest.mark.parametrize(
    ("pattern", "parts"),
    [
        ("user-{user_id}", ["user-", "{user_id}"]),
        ("", ["user-", "{user_id}"]),
        ("people", ["people-", "{user_id}"]),
        ("{tenant}/{id}", ["{tenant}", "/", "{id}"]),
        ("{a}{b}", ["{a}", "-", "{b}"]),
        ("{a}_{b}", ["{a}", "_-", "{b}"]),
        ("{class} {0} {}", ["{class_}", "-", "{user_id_0}", "-", "{user_id}"]),
        ("{limit}", ["{limit_}"]),
        ('"{x}"\n', ["-", "{x}", "-"]),
    ],
)
def test_the_parts_of_a_pattern(pattern: str, parts: list[str]) -> None:
    """Between two ids there is always something that no id holds."""
    found = stream_parts(pattern, "user")
    assert [f"{{{part.name}}}" if isinstance(part, Field) else part for part in found] == parts


@given(patterns)
def test_any_pattern_tells_one_from_another(pattern: str) -> None:
    """By at least one id; each has a name of its own, and no two of them touch."""
    parts = stream_parts(pattern, "user")
    ids = [part.name for part in parts if isinstance(part, Field)]
    assert ids
    assert len(set(ids)) == len(ids)
    assert not any(isinstance(one, Field) and isinstance(other, Field) for one, other in pairwise(parts))
