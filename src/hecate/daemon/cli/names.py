"""Names where the API wants ids: ``my-saas`` for a venture, ``auth`` or ``my-saas/auth`` for a division."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import click
from click.shell_completion import CompletionItem

from hecate.client import PROCESSES, Client, HecateClientError, Invalid, NotFound
from hecate.client.answers import Division, Venture
from hecate.daemon.cli.session import Session

COMPLETION_SECONDS = 1.0
"""How long the Tab key waits for the daemon."""

MOST_SHOWN = 10


def venture_id(client: Client, word: str) -> str:
    """Return the id of the venture that *word* is the id or the name of.

    Raises:
        NotFound: There is none.
        Invalid: There are several of that name.
    """
    if word.startswith("v-") and (found := _if_there(client.venture, word)):
        return found.id
    ventures = list(client.every_venture(include_archived=True))
    named = [venture for venture in ventures if venture.name == word]
    # An archived venture is meant only if nothing else can be.
    named = [venture for venture in named if not venture.is_archived] or named
    if len(named) > 1:
        raise Invalid(f"{len(named)} ventures are called {word!r}: give one of {_some(v.id for v in named)}")
    if not named:
        there = [venture.name for venture in ventures if not venture.is_archived]
        raise NotFound(f"there is no venture {word!r}{_among(there)}")
    return named[0].id


def division_id(client: Client, word: str) -> str:
    """Return the id of the division that *word* is the id or the name of; ``venture/division`` names it in one venture.

    Raises:
        NotFound: There is none.
        Invalid: There are several of that name.
    """
    if word.startswith("div-") and (found := _if_there(client.division, word)):
        return found.id
    of_venture, slash, name = word.rpartition("/")
    if slash:
        divisions = list(client.every_division(venture_id(client, of_venture)))
        paths = {division.id: f"{of_venture}/{division.name}" for division in divisions}
    else:
        everywhere = [
            (venture, division) for venture in client.every_venture() for division in client.every_division(venture.id)
        ]
        divisions = [division for _, division in everywhere]
        paths = {division.id: f"{venture.name}/{division.name}" for venture, division in everywhere}
    named = [division for division in divisions if division.name == name]
    if len(named) > 1:
        candidates = (f"{paths[division.id]} ({division.id})" for division in named)
        raise Invalid(f"{len(named)} divisions are called {name!r}: give one of {_some(candidates)}")
    if not named:
        raise NotFound(f"there is no division {word!r}{_among(paths.values())}")
    return named[0].id


def venture_argument(*, required: bool = True) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the argument VENTURE, with the names of ventures at the Tab key."""
    return click.argument("venture", required=required, shell_complete=_venture_names)


def division_argument() -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the argument DIVISION, with the names of divisions at the Tab key."""
    return click.argument("division", shell_complete=_division_names)


def process_argument(*, required: bool = True) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the argument PROCESS: one of a division's."""
    return click.argument("process", type=_Process(tuple(PROCESSES)), required=required, metavar="PROCESS")


class _Process(click.Choice[str]):
    """``design``, as in paths; ``design_division``, as in answers, is taken too."""

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return super().convert(value.removesuffix("_division"), param, ctx)


def _if_there(ask: Callable[[str], Venture | Division], word: str) -> Venture | Division | None:
    # What looks like an id may yet be a name.
    try:
        return ask(word)
    except NotFound:
        return None


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - MOST_SHOWN} more" if len(listed) > MOST_SHOWN else ""
    return ", ".join(listed[:MOST_SHOWN]) + more


def _among(names: Iterable[str]) -> str:
    some = _some(names)
    return f": there is {some}" if some else ": there is none yet"


def _venture_names(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return _complete(ctx, lambda client: (venture.name for venture in client.every_venture()), incomplete)


def _division_names(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    def names(client: Client) -> Iterator[str]:
        for venture in client.every_venture():
            for division in client.every_division(venture.id):
                yield division.name
                yield f"{venture.name}/{division.name}"

    return _complete(ctx, names, incomplete)


def _complete(ctx: click.Context, names: Callable[[Client], Iterator[str]], incomplete: str) -> list[CompletionItem]:
    session = ctx.find_object(Session) or Session()
    try:
        with Client(session.socket, timeout_seconds=COMPLETION_SECONDS) as client:
            return [CompletionItem(name) for name in sorted(set(names(client))) if name.startswith(incomplete)]
    except HecateClientError:
        # A shell in the middle of a line has no place for an error.
        return []
