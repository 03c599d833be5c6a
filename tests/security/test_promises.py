"""``docs/security.md``: every promise names a test, and every test that it names is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "security.md").read_text()
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def test_every_test_that_is_named_is_there() -> None:
    """Under its name, as a function that pytest collects."""
    named = NAMED.findall(TEXT)
    assert len(named) > 40
    missing = []
    for file, name in named:
        path = ROOT / file
        functions = ast.parse(path.read_text()).body if path.exists() else []
        if name not in {node.name for node in functions if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}:
            missing.append(f"{file}::{name}")
    assert missing == []


def test_every_promise_names_a_test() -> None:
    """A promise without one is none."""
    promised = TEXT.partition("## What is promised")[2].partition("## What is not promised")[0]
    promises = re.split(r"^- ", promised, flags=re.MULTILINE)[1:]
    assert len(promises) > 15
    assert [promise for promise in promises if not NAMED.search(promise)] == []
