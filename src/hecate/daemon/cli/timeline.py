"""``hecate timeline``: what has happened to a venture, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

import click
import msgspec

from hecate.client import Client
from hecate.client.views import Happening, timeline as timeline_of
from hecate.daemon.cli.command_folder import command
from hecate.daemon.cli.names import venture_argument, venture_id
from hecate.daemon.cli.output import Output, one_line
from hecate.daemon.cli.session import Session
from hecate.daemon.cli.watching import positions_after

PAGE = 500


@command(
    "timeline",
    examples=(
        "hecate timeline my-saas",
        "hecate timeline my-saas --division auth --limit 20",
        "hecate timeline my-saas --watch",
    ),
)
@venture_argument()
@click.option("--division", default="", help="Only of this division.")
@click.option(
    "--limit", type=click.IntRange(1, PAGE), default=50, show_default=True, help="Show the last N.", metavar="N"
)
@click.option("--all", "everything", is_flag=True, help="Show it from the beginning.")
@click.option("--watch", "-w", is_flag=True, help="Go on with what happens, until Ctrl-C.")
@click.pass_obj
def timeline(session: Session, *, venture: str, division: str, limit: int, everything: bool, watch: bool) -> None:
    """Tell what has happened to a venture, the newest last.

    With --json each sentence is a line of JSON.
    """
    with session.client() as client:
        id_ = venture_id(client, venture)
        past = _from(client, id_, division, 0) if everything else _last(client, id_, division, limit)
        position = 0
        for happening in past:
            _print(session.output, happening)
            position = happening.position
        if watch:
            for newest in positions_after(client, id_, position):
                if newest > position:
                    for happening in _from(client, id_, division, position):
                        _print(session.output, happening)
                        position = happening.position
                    # Those of other divisions are not told, and not asked for again.
                    position = max(position, newest)


def _last(client: Client, id_: str, division: str, limit: int) -> Iterator[Happening]:
    page = client.fetch(timeline_of(id_, division=division, limit=limit, newest_first=True)).value
    yield from reversed(page.happenings)


def _from(client: Client, id_: str, division: str, after: int) -> Iterator[Happening]:
    """Yield all that has happened after the position *after*, a page at a time."""
    place: int | None = after
    while place is not None:
        page = client.fetch(timeline_of(id_, division=division, limit=PAGE, after=place)).value
        yield from page.happenings
        place = page.next


def _print(output: Output, happening: Happening) -> None:
    if output.as_json:
        output.raw(msgspec.json.encode(happening))
    elif output.for_people:
        at = click.style(happening.at, fg="bright_black")
        output.styled(f"{at}  {one_line(happening.sentence)}")
    else:
        output.styled("\t".join((str(happening.position), happening.at, one_line(happening.sentence), happening.by)))


CLI = timeline
