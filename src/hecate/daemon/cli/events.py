"""``hecate events``: what has happened, and what happens."""

from __future__ import annotations

from itertools import islice

import click
import msgspec

from hecate.client import Client, Selection, Stream
from hecate.client.answers import RecordedEvent
from hecate.daemon.cli.command_folder import command
from hecate.daemon.cli.names import division_id, venture_id
from hecate.daemon.cli.output import Output, one_line
from hecate.daemon.cli.session import Session

EVENTS_BEFORE_FOLLOWING = 10
"""How many of the last events ``--follow`` begins with."""


@command(
    "events",
    examples=(
        "hecate events --follow",
        "hecate events --venture my-saas --type division_discovered_v1",
        "hecate events --after 100 --limit 10 --json",
    ),
)
@click.option("--follow", "-f", is_flag=True, help="Go on with new events as they happen, from the last ten on.")
@click.option(
    "--after", type=click.IntRange(0), help="Begin after this position, 0 with the first.", metavar="POSITION"
)
@click.option("--type", "event_type", help="Only these types, separated by commas.", metavar="TYPE")
@click.option("--stream", help="Only these streams, separated by commas.", metavar="STREAM")
@click.option("--venture", help="Only of this venture and its divisions.")
@click.option("--division", help="Only of this division.")
@click.option("--limit", type=click.IntRange(1), help="End after so many events.", metavar="N")
@click.pass_obj
def events(
    session: Session,
    *,
    after: int | None,
    event_type: str | None,
    stream: str | None,
    venture: str | None,
    division: str | None,
    limit: int | None,
    follow: bool,
) -> None:
    """Show what has been recorded, the oldest first.

    A line is an event: position, time, stream, type and data.  With --json each event is a line of JSON.
    """
    with session.client() as client:
        if after is None:
            after = max(0, client.health().events - EVENTS_BEFORE_FOLLOWING) if follow else 0
        selection = Selection(
            after=after,
            event_type=event_type,
            stream=stream,
            venture_id=venture_id(client, venture) if venture else None,
            division_id=division_id(client, division) if division else None,
        )
        shown = 0
        with _opened(client, selection, follow=follow) as chosen:
            for event in islice(chosen, limit):
                _print(session.output, event)
                shown += 1
        if not shown and session.output.for_people and not session.as_json:
            session.output.note("there are no such events")


def _opened(client: Client, selection: Selection, *, follow: bool) -> Stream[RecordedEvent]:
    return client.follow_events(selection) if follow else client.every_event(selection)


def _print(output: Output, event: RecordedEvent) -> None:
    if output.as_json:
        output.raw(msgspec.json.encode(event))
        return
    data = one_line(msgspec.json.encode(event.data).decode())
    if output.for_people:
        position = click.style(f"{event.position:>6}", fg="bright_black")
        kind = click.style(one_line(event.type), fg="cyan")
        output.styled(f"{position}  {event.recorded_at}  {one_line(event.stream)}  {kind}  {data}")
    else:
        output.styled("\t".join((str(event.position), event.recorded_at, event.stream, event.type, data)))


CLI = events
