"""A desk's body by a language model: kept if the suite still passes with it."""

from __future__ import annotations

import ast
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, NamedTuple

import msgspec

from hecate.jobs.structured_answer import ask_structured
from hecate.suites.project_environment import prepare_environment

if TYPE_CHECKING:
    from pathlib import Path

    from hecate.generate_division.skeleton.design import Design, PlannedDesk
    from hecate.jobs.job import Job

SUITE_SECONDS = 300.0
LONGEST_FILE = 100_000
"""Characters of a file that a model may write."""

SYSTEM = """\
You fill in one desk of an event-sourced Python project in vertical slices. You are given the desk's module and its \
test module as a generator has written them. Answer with both modules, whole: the desk with the rules that its \
description, its aggregate and its events imply, and the tests of these rules. decide() is a pure function of the \
history and the command; what must not happen raises Refused of the package's messages module. Keep the names of \
classes, fields and functions, the stored names of events, and the constant DESK; import nothing but the standard \
library and the project's own modules; no file, network, clock or randomness."""


class Body(msgspec.Struct, frozen=True):
    """The two modules."""

    desk: Annotated[str, msgspec.Meta(description="the whole text of the desk's module")]
    test: Annotated[str, msgspec.Meta(description="the whole text of its test module")]


class Filled(NamedTuple):
    """What a model has answered."""

    texts: Mapping[str, str]
    """By their paths."""
    model: str
    """Its provider, a slash, and its name."""


async def ask_for_body(job: Job, model: str, design: Design, desk: PlannedDesk, texts: Mapping[str, str]) -> Filled:
    """Return how *model* fills in a desk.

    Args:
        job: On whose account.
        model: As callers of a chat name it.
        design: Of the division.
        desk: Which is filled in.
        texts: Of the desk's module and of its test, in this order, by their paths.

    Raises:
        HecateError: No provider has the model, it fails, or it answers nonsense.
    """
    (desk_path, desk_text), (test_path, test_text) = texts.items()
    asked = await ask_structured(
        job,
        system=SYSTEM,
        prompt=_prompt(design, desk, texts),
        form=Body,
        model=model,
        wrong=lambda body: what_is_lost(desk_text, body.desk) or what_is_lost(test_text, body.test, names=False),
    )
    return Filled(
        {desk_path: as_module(asked.answer.desk), test_path: as_module(asked.answer.test)},
        asked.model,
    )


def _prompt(design: Design, desk: PlannedDesk, texts: Mapping[str, str]) -> str:
    aggregate = next((one for one in design.aggregates if one.name == desk.aggregate), None)
    events = [event for event in design.events if event.aggregate == desk.aggregate]
    parts = [
        f"The division is called {design.division}, of the venture {design.venture}.",
        f"The desk {desk.name!r} ({desk.type}): {desk.description[:4000] or '(no description)'}",
    ]
    if aggregate is not None:
        parts.append(f"Its aggregate {aggregate.name!r}: {aggregate.description[:4000] or '(no description)'}")
    if events:
        parts.append("Events of the aggregate:\n" + "\n".join(_event_line(event) for event in events[:100]))
    parts += [f"{path}:\n\n{text}" for path, text in texts.items()]
    return "\n\n".join(parts)


def _event_line(event: object) -> str:
    name, fields, description = (getattr(event, field) for field in ("name", "payload_fields", "description"))
    return f"- {name} ({', '.join(fields)}): {description[:500]}"


def as_module(text: str) -> str:
    """Return what a model has written as a module's text: without fences, with one line end."""
    lines = text.strip().splitlines()
    if lines and lines[0].startswith("```"):
        lines = lines[1:-1] if lines[-1].startswith("```") else lines[1:]
    return "\n".join(lines).strip() + "\n"


def what_is_lost(before: str, after: str, *, names: bool = True) -> str:
    """Return what is wrong with a module that is to take the place of another; empty: nothing.

    Args:
        before: The text of the one that is there.
        after: The text of the new one.
        names: Whether the new one must have every name of the old one.
    """
    if len(after) > LONGEST_FILE:
        return f"a module is longer than {LONGEST_FILE:,} characters"
    try:
        tree = ast.parse(as_module(after))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as exc:
        return f"a module is not Python: {exc}"
    missing = _names(ast.parse(before)) - _names(tree) if names else set()
    return f"the desk's module has no {', '.join(sorted(missing))}" if missing else ""


def _names(tree: ast.Module) -> set[str]:
    """Return the names of what a module defines at its top."""
    found: set[str] = set()
    for node in tree.body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return found


async def suite_passes(job: Job, folder: Path) -> str:
    """Return how the suite of the project in *folder* has failed; empty: it passes.

    Raises:
        Refused: It cannot be run, or what it needs cannot be installed.
    """
    await prepare_environment(job, folder)
    own = folder / ".venv" / "bin" / "python"
    python = str(own) if own.exists() else sys.executable
    with_pytest = (own.with_name("pytest")).exists() if own.exists() else find_spec("pytest") is not None
    # The generated tests are unittest's, so that there is always something to run them with.
    command = (
        ("pytest", "-q", "-p", "no:cacheprovider")
        if with_pytest
        else ("unittest", "discover", "-s", "tests", "-t", ".")
    )
    end = await job.run(
        (python, "-m", *command),
        folder=folder,
        timeout_seconds=SUITE_SECONDS,
        environment={
            "PYTHONPATH": "src",
            "PYTHONDONTWRITEBYTECODE": "1",
            **({} if own.exists() else {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}),
        },
    )
    return "" if end.succeeded else end.in_words
