"""A route for each item list: ``GET /api/divisions/{division_id}/designs``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from hecate.dossiers.engine import Engine
from hecate.dossiers.errors import NotFound
from hecate.dossiers.processes import ProcessView, process_view, progress_in
from hecate.endpoints import Answer, Call, PageQuery, Route

if TYPE_CHECKING:
    import apsw

    from hecate.catalog import Catalog
    from hecate.dossiers.item_list import ItemList
    from hecate.dossiers.process import Process


def item_list_routes(catalog: Catalog) -> Iterator[Route]:
    """Give a route for every item list."""
    for item_list, process in catalog.item_lists.items():
        answer = msgspec.defstruct(
            item_list.name.title(),
            [
                ("ok", bool),
                (item_list.name, list[dict[str, Any]]),
                ("process", ProcessView),
                ("next", int | None, None),
            ],
            namespace={"__doc__": f"The answer to ``GET …/{item_list.name}``."},
        )
        yield Route(
            method="GET",
            path=f"{process.path.rpartition('/')[0]}/{item_list.name}",
            call=endpoint(item_list, process),
            summary=f"List what {process.name} has recorded for a division, and where it stands.",
            query=PageQuery,
            answer=answer,
            errors=(404,),
            tag=process.name,
        )


def endpoint(item_list: ItemList, process: Process) -> Callable[[Call], Awaitable[Answer]]:
    """Return the endpoint of *item_list*, which *process* fills."""
    subject = process.subject

    async def list_items(call: Call) -> Answer:
        query: PageQuery = call.query
        subject_id = call.path[subject.parameter]
        engine = call.services.get(Engine)
        stream = process.stream_of(subject_id)

        def ask(db: apsw.Connection) -> tuple[dict[str, Any], int]:
            if db.execute(subject.lookup, (subject_id,)).fetchone() is None:
                raise NotFound(f"there is no {subject.kind} {subject_id!r}")
            items, more = item_list.page(db, stream, engine.event_types, query.after, query.limit)
            progress, version = progress_in(db, process, subject_id)
            besides = item_list.besides(db, subject_id) if item_list.besides else {}
            view = process_view(process, engine.desks[process], progress, version)
            return {item_list.name: items, "process": view, "next": more, **besides}, version

        content, version = await engine.store.read(ask)
        return Answer(content, headers={"ETag": f'"{version}"'})

    return list_items
