"""The documents: what they show is what happens, what they list is what there is, and where they point something is."""

from __future__ import annotations

import difflib
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from hecate.dossiers.errors import HecateError
from hecate.endpoints import Route
from hecate.serve_llm.providers import provider_kinds
from tests.every_route import every_route
from tests.refresh import API_REFERENCE, HOW, ROOT, new_daemon
from tests.transcripts import Standing, Step, differs, run, steps_in

TEXT = API_REFERENCE.read_text()
SECTION = re.compile(r"^### `(?P<method>[A-Z]+) (?P<path>\S+)`\n(?P<text>.*?)(?=^#{2,3} |\Z)", re.MULTILINE | re.DOTALL)
SECTIONS = {(found["method"], found["path"]): found["text"] for found in SECTION.finditer(TEXT)}
MENTION = re.compile(r"`(GET|POST|PUT|DELETE) (/[^`\s]*)`")
PROCESSES = re.findall(r"^\| `(\w+)` \| [^|]+ \| `GET /api/divisions/", TEXT, re.MULTILINE)
FIELD_ROW = re.compile(r"^\| (?P<fields>`[^|]+)\|[^|]*\|[^|]*\|$", re.MULTILINE)
FIELD = re.compile(r"`(\w+)`(\*?)")
ERROR_ROW = re.compile(r"^\| `(\w+)` \| ([\d,; ]+) \|", re.MULTILINE)

DOCUMENTS = [
    path for path in (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))) if path.name != "template.md"
]
LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)

ROUTES = every_route()


def expanded(path: str) -> list[str]:
    """Return *path* once for each process that it stands for."""
    return [path.replace("{process}", process) for process in PROCESSES] if "{process}" in path else [path]


# -- the API reference


def test_every_example_gives_what_is_written() -> None:
    """The calls are made again, in their order, on a daemon to which nothing has happened yet."""
    standing = Standing()
    with new_daemon() as caller:
        for step in steps_in(TEXT):
            output = run(standing.in_this_run(step.command), caller)
            if differs(step, output, standing):
                changes = difflib.unified_diff(
                    step.output.splitlines(), standing.as_written(output).splitlines(), "written", "given", lineterm=""
                )
                pytest.fail(
                    f"docs/api.md:{step.line}: {step.command}\n" + "\n".join(changes) + f"\n{HOW}", pytrace=False
                )


def test_a_difference_is_seen() -> None:
    """Ids and times may differ, but one for one; nothing else may."""
    one, other = "div-01a20f3aa9e500013d70", "div-01a2106711f9000c3209"
    step = Step("curl", f'{{"id": "{one}", "again": "design-{one}", "state": "active"}}\n', 1)
    assert not differs(step, step.output.replace(one, other), Standing())
    assert differs(step, step.output.replace("active", "paused"), Standing())
    assert differs(step, step.output.replace(one, other, 1), Standing())


def test_every_route_is_in_the_reference() -> None:
    """And nothing else: the document and the daemon name the same paths."""
    mentioned = {(method, path) for method, named in MENTION.findall(TEXT) for path in expanded(named)}
    served = {(route.method, path) for route in ROUTES for path in (route.path, *route.aliases) if is_told(route)}
    assert mentioned == served


def is_told(route: Route) -> bool:
    """Tell whether the reference has *route*: all that are listed, and the aliases of commands."""
    return route.listed or route.is_command


def test_every_section_has_an_example_of_its_route() -> None:
    """Each heading that is a path is followed by a call of it."""
    assert len(SECTIONS) > 30
    for (method, path), text in SECTIONS.items():
        pattern = re.compile(re.sub(r"\{\w+\}", "[^/]+", path))
        calls = [call(step.command) for step in steps_in(text)]
        assert any(verb == method and pattern.fullmatch(called) for verb, called in calls), (method, path)


def call(command: str) -> tuple[str, str]:
    """Return method and path of a ``curl`` call."""
    address = re.search(r"http://localhost([^\s'?]+)", command)
    assert address, command
    given = re.search(r"-X (\w+)", command)
    return given[1] if given else "POST" if " -d " in command else "GET", address[1]


def test_every_field_of_a_body_is_in_its_table() -> None:
    """With a star where it is required."""
    by_path = {(route.method, path): route for route in ROUTES for path in (route.path, *route.aliases)}
    for (method, path), text in SECTIONS.items():
        body = by_path[method, expanded(path)[0]].body
        fields = msgspec.structs.fields(body) if body else ()
        table = [FIELD.findall(row["fields"]) for row in FIELD_ROW.finditer(text.partition("| role |")[0])]
        written = {name: star == "*" for row in table for name, star in row}
        if method == "POST":
            assert written == {field.name: field.required for field in fields}, (method, path)


def test_every_error_code_is_in_the_reference() -> None:
    """With its statuses."""
    importlib.import_module("hecate.daemon.assembly")
    there: dict[str, set[int]] = {}
    kinds: list[type[HecateError]] = [HecateError, *subclasses(HecateError)]
    for kind in kinds:
        if kind.status < 600:
            there.setdefault(kind.code, set()).add(kind.status)
    written = {
        code: {int(status) for status in re.findall(r"\d+", statuses)} for code, statuses in ERROR_ROW.findall(TEXT)
    }
    assert written == there


def subclasses(kind: type[HecateError]) -> Iterator[type[HecateError]]:
    """Give every kind of *kind*."""
    for one in kind.__subclasses__():
        if one.__module__.startswith("hecate."):
            yield one
        yield from subclasses(one)


# -- the page of the providers


def test_every_provider_is_in_its_page() -> None:
    """The table of kinds has each, and no other."""
    table = (ROOT / "docs/providers.md").read_text().partition("| kind |")[2].partition("\n\n")[0]
    first_cells = "".join(line.split("|")[1] for line in table.splitlines() if line.startswith("|"))
    assert set(re.findall(r"`(\w+)`", first_cells)) == set(provider_kinds())


# -- every document


def anchors(document: Path) -> set[str]:
    """Return the anchors of the headings in *document*, as GitHub makes them."""
    headings = HEADING.findall(CODE.sub("", document.read_text()))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(document: Path) -> None:
    """To a file in the tree, and to a heading in it; addresses on the net are not looked at."""
    for link in LINK.finditer(CODE.sub("", document.read_text())):
        file, _, anchor = link["target"].partition("#")
        if "://" in file or file.startswith("mailto:"):
            continue
        target = document if not file else (document.parent / file).resolve()
        assert target.exists(), link["target"]
        if anchor:
            assert anchor in anchors(target), link["target"]
