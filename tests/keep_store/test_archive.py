"""An archive: finished ventures, each in a file that proves itself, and nothing is taken out of the store."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from hecate.dossiers.errors import Invalid, Refused, Unavailable
from hecate.keep_store.archive import archivable, check_archive, file_of, write_archive
from tests.calling import Caller
from tests.daemon.child import Child, child_environment
from tests.keep_store.looking import change
from tests.serving import HECATE, serving


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder for a daemon, with a path that is short enough for its socket."""
    return tmp_path_factory.mktemp("d")


@pytest.fixture
def daemon(place: Path) -> Iterator[Child]:
    """Give a daemon."""
    with serving(place) as child:
        yield child


@pytest.fixture
def ventures(daemon: Child) -> dict[str, str]:
    """Give the ids of ventures, by how far they are."""
    with closing(Caller(daemon.socket_path)) as caller:
        finished, going_on, archived = (caller.discovering() for _ in range(3))
        design = f"/api/divisions/{caller.division(finished)}/design"
        caller.done(f"{design}/start")
        caller.done(f"{design}/complete")
        caller.done(f"/api/ventures/{finished}/discovery/complete")
        begun = f"/api/divisions/{caller.division(going_on)}/design"
        caller.done(f"{begun}/start")
        caller.done(f"/api/ventures/{going_on}/discovery/complete")
        caller.done(f"/api/ventures/{archived}/archive")
        return {"new": caller.venture(), "finished": finished, "going on": going_on, "archived": archived}


def hecate(daemon: Child, place: Path, *words: str | Path) -> Any:
    """Run the command line, and return its JSON."""
    environ = child_environment() | {"HECATE_DATA_DIR": str(place / "data"), "HECATE_SOCKET": str(daemon.socket_path)}
    run = subprocess.run([HECATE, *words, "--json"], env=environ, capture_output=True, check=True)
    return json.loads(run.stdout)


def test_what_is_finished(place: Path, ventures: dict[str, str]) -> None:
    """Nothing of it goes on, and it was begun."""
    assert {one.venture_id for one in archivable(place / "data")} == {ventures["finished"], ventures["archived"]}


def test_a_dry_run_does_nothing_and_says_what_would_be(daemon: Child, place: Path, ventures: dict[str, str]) -> None:
    """The run itself then does that; the next one has nothing to do."""
    with closing(Caller(daemon.socket_path)) as caller:
        head = caller.head
        would = hecate(daemon, place, "archive", place / "shelf", "--dry-run")
        assert (caller.head, (place / "shelf").exists()) == (head, False)
        done = hecate(daemon, place, "archive", place / "shelf")
        assert caller.head == head + 1
        assert caller.get(f"/api/ventures/{ventures['finished']}").json["venture"]["status_label"] == "archived"
        assert len(caller.get("/api/events?limit=500").json["events"]) == head + 1
    assert [one["venture_id"] for one in done["ventures"]] == [one["venture_id"] for one in would["ventures"]]
    assert {path.name for path in (place / "shelf").iterdir()} == {
        f"{ventures[name]}.ndjson" for name in ("finished", "archived")
    }
    assert hecate(daemon, place, "archive", place / "shelf")["ventures"] == []
    assert hecate(daemon, place, "doctor")["ok"]


def test_a_file_has_all_events_of_its_venture_and_proves_them(place: Path, ventures: dict[str, str]) -> None:
    """A changed, missing or doubled line is seen without the store."""
    venture_id = ventures["archived"]
    write_archive(place / "data", [venture_id], place / "shelf")
    file = file_of(place / "shelf", venture_id)
    lines = file.read_bytes().splitlines(keepends=True)
    assert [json.loads(line)["type"] for line in lines] == [
        "venture_setup_v1",
        "discovery_started_v1",
        "venture_archived_v1",
    ]
    assert check_archive(file) == 3
    for wrong in (
        [lines[0].replace(b"my-saas-app", b"my-other"), *lines[1:]],
        lines[1:],
        [lines[0], *lines],
        [b"{}\n"],
    ):
        file.write_bytes(b"".join(wrong))
        with pytest.raises(Invalid):
            check_archive(file)


def test_no_file_is_overwritten_and_none_is_made_of_a_damaged_store(place: Path, ventures: dict[str, str]) -> None:
    """Nothing is half."""
    write_archive(place / "data", [ventures["archived"]], place / "shelf")
    with pytest.raises(Refused):
        write_archive(place / "data", [ventures["archived"]], place / "shelf")
    change(place / "data/hecate.db", "UPDATE events SET recorded_at = 1 WHERE position = 2")
    with pytest.raises(Unavailable):
        write_archive(place / "data", [ventures["finished"]], place / "shelf")
    assert [path.name for path in (place / "shelf").iterdir()] == [f"{ventures['archived']}.ndjson"]
