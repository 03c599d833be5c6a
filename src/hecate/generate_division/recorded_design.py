"""What a division's code is generated from, as it is recorded: its design and its plan, by their stored names."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from hecate.generate_division.skeleton.design import Design, DesignedAggregate, DesignedEvent, PlannedDesk
from hecate.workspaces.places import written_project

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import apsw

    from hecate.jobs.job import Happened, Job

NAMES = "SELECT ventures.name, divisions.name FROM divisions, ventures WHERE divisions.id = ? AND ventures.id = ?"
SIBLINGS = "SELECT id FROM divisions WHERE venture_id = ? AND id <> ?"
HAS_SKELETON = "SELECT 1 FROM events WHERE stream = 'generation-' || ? AND type = 'skeleton_generated_v1' LIMIT 1"


async def recorded_design(job: Job, written: Iterable[str]) -> Design:
    """Return the design and the plan of the job's division.

    Args:
        job: Any job of the division.
        written: Paths of all that was generated before.
    """
    rows: list[Any] = await job.read(lambda db: db.execute(NAMES, (job.subject_id, job.venture_id)).fetchall())
    ((venture, division),) = rows
    designed, planned = await job.history("design"), await job.history("plan")
    needs: dict[str, list[str]] = defaultdict(list)
    for dependency in _of("dependency_planned_v1", planned):
        needs[dependency.from_desk_id].append(dependency.to_desk_id)
    sequences = [sequence.desk_ids for sequence in _of("desks_sequenced_v1", planned)]
    return Design(
        venture=venture,
        division=division,
        project=await job.read(lambda db: _folder(db, job.venture_id, job.subject_id)),
        aggregates=tuple(
            DesignedAggregate(
                name=event.aggregate_name,
                stream_pattern=event.stream_pattern,
                status_flags=event.status_flags,
                description=event.description,
            )
            for event in _of("aggregate_designed_v1", designed)
        ),
        events=tuple(
            DesignedEvent(
                name=event.event_name,
                aggregate=event.aggregate_name,
                payload_fields=event.payload_fields,
                description=event.description,
            )
            for event in _of("event_designed_v1", designed)
        ),
        desks=tuple(
            PlannedDesk(
                id=event.desk_id,
                name=event.desk_name,
                type=event.desk_type,
                aggregate=event.aggregate_name,
                priority=event.priority,
                description=event.description,
                needs=tuple(needs.get(event.desk_id, ())),
            )
            for event in _of("desk_inventoried_v1", planned)
        ),
        # The newest order comes first; desks that only an earlier one names follow.
        order=tuple(desk_id for sequence in reversed(sequences) for desk_id in sequence),
        written=tuple(written),
    )


def _of(stored_name: str, happened: Iterable[Happened]) -> Iterator[Any]:
    """Give the events of one stored name; their classes belong to other processes."""
    return (one.event for one in happened if one.type == stored_name)


def _folder(db: apsw.Connection, venture_id: str, division_id: str) -> str:
    """Return the folder of the division's project: the one it has, or one that no other division of the venture has."""
    folder = written_project(db, division_id).project
    if db.execute(HAS_SKELETON, (division_id,)).fetchone():
        return folder
    siblings = [sibling for (sibling,) in db.execute(SIBLINGS, (venture_id, division_id))]
    taken = {
        written_project(db, str(sibling)).project
        for sibling in siblings
        if db.execute(HAS_SKELETON, (sibling,)).fetchone()
    }
    numbered = (folder if number == 1 else f"{folder}-{number}" for number in range(1, len(taken) + 2))
    return next(name for name in numbered if name not in taken)
