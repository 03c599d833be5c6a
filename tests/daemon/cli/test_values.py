"""Values in short."""

from __future__ import annotations

import pytest

from hecate.daemon.cli.values import LONGEST, in_short, spread


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


def test_what_has_fields_of_its_own_has_a_line_of_its_own() -> None:
    """A line of three windows with six figures each, or of four incidents, is none that anybody reads."""
    incident = {"title": "check 'a' fails", "severity": "sev2"}
    assert spread({"figures": {"1h": {"polls": 3}, "24h": {"polls": 5}}, "open_incidents": [incident, incident]}) == {
        "figures 1h": "polls=3",
        "figures 24h": "polls=5",
        "open incidents 1": "title=check 'a' fails severity=sev2",
        "open incidents 2": "title=check 'a' fails severity=sev2",
    }


def test_what_has_a_name_or_is_alone_stays_in_its_line() -> None:
    """As it was."""
    assert spread(
        {"live": {"version": "1"}, "checks": [{"name": "a"}, {"name": "b"}], "tags": ["a", "b"], "none": {}}
    ) == {
        "live": "version=1",
        "checks": "a,b",
        "tags": "a,b",
        "none": "",
    }
