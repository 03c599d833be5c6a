"""Every event that was ever stored can be read: the golden file has an example of each name."""

from __future__ import annotations

import shutil
import subprocess

import msgspec
import pytest

from tests.dossiers.stored_events import GOLDEN_EVENTS, HOW, StoredExample, event_types, missing, stored_examples

TYPES = event_types()
EXAMPLES = stored_examples()
TODAY = {old: name for name in TYPES.names for old in TYPES.versions_of(name)[1:]}
"""For each name of an earlier version, the one under which such an event is written today."""


def test_every_name_that_can_be_stored_has_a_line() -> None:
    """So has every name that only an upcaster knows; and there is no line that nothing can read."""
    assert sorted(TYPES.names) == [example.type for example in EXAMPLES], HOW
    assert missing() == []


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.type)
def test_a_stored_event_reads_as_it_was_written(example: StoredExample) -> None:
    """Under today's name it comes back as it is, field by field; an older one as an event of today."""
    event = TYPES.decode(example.type, example.json)
    written = TYPES.encode(event)
    today = TODAY.get(example.type, example.type)
    assert TYPES.decode(today, written) == event
    if today == example.type:
        assert msgspec.json.decode(written) == example.data, "its fields have changed: it needs a new version"


def test_the_lines_are_in_the_order_of_their_names() -> None:
    """One a name, each with all that the class keeps."""
    names = [example.type for example in EXAMPLES]
    assert names == sorted(set(names))


def test_no_line_was_ever_changed_or_removed() -> None:
    """The history of the file, and what is not committed yet, only ever adds to it."""
    git = shutil.which("git")
    folder = GOLDEN_EVENTS.parent
    if git is None or subprocess.run([git, "rev-parse"], cwd=folder, capture_output=True, check=False).returncode != 0:
        pytest.skip("not a git checkout")
    lines = [
        line
        for command in (("log", "--format=", "--patch", "--unified=0"), ("diff", "HEAD", "--unified=0"))
        for line in subprocess.run(
            [git, *command, "--", GOLDEN_EVENTS.name], cwd=folder, capture_output=True, check=True, text=True
        ).stdout.splitlines()
    ]
    assert [line for line in lines if line.startswith("-{")] == []
