"""Values in short."""

from __future__ import annotations

import pytest

from hecate.daemon.cli.values import LONGEST, in_short


@pytest.mark.parametrize(
    ("value", "short"),
    [
        (None, ""),
        ("one line", "one line"),
        ("\nfirst\nsecond", "first …"),
        ("x" * 500, "x" * LONGEST + " …"),
        (0.5, "0.5"),
        (True, "True"),
        (["a", "b"], "a,b"),
        ([{"id": "1", "name": "Billing"}, {"desk_name": "open", "desk_type": "command"}], "Billing,open"),
        ({"description": "add", "steps": [], "patch": "--- a\n+++ b"}, "description=add patch=--- a …"),
    ],
)
def test_what_has_a_name_is_told_by_it(value: object, short: str) -> None:
    """Everything else by as much as there is room for."""
    assert in_short(value) == short


def test_of_a_long_list_the_first_are_named() -> None:
    """A skeleton has fifty files, and nobody reads their checksums."""
    files = [{"path": f"src/{number}.py", "sha256": "0" * 64} for number in range(50)]
    assert in_short(files) == "src/0.py,src/1.py,src/2.py,src/3.py,src/4.py,src/5.py and 44 more"
