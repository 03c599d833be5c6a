"""A division with an application to deploy."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.calling import Caller
from tests.daemon.child import Child
from tests.deploy_division.projects import Deployed, deployed


@pytest.fixture
def division(daemon: Child, caller: Caller, tmp_path: Path) -> Deployed:
    """A division whose deployment is active, with an application in a workspace of its own."""
    return deployed(caller, tmp_path / "workspace", daemon.socket_path.parent / "data")
