"""What the catalog finds: all of it is in a file, so that every change of it is seen in a diff."""

from __future__ import annotations

from types import ModuleType

import pytest

from hecate import catalog
from hecate.rest.router import Router
from tests.every_route import every_route, routes_as_text
from tests.refresh import GOLDEN_ROUTES, HOW

PHASES = ("dna", "anp", "tni", "dno")


def test_the_routes_are_those_of_the_golden_file() -> None:
    """Nothing is served, and nothing is lost, without a line in ``golden/routes.txt``."""
    assert routes_as_text() == GOLDEN_ROUTES.read_text(), HOW


def test_no_two_routes_clash() -> None:
    """The router takes them all: the same path twice would stop the start."""
    Router(every_route())


def test_the_processes_come_in_the_order_of_the_cycle() -> None:
    """One to nine, each in its phase; the tenth, guide_venture, has no dossier."""
    processes = list(catalog.find().desks)
    assert [process.number for process in processes] == list(range(1, 10))
    assert [PHASES.index(process.phase) for process in processes] == sorted(
        PHASES.index(process.phase) for process in processes
    )


def test_a_process_comes_after_one_that_exists() -> None:
    """The process that is usually completed before is one of the others, and earlier in the cycle."""
    by_name = {process.name: process for process in catalog.find().desks}
    for process in by_name.values():
        if process.comes_after:
            assert by_name[process.comes_after].number < process.number


def test_every_process_of_a_division_has_a_list() -> None:
    """What a process has made can be read, also before it makes anything."""
    found = catalog.find()
    of_divisions = {process.name for process in found.desks if process.subject.kind == "division"}
    assert {process.name for process in found.item_lists.values()} == of_divisions


def test_finding_twice_finds_the_same() -> None:
    """The catalog looks at constants: it changes nothing."""
    assert [route.path for route in catalog.find().routes] == [route.path for route in catalog.find().routes]


def test_a_constant_that_has_the_name_by_chance_is_told() -> None:
    """At the start, and not when the daemon runs and no policy follows any fact."""
    module = ModuleType("hecate.some_feature.page")
    module.POLICY = "default-src 'none'"  # type: ignore[attr-defined]
    with pytest.raises(TypeError, match=r"some_feature\.page\.POLICY is no Policy"):
        catalog._take(catalog.Catalog(), module, None)
