"""Read models: in which order they see a fact, and when a stored table is still the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import apsw
import pytest

from hecate.dossiers.dossier import Progress
from hecate.dossiers.lifecycle import Started
from hecate.dossiers.read_model import ANY, Actor, Fact, Meta, Projection, Projector, ReadModel, in_order, row_as_dict
from tests.dossiers.shelf import FILL_SHELF


def model(name: str, *after: str, projections: dict[str, Projection] | None = None) -> ReadModel:
    """Return a read model without columns worth a name."""
    return ReadModel(
        name=name, schema=f"CREATE TABLE {name} (a INT) STRICT;", projections=projections or {}, after=after
    )


def names(*models: ReadModel) -> list[str]:
    """Return the names in the order of the projections."""
    return [model.name for model in in_order(models)]


def test_a_read_model_sees_a_fact_after_those_it_reads() -> None:
    """However they are listed, through several steps too; what is independent keeps the order of its names."""
    assert names(model("a", "b"), model("b", "c"), model("c")) == ["c", "b", "a"]
    assert names(model("c"), model("a", "c"), model("b")) == ["b", "c", "a"]
    assert names(model("a", "of_no_such_name")) == ["a"]


@pytest.mark.parametrize(
    ("models", "message"),
    [
        ((model("a"), model("a")), "one name"),
        ((model("a", "b"), model("b", "a"), model("c")), r"wait for each other: \['a', 'b'\]"),
        ((model("a", "a"),), "wait for each other"),
    ],
)
def test_what_has_no_order_stops_the_start(models: tuple[ReadModel, ...], message: str) -> None:
    """Two of one name, or two that wait for each other."""
    with pytest.raises(ValueError, match=message):
        Projector(models)


def test_a_fact_goes_to_each_read_model_once() -> None:
    """To the projection for its name, else to the one for any; the connection is the unit's."""
    seen: list[str] = []

    def telling(what: str) -> Projection:
        def tell(_db: Any, fact: Fact) -> None:
            seen.append(f"{what} {fact.type}")

        return tell

    projector = Projector(
        [
            model("a", "b", projections={"x_v1": telling("a:x"), ANY: telling("a:any")}),
            model("b", projections={"x_v1": telling("b:x")}),
            model("c", projections={ANY: telling("c:any")}),
        ]
    )
    db = apsw.Connection(":memory:")
    for kind in ("x_v1", "y_v1"):
        event, progress = Started(iteration=1), Progress()
        projector.project(db, Fact(1, "filling-1", 1, kind, event, FILL_SHELF, "1", "1", 0, Meta(), progress))
    assert seen == ["b:x x_v1", "c:any x_v1", "a:x x_v1", "c:any y_v1", "a:any y_v1"]


def test_a_table_is_another_one_when_its_schema_or_version_is() -> None:
    """That is what makes the next start fold it anew; other projections alone do not show."""
    one = model("a")
    assert one.fingerprint == model("a", projections={ANY: lambda _db, _fact: None}).fingerprint
    assert one.fingerprint != replace(one, version=2).fingerprint
    assert one.fingerprint != replace(one, schema="CREATE TABLE a (b INT) STRICT;").fingerprint


def test_an_actor_is_shown_as_who_asked() -> None:
    """A policy by its name, a person by the kernel's number."""
    assert str(Actor(uid=0, pid=1)) == "uid:0"
    assert str(Actor(policy="on_rain_maybe_close")) == "on_rain_maybe_close"
    assert str(Actor()) == "unknown"


def test_a_row_by_column_name() -> None:
    """The next row of a cursor, or None after the last."""
    cursor = apsw.Connection(":memory:").execute("SELECT 1 AS one, 'b' AS two")
    assert row_as_dict(cursor) == {"one": 1, "two": "b"}
    assert row_as_dict(cursor) is None
