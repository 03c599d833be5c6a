"""What the pages show is what happens: every command of theirs is typed, or the page says why it cannot be."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest

from hecate.daemon.cli import CLI
from hecate.daemon.config import ServeOptions, load
from tests.daemon.cli.reference import BEGIN
from tests.every_route import every_route
from tests.walkthrough import BLOCK, Differs, check, commands_of, steps, walking

ROOT = Path(__file__).resolve().parents[1]
PAGES = {str(path.relative_to(ROOT)): path for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))}
ELSEWHERE = ("docs/api.md",)
"""Its calls are made by `tests.test_docs`."""
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
KINDS = {"console", "sh", "toml", "json", "python", "ini", "jinja", "xml", ""}
WALKED = [page for page, path in PAGES.items() if page not in ELSEWHERE and BLOCK.search(path.read_text())]


@pytest.mark.slow
@pytest.mark.timeout(150)
@pytest.mark.parametrize("page", WALKED)
def test_the_page_is_what_happens(page: str) -> None:
    """If this fails, and rightly so: ``python -m tests.walkthrough PAGE``."""
    with walking() as walk:
        # Below the mark are the examples of the commands' own help, which are command lines that would be taken.
        check(PAGES[page].read_text().partition(BEGIN)[0], walk)


def test_every_kind_of_block_is_looked_at_by_somebody() -> None:
    """A shell's block has a kind that is typed here; and where it is not, a reason is given."""
    for page, path in PAGES.items():
        assert {found[1] for found in FENCE.finditer(path.read_text())} <= KINDS, page
        for block in BLOCK.finditer(path.read_text()):
            assert block["note"] != "not run" or len(block["words"].split()) > 3, (page, block["text"])


TYPED = [
    (page, command)
    for page, path in PAGES.items()
    if page not in ELSEWHERE
    for block in BLOCK.finditer(path.read_text())
    for command in (
        [command for command, _ in steps(block["text"])] if block["kind"] == "console" else commands_of(block["text"])
    )
]


@pytest.mark.parametrize("page", sorted({page for page, _ in TYPED}))
def test_every_command_line_would_be_taken(page: str) -> None:
    """Also if it is not run: commands and options of ``hecate`` exist, and the paths that ``curl`` asks."""
    for _, command in (one for one in TYPED if one[0] == page):
        for words in simple_commands(command):
            if words[0] == "hecate":
                parse(words[1:])
            elif words[0] == "curl":
                asks_what_is_served(words[1:])


def simple_commands(line: str) -> list[list[str]]:
    """Return the words of each command of *line* that is one of Hecate's or ``curl``."""
    lexer = shlex.shlex(line.replace("\\\n", " ").replace("$(", " ; "), posix=True, punctuation_chars="|;&<>()")
    lexer.whitespace_split = True
    lexer.commenters = "#"
    commands: list[list[str]] = [[]]
    skip = False
    for word in lexer:
        if set(word) <= set("|;&()"):
            commands.append([])
        elif set(word) <= set("<>"):
            skip = True
        elif skip:
            skip = False
        else:
            commands[-1].append(word)
    found = []
    for words in commands:
        at = next((place for place, word in enumerate(words) if word in {"hecate", "curl"}), None)
        # `podman … hecate` names an image or a unit, but for `podman exec CONTAINER hecate …`.
        if at is not None and (at == 0 or (words[0] == "podman" and words[1] == "exec") or words[0] == "ssh"):
            last = max(place for place, word in enumerate(words) if word in {"hecate", "curl"})
            found.append(words[last:])
    return found


def parse(words: list[str]) -> None:
    """Take *words* as the command line does, up to what only a daemon could say."""
    command: click.Command = CLI
    context = CLI.make_context("hecate", list(words))
    while isinstance(command, click.Group):
        left = [*context._protected_args, *context.args]
        if not left and command.invoke_without_command:
            return
        name, found, rest = command.resolve_command(context, left)
        assert found is not None
        command = found
        context = command.make_context(name, rest, parent=context)


def asks_what_is_served(words: list[str]) -> None:
    """A path of the API exists, and what is handed in is JSON."""
    address = next((word for word in words if word.startswith("http://localhost/api")), None)
    if address is None:
        return
    path = address.removeprefix("http://localhost").partition("?")[0]
    patterns = [re.sub(r"\{\w+\}", "[^/]+", path) for route in every_route() for path in (route.path, *route.aliases)]
    assert any(re.fullmatch(pattern, path) for pattern in patterns), path
    if "-d" in words:
        json.loads(words[words.index("-d") + 1])


SETTINGS = [
    (page, found[2]) for page, path in PAGES.items() for found in FENCE.finditer(path.read_text()) if found[1] == "toml"
]


@pytest.mark.parametrize("page", sorted({page for page, _ in SETTINGS}))
def test_every_piece_of_configuration_is_taken(page: str, tmp_path: Path) -> None:
    """As the whole of a configuration, and together with the others of its page."""
    for _, text in (one for one in SETTINGS if one[0] == page):
        assert tomllib.loads(text)
        file = tmp_path / "config.toml"
        file.write_text(text)
        load(ServeOptions(config=file, data_dir=tmp_path / "data"))


def test_a_difference_is_seen() -> None:
    """Another word is one; another id, as long as it is one id, is none."""
    block = "```console\n$ echo agg-{id} {word}; echo second\nagg-{id} one\nsecond\n$ echo agg-{id}\n…\nagg-{id}\n```\n"
    with walking() as walk:
        check(block.replace("{word}", "one").replace("{id}", "0" * 20), walk)
        with pytest.raises(Differs, match=r"it gives\nagg-0* two"):
            check(block.replace("{word}", "two").replace("{id}", "0" * 20), walk)


def test_a_command_that_fails_is_seen() -> None:
    """In a block that has commands alone, and in what is typed before one; what is marked is not run."""
    with walking() as walk:
        check("<!-- not run: there is no such thing -->\n```sh\nfalse\n```\n", walk)
        check("<!-- before: touch there -->\n```sh\ntest -e there\n```\n", walk)
        with pytest.raises(Differs, match=r"false\n-- fails with 1"):
            check("```sh\ntrue\nfalse\n```\n", walk)


def test_a_command_goes_on_after_a_backslash() -> None:
    """And its output begins after its last line."""
    assert list(steps("$ one \\\n    two\nout\n$ three\n")) == [("one \\\n    two", "out"), ("three", "")]
    assert commands_of("one \\\n    two\n\nthree  # four\n") == ["one \\\n    two", "three  # four"]
