"""``hecate usage``: what have the models cost?"""

from __future__ import annotations

import click

from hecate.client import model_questions
from hecate.client.model_answers import UsageFigures, UsageRow
from hecate.daemon.cli.command_folder import command
from hecate.daemon.cli.session import Session

KEYS = {
    "day": ("day",),
    "model": ("provider", "model"),
    "provider": ("provider",),
    "venture": ("venture_id",),
    "division": ("venture_id", "division_id"),
}
"""The fields that tell the rows apart."""
COLUMNS = ("CALLS", "FAILED", "TOKENS IN", "TOKENS OUT", "USD", "UNKNOWN", "FIRST TOKEN")


@command(
    "usage",
    examples=("hecate usage", "hecate usage --by model --since 2026-11-01", "hecate usage --by venture --json"),
)
@click.option("--by", type=click.Choice(tuple(KEYS)), default="day", show_default=True, help="What makes a row.")
@click.option("--since", default="", help="Begin with this date (UTC) or time.", metavar="DATE")
@click.option("--until", default="", help="End with this date, included, or at this time.", metavar="DATE")
@click.option(
    "--limit", type=click.IntRange(1, 500), default=50, show_default=True, help="Show so many rows.", metavar="N"
)
@click.pass_obj
def usage(session: Session, *, by: str, since: str, until: str, limit: int) -> None:
    """Show what calls of models have cost, and how they went.

    USD is what is known; UNKNOWN is how many calls may have cost something else.  FIRST TOKEN is the median of
    streamed answers, in milliseconds.
    """
    with session.client() as client:
        answer = session.show(client, model_questions.usage(by=by, since=since, until=until, limit=limit))
    if answer is None:
        return
    keys = KEYS[by]
    session.output.table(
        (*(key.removesuffix("_id").upper() for key in keys), *COLUMNS),
        [(*_named(row, keys), *_figures(row)) for row in answer.rows],
        if_empty="no model was called",
    )
    if session.output.for_people and answer.rows:
        session.output.note(_in_words(answer.total))
        if answer.more:
            session.output.note(f"these are the first {limit} rows; --limit shows more")


def _named(row: UsageRow, keys: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(getattr(row, key) or "(none)" for key in keys)


def _figures(figures: UsageFigures) -> tuple[object, ...]:
    return (
        figures.calls,
        figures.errors,
        figures.prompt_tokens,
        figures.completion_tokens,
        _dollars(figures),
        figures.unpriced_calls or None,
        figures.first_token_p50_ms,
    )


def _dollars(figures: UsageFigures) -> str | None:
    return None if figures.cost_usd is None else f"{figures.cost_usd:.4f}"


def _in_words(total: UsageFigures) -> str:
    said = [f"{total.calls:,} calls", f"{total.total_tokens:,} tokens"]
    if total.cost_usd is not None:
        said.append(f"{total.cost_usd:.4f} USD")
    words = ", ".join(said)
    return f"{words}; what {total.unpriced_calls:,} of the calls cost is not known" if total.unpriced_calls else words


CLI = usage
