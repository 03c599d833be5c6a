"""The engine without its daemon, as the daemon opens it, and orders for it."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import msgspec

from hecate import catalog
from hecate.daemon.lifetime import COLLECTION_THRESHOLDS
from hecate.design_division import PROCESS as DESIGN
from hecate.design_division.design_aggregate import DESK as DESIGN_AGGREGATE, DesignAggregate
from hecate.discover_divisions import PROCESS as DISCOVERY
from hecate.discover_divisions.discover_division import DESK as DISCOVER, DiscoverDivision
from hecate.dossiers.desk import Desk
from hecate.dossiers.engine import Engine, Handled, Order
from hecate.dossiers.lifecycle import START, Start
from hecate.dossiers.messages import Command
from hecate.dossiers.process import Process
from hecate.dossiers.read_model import Actor, Meta
from hecate.setup_venture import PROCESS as SETUP
from hecate.setup_venture.setup_venture import DESK as SET_UP, SetupVenture

DATABASE = "hecate.db"
DESCRIPTION = "what the aggregate keeps together, and which rules it holds"
META = Meta(correlation_id="3e5683c711a21f17", actor=Actor(uid=1000, pid=100000))


class _Made(msgspec.Struct):
    id: str


_made = msgspec.json.Decoder(_Made).decode


@cache
def found() -> catalog.Catalog:
    """Return everything that the daemon can do."""
    return catalog.find()


@contextmanager
def open_engine(place: Path) -> Iterator[Engine]:
    """Open the engine on the store in the data directory *place* until the end of the block."""
    engine = Engine.open(place / DATABASE, found().desks, read_models=found().read_models)
    try:
        yield engine
    finally:
        engine.close()


def collect_as_the_daemon_does() -> None:
    """Have garbage collected as seldom as in the daemon, in all of this process: peers profit too."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTION_THRESHOLDS)


def id_of(handled: Handled) -> str:
    """Return the id of what a command has made."""
    return _made(handled.body).id


def carry_out(engine: Engine, orders: Sequence[Order]) -> list[Handled]:
    """Carry out *orders* in one transaction, from outside of an event loop."""
    return engine.store.writer.submit_from_thread(lambda db: [engine.carry_out(db, order) for order in orders]).result()


def set_up(name: str) -> Order:
    """Return the order to set up a venture."""
    return _order(SETUP, SET_UP, SetupVenture(name=name, brief="A multi-tenant platform for those who plant trees"))


def start_discovery(venture_id: str) -> Order:
    """Return the order to start a venture's discovery."""
    return _order(DISCOVERY, _start_of(DISCOVERY), Start(), venture_id)


def discover(venture_id: str, name: str) -> Order:
    """Return the order to discover a division."""
    return _order(DISCOVERY, DISCOVER, DiscoverDivision(division_name=name, description=DESCRIPTION), venture_id)


def start_design(division_id: str) -> Order:
    """Return the order to start a division's design."""
    return _order(DESIGN, _start_of(DESIGN), Start(), division_id)


def design(division_id: str, name: str) -> Order:
    """Return the order to design an aggregate."""
    return _order(DESIGN, DESIGN_AGGREGATE, DesignAggregate(aggregate_name=name, description=DESCRIPTION), division_id)


def divisions(engine: Engine, count: int, venture_id: str = "") -> list[str]:
    """Make *count* divisions whose design is started, in *venture_id* or a new venture; return their ids."""
    venture_id = venture_id or id_of(carry_out(engine, [set_up("bench")])[0])
    carry_out(engine, [start_discovery(venture_id)])
    made = carry_out(engine, [discover(venture_id, f"division-{number}") for number in range(count)])
    ids = [id_of(handled) for handled in made]
    carry_out(engine, [start_design(division_id) for division_id in ids])
    return ids


def _start_of(process: Process) -> Desk:
    return next(desk for desk in process.lifecycle.desks if desk.path == START.path)


def _order(process: Process, desk: Desk, command: Command, subject_id: str = "") -> Order:
    return Order(process=process, desk=desk, command=command, subject_id=subject_id, meta=META)
