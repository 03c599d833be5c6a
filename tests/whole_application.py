"""The whole application on a store of its own, in this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from hecate import catalog
from hecate.dossiers.engine import Engine
from hecate.report_health import Uptime
from hecate.rest.app import Application
from tests.every_route import every_route
from tests.rest.asgi import application


@contextmanager
def whole_application(folder: Path, *, strict_gates: bool = False) -> Iterator[Application]:
    """Serve everything but language models, with the store in *folder*."""
    found = catalog.find()
    options = {"read_models": found.read_models, "upcasters": found.upcasters, "strict_gates": strict_gates}
    with closing(Engine.open(folder / "hecate.db", found.desks, **options)) as engine:
        yield application(*every_route(found), services=(engine, Uptime()))
