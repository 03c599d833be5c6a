"""Desk: record the result of tests that ran elsewhere.

    POST /api/divisions/{division_id}/test/result
    {"suite_type": "acceptance", "passed": 41, "failed": 0, "coverage": 87.5, "reference": "ci/1042"}

It opens or closes the gate of the deployment as a suite does that the daemon has run.  The same result again, under
the same reference, adds nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec

from hecate.dossiers.desk import Desk, Example
from hecate.dossiers.messages import Command, Event, Name, OptionalName

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hecate.dossiers.dossier import Dossier

Count = Annotated[int, msgspec.Meta(ge=0, le=10_000_000)]
Percent = Annotated[float, msgspec.Meta(ge=0, le=100)]


class RecordResult(Command, frozen=True):
    """Ask that a result is recorded."""

    suite_type: Name
    passed: Count
    failed: Count
    coverage: Percent | None = None
    """Of the lines, in percent; null: not measured."""
    reference: OptionalName = ""
    """What the other place calls the run."""


class TestResultRecorded(Event, frozen=True):
    """Tests ran elsewhere."""

    __test__: ClassVar[bool] = False  # for pytest, which would take the name for a test's

    result_id: str
    suite_type: str
    passed: int
    failed: int
    coverage: float | None
    reference: str


def decide(dossier: Dossier, command: RecordResult) -> Sequence[Event]:
    """Record the result, unless it is the last one of its suite and reference again."""
    last = dossier.find(TestResultRecorded, suite_type=command.suite_type, reference=command.reference)
    if last is not None and msgspec.structs.asdict(last) == {
        "result_id": last.result_id,
        **msgspec.structs.asdict(command),
    }:
        return []
    return [TestResultRecorded(result_id=dossier.new_id("result"), **msgspec.structs.asdict(command))]


DESK = Desk(
    path="result",
    command=RecordResult,
    events=(TestResultRecorded,),
    decide=decide,
    makes="result_id",
    example=Example(
        when=RecordResult(suite_type="acceptance", passed=41, failed=0, coverage=87.5, reference="ci/1042"),
        then=(
            TestResultRecorded(
                result_id="result-",
                suite_type="acceptance",
                passed=41,
                failed=0,
                coverage=87.5,
                reference="ci/1042",
            ),
        ),
    ),
)
