"""Targets that are somebody else's: units of systemd, and what is stored where it should not be."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.calling import Caller
from tests.deploy_division.projects import Deployed, deployed
from tests.serving import serving

BUILD = ["sh", "-c", 'echo >"$HECATE_ARTIFACTS/app.txt"']
SYSTEMCTL = """#!/bin/sh
echo "$@ $HECATE_VERSION" >>{told}
test "$4$HECATE_VERSION" != weak.service1.1.0
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose path is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="hecate-") as folder:
        yield Path(folder)


def test_a_unit_is_restarted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For the release, and for the earlier one again where it does not come up; systemctl is ours here."""
    told = folder / "told"
    (folder / "bin").mkdir()
    (folder / "bin" / "systemctl").write_text(SYSTEMCTL.format(told=told).replace("$4", "$3"))
    (folder / "bin" / "systemctl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}")
    with serving(folder) as child, closing(Caller(child.socket_path)) as caller:
        division = deployed(caller, folder / "workspace", folder / "data")
        division.do("release", version="1.0.0", target="systemd:weak.service", command=BUILD)
        reply = division.ask("release", version="1.1.0", target="systemd:weak.service", command=BUILD)
        assert reply.json["error"] == "systemctl --user restart weak.service failed: exit code 1"
        assert (division.live, division.on_disk) == ("1.0.0", ["1.0.0", "current -> 1.0.0"])
    restarted = "--user restart weak.service"
    assert told.read_text().splitlines() == [f"{restarted} 1.0.0", f"{restarted} 1.1.0", f"{restarted} 1.0.0"]


@pytest.fixture
def nowhere(folder: Path) -> Iterator[Deployed]:
    """A division whose releases cannot be stored: there is a file where their folder should be."""
    (folder / "file").touch()
    configuration = f'[deploy]\ndir = "{folder / "file"}"\n'
    with serving(folder, configuration=configuration) as child, closing(Caller(child.socket_path)) as caller:
        yield deployed(caller, folder / "workspace", folder / "data")


def test_a_disk_that_takes_nothing_is_told(nowhere: Deployed, folder: Path) -> None:
    """The release has failed, and the next can be tried."""
    for _ in range(2):
        reply = nowhere.ask("release", version="1.0.0", command=BUILD)
        assert (
            reply.json["error"] == f"cannot make a release in {folder / 'file' / nowhere.division_id}: Not a directory"
        )
    assert nowhere.last("release_failure")["stage"] == "build"


def test_what_is_no_file_is_refused(folder: Path) -> None:
    """A link would lead us elsewhere when we write, and a pipe would have us wait."""
    with serving(folder) as child, closing(Caller(child.socket_path)) as caller:
        division = deployed(caller, folder / "workspace", folder / "data")
        outside = folder / "outside"
        for name, made in (("release.json", f"ln -s {outside}"), ("app", f"ln -s {folder}"), ("pipe", "mkfifo")):
            reply = division.ask("release", version="1.0.0", command=["sh", "-c", f'{made} "$HECATE_ARTIFACTS/{name}"'])
            assert reply.json["error"] == f"{name} is no file; a release has only files and folders"
        assert (division.last("release_failure")["stage"], division.on_disk) == ("build", [])
        assert not outside.exists()


def test_names_that_a_release_needs_for_itself_are_refused(folder: Path) -> None:
    """Its checksums would be wrong from the start, and nobody could roll back to it."""
    with serving(folder) as child, closing(Caller(child.socket_path)) as caller:
        division = deployed(caller, folder / "workspace", folder / "data")
        for name in ("SHA256SUMS", "release.json", "a\nb", "folder/a\nb"):
            made = 'mkdir "$HECATE_ARTIFACTS/folder"; echo x > "$HECATE_ARTIFACTS/$0"'
            reply = division.ask("release", version="1.0.0", command=["sh", "-c", made, name])
            assert reply.json["error"] == f"a release may have no file {name!r} of its own"
        assert division.on_disk == []
