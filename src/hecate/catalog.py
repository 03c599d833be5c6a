"""What the daemon can do, found by looking: plain constants in modules, by folder.

A package that exports ``PROCESS`` is a process, and its modules' constants belong to it:
``DESK``, ``READ_MODEL``, ``ITEM_LIST``, ``POLICY``, ``UPCASTERS``, ``ROUTES`` and ``BACKGROUND``.  Other packages and
modules may export ``READ_MODEL``, ``ROUTES`` and ``BACKGROUND``.  A new command, read model or endpoint is one new
file; nothing is listed here.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import hecate
from hecate.dossiers.desk import Desk
from hecate.dossiers.event_types import Upcaster
from hecate.dossiers.item_list import ItemList
from hecate.dossiers.policies import Policy
from hecate.dossiers.process import Process
from hecate.dossiers.read_model import ReadModel
from hecate.endpoints import Background, Route

NOT_FEATURES = frozenset(
    {
        "catalog",
        "client",
        "daemon",
        "dossiers",
        "endpoints",
        "generate_division.skeleton",
        "join_mesh.network",
        "keep_store",
        "paths",
        "rest",
        "serve_llm.providers",
    }
)
"""What the features are built on: nothing is looked for there."""


@dataclass(slots=True)
class Catalog:
    """Everything found, in the order of the processes and then of the modules' names."""

    desks: dict[Process, tuple[Desk, ...]] = field(default_factory=dict)
    """Each process with its own desks, then its lifecycle's."""
    item_lists: dict[ItemList, Process] = field(default_factory=dict)
    read_models: list[ReadModel] = field(default_factory=list)
    policies: list[Policy] = field(default_factory=list)
    upcasters: list[Upcaster] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)
    """Those of the features; the desks' and item lists' own follow from the above."""
    backgrounds: list[Background] = field(default_factory=list)


def find() -> Catalog:
    """Import the features and return what they export.

    Raises:
        ImportError: A feature cannot be imported.
        TypeError: A constant that is looked for is something else.
        ValueError: Two processes share a name, a number or a noun.
    """
    catalog = Catalog()
    found: list[tuple[Process, list[Desk]]] = []
    for package in _features():
        modules = [package, *_modules_of(package)]
        process: Process | None = getattr(package, "PROCESS", None)
        for module in modules:
            _take(catalog, module, process)
        if process is not None:
            found.append((process, [module.DESK for module in modules if hasattr(module, "DESK")]))
    found.sort(key=lambda pair: pair[0].number)
    for attribute in ("name", "number", "noun"):
        values = [getattr(process, attribute) for process, _ in found]
        if len(set(values)) != len(values):
            raise ValueError(f"two processes share a {attribute}: {sorted(map(str, values))}")
    catalog.desks = {process: (*desks, *process.lifecycle.desks) for process, desks in found}
    return catalog


def _features() -> Iterator[ModuleType]:
    for info in pkgutil.iter_modules(hecate.__path__):
        if info.name not in NOT_FEATURES and not info.name.startswith("_"):
            yield importlib.import_module(f"hecate.{info.name}")


def _modules_of(package: ModuleType) -> Iterator[ModuleType]:
    """Give the modules in *package*, and those in its packages."""
    for info in pkgutil.iter_modules(getattr(package, "__path__", ())):
        name = f"{package.__name__}.{info.name}"
        if name.removeprefix("hecate.") not in NOT_FEATURES:
            module = importlib.import_module(name)
            yield module
            if info.ispkg:
                yield from _modules_of(module)


def _take(catalog: Catalog, module: ModuleType, process: Process | None) -> None:
    names = vars(module)
    catalog.routes += names.get("ROUTES", ())
    catalog.upcasters += names.get("UPCASTERS", ())
    for name, kind, found in (
        ("READ_MODEL", ReadModel, catalog.read_models),
        ("POLICY", Policy, catalog.policies),
        ("BACKGROUND", Background, catalog.backgrounds),
    ):
        if name in names:
            found.append(_of_kind(module, name, kind))
    if process is not None and "ITEM_LIST" in names:
        catalog.item_lists[names["ITEM_LIST"]] = process


def _of_kind(module: ModuleType, name: str, kind: type[Any]) -> Any:
    """Return the constant *name* of *module*: one that has the name by chance would only fail while the daemon runs."""
    constant = getattr(module, name)
    if not isinstance(constant, kind):
        raise TypeError(f"{module.__name__}.{name} is no {kind.__name__}; the catalog takes it for one")
    return constant
