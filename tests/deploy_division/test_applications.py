"""The applications that a daemon supervises, at its end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast
from uuid import uuid4

import pytest

from hecate.child_processes import strays
from hecate.deploy_division.application_facts import ApplicationStarted, Started
from hecate.deploy_division.applications import Applications
from hecate.deploy_division.deploy_settings import DeploySettings
from hecate.dossiers.errors import Unavailable

if TYPE_CHECKING:
    from hecate.dossiers.engine import Engine


async def test_none_is_started_when_all_have_been_stopped(tmp_path: Path) -> None:
    """A job that puts things right at the daemon's end would leave it running; it is no failure of the application."""
    (tmp_path / "div-1" / "1.0.0").mkdir(parents=True)
    mark = uuid4().hex
    # Nothing is recorded: without an engine, that would be an error.
    nowhere = cast("Engine", None)
    applications = Applications(
        nowhere, data_dir=tmp_path, releases=tmp_path, store_mark=mark, settings=DeploySettings()
    )
    await applications.stop_all()
    with pytest.raises(Unavailable, match="the daemon stops"):
        await applications.start("div-1", Started("1.0.0", ("sleep", "600"), 0), 0.1)
    await applications.keep("div-1", ApplicationStarted("app-1", "1.0.0", ("sleep", "600"), 0))
    assert strays.marked(mark) == []
