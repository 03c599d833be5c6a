"""The arrows of imports, the names of files, and where work may be done: what keeps the tree readable."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hecate import catalog
from hecate.rest.desk_routes import path_of

SOURCE = Path(catalog.__file__).parent
ROOT = SOURCE.parents[1]
MODULES = {
    ".".join(("hecate", *path.relative_to(SOURCE).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in sorted(SOURCE.rglob("*.py"))
}
FOUND = catalog.find()
PROCESSES = {process.name for process in FOUND.desks} | {"guide_venture", "publish_facts"}
"""The packages that meet only through facts."""
FEATURES = PROCESSES | {"report_health"}
BASICS = {"endpoints", "dossiers", "side_files", "jobs", "workspaces", "suites", "child_processes"}

MAY_IMPORT: dict[str, set[str]] = {
    "dossiers": set(),
    "endpoints": {"dossiers.errors"},
    "paths": set(),
    "side_files": {"dossiers.errors"},
    "catalog": {"dossiers", "endpoints"},
    "child_processes": {"dossiers.errors"},
    "workspaces": {"dossiers.errors", "child_processes"},
    "jobs": {"dossiers", "endpoints", "workspaces", "child_processes"},
    "suites": {"dossiers.errors", "jobs", "workspaces", "child_processes"},
    "rest": {"catalog", *BASICS},
    "serve_llm": {"dossiers.errors", "endpoints", "side_files"},
    "join_mesh": {"serve_llm", *BASICS},
    "forget_venture": {"deploy_division.deploy_settings", "join_mesh", "serve_llm", *BASICS},
    "restrict_geography": {"dossiers.errors", "endpoints"},
    "keep_store": {"dossiers"},
    "client": {"paths"},
    "console": {"dossiers.errors", "endpoints"},
    **dict.fromkeys(FEATURES, BASICS),
    "report_metrics": {"report_health", "serve_llm", *BASICS},
}
"""What of hecate each part may import besides itself and the version; ``daemon`` may import everything."""

VERB_FIRST = re.compile(r"[a-z]+_[a-z_]+")
VAGUE = re.compile(r"(^|_)(utils?|helpers?|managers?|services?|handlers?|misc|common|base)($|_)")


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Give every module of hecate that the file imports, also for type checking, with the line."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively"
            module = node.module or ""
            for alias in node.names:
                inner = f"{module}.{alias.name}"
                yield (inner if inner in MODULES else module), node.lineno


def part_of(module: str) -> str:
    """Return the part of hecate that *module* belongs to: its package at the top."""
    return module.removeprefix("hecate.").partition(".")[0]


def allowed(part: str, imported: str) -> bool:
    """Tell whether *part* may import the module of hecate."""
    name = imported.removeprefix("hecate").removeprefix(".")
    if not name or part_of(imported) == part:
        return True  # hecate itself has the version only
    return any(name == one or name.startswith(f"{one}.") for one in MAY_IMPORT[part])


@pytest.mark.parametrize("module", [module for module in MODULES if part_of(module) != "daemon"])
def test_imports_follow_the_arrows(module: str) -> None:
    """Processes import the engine and never each other; the engine imports nothing; nobody imports the daemon."""
    wrong = [
        f"{MODULES[module].relative_to(ROOT)}:{line} imports {imported}"
        for imported, line in imports(MODULES[module])
        if imported.partition(".")[0] == "hecate" and not allowed(part_of(module), imported)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("part", "imported"),
    [
        ("plan_division", "hecate.design_division.design_event"),
        ("plan_division", "hecate.rest.body"),
        ("dossiers", "hecate.endpoints"),
        ("serve_llm", "hecate.dossiers.engine"),
        ("rest", "hecate.daemon.config"),
        ("client", "hecate.dossiers.errors"),
    ],
)
def test_an_arrow_the_wrong_way_is_seen(part: str, imported: str) -> None:
    """The test above can fail."""
    assert not allowed(part, imported)


def test_every_part_has_its_arrows() -> None:
    """A new package is placed here before it imports anything."""
    parts = {part_of(module) for module in MODULES} - {"hecate", "daemon"}
    assert parts <= set(MAY_IMPORT)


def test_starting_imports_little() -> None:
    """The command line must not load the daemon to print its help: that would take half a second."""
    program = "import sys, hecate.daemon.cli; print('\\n'.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split()
    assert not {"apsw", "uvicorn", "aiohttp", "hecate.dossiers.engine", "hecate.catalog"} & set(loaded)


# -- names


def test_names_say_what() -> None:
    """No file is called by what every program has."""
    assert [module for module in MODULES if VAGUE.search(module.rpartition(".")[2])] == []


def test_a_desks_file_is_its_command() -> None:
    """``design_event.py`` has ``DesignEvent``: verb first, as it is said."""
    for process, desks in FOUND.desks.items():
        for desk in desks:
            module = desk.decide.__module__
            if not module.startswith(f"hecate.{process.name}."):
                continue  # a lifecycle's desk, written once for all
            file = module.rpartition(".")[2]
            assert VERB_FIRST.fullmatch(file)
            assert desk.command.__name__ == "".join(word.title() for word in file.split("_"))
            assert not file.startswith("test_"), "a test runner would collect it"
            assert file.partition("_")[0] not in {"create", "update", "delete"}


def test_a_process_is_the_name_of_its_package() -> None:
    """``PROCESS.name`` is what the folder is called."""
    for process in FOUND.desks:
        assert f"hecate.{process.name}" in MODULES


def test_a_read_model_is_a_plural_and_a_policy_a_rule() -> None:
    """By their file one sees what they are."""
    for module, path in MODULES.items():
        names = {target.id for target in _constants(path)}
        file = module.rpartition(".")[2]
        if "POLICY" in names:
            assert re.fullmatch(r"on_\w+_maybe_\w+", file), module
        if "ITEM_LIST" in names:
            assert file in {found.name for found in FOUND.item_lists}, module


def _constants(path: Path) -> Iterator[ast.Name]:
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign):
            yield from (target for target in node.targets if isinstance(target, ast.Name))


# -- documentation and work at import


@pytest.mark.parametrize("module", MODULES)
def test_a_module_says_what_it_is_for(module: str) -> None:
    """In a docstring whose first line is a sentence or a heading, and within the width of a page."""
    docstring = ast.get_docstring(ast.parse(MODULES[module].read_text()))
    assert docstring, module
    assert len(docstring.splitlines()[0]) <= 120


def test_a_desks_docstring_has_its_path() -> None:
    """So that one can search for a path and find the file."""
    for process, desks in FOUND.desks.items():
        for desk in desks:
            module = desk.decide.__module__
            if module.startswith(f"hecate.{process.name}."):
                docstring = ast.get_docstring(ast.parse(MODULES[module].read_text())) or ""
                assert f"POST {path_of(process, desk.path)}\n" in f"{docstring}\n", module


def test_a_queries_docstring_has_its_path() -> None:
    """The same for what is read."""
    for route in FOUND.routes:
        module = route.call.__module__
        if module in MODULES and part_of(module) in FEATURES:
            docstring = ast.get_docstring(ast.parse(MODULES[module].read_text())) or ""
            assert f"{route.method} {route.path}" in docstring, module


OUTSIDE = {"open", "print", "input", "exec", "eval", "__import__"}
OUTSIDE_MODULES = {"os", "socket", "subprocess", "urllib", "asyncio", "threading", "time", "random", "apsw", "shutil"}
HARMLESS = {"os.environ.get", "asyncio.Event", "threading.local", "time.monotonic"}


@pytest.mark.parametrize("module", MODULES)
def test_importing_does_no_work(module: str) -> None:
    """At the top level of a module there are values and definitions: no file, no process, no network, no clock."""
    path = MODULES[module]
    calls = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for call in _calls_at_import(ast.parse(path.read_text()))
        if _reaches_outside(ast.unparse(call.func))
    ]
    assert calls == []


def _calls_at_import(tree: ast.Module) -> Iterator[ast.Call]:
    for statement in tree.body:
        if not isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.If)):
            yield from (node for node in ast.walk(statement) if isinstance(node, ast.Call))


def _reaches_outside(called: str) -> bool:
    first = called.partition(".")[0]
    return called in OUTSIDE or (first in OUTSIDE_MODULES and called not in HARMLESS)
