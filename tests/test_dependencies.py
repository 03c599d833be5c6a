"""Dependencies: each has its reason in docs/dependencies.md, and nothing is there that is no dependency."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
TEXT = (ROOT / "docs" / "dependencies.md").read_text()
ROW = re.compile(r"^\| (?P<packages>[^|]+) \| (?P<reason>[^|]+) \|", re.MULTILINE)
NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
TEENS = ("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty")


def names(requirements: list[str]) -> set[str]:
    """Return the names of the packages in *requirements*."""
    return {Requirement(requirement).name for requirement in requirements}


def reasons(section: str) -> dict[str, str]:
    """Return the packages that the tables under a heading name, each with its reason."""
    text = TEXT.partition(f"\n{section}\n")[2]
    text = re.split(r"^#{2,3} ", text, maxsplit=1, flags=re.MULTILINE)[0]
    found: dict[str, str] = {}
    for row in ROW.finditer(text):
        for package in re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", row["packages"]).split(","):
            found[package.strip()] = row["reason"]
    return {name: reason for name, reason in found.items() if re.fullmatch(r"[a-z0-9-]+", name) and name != "package"}


def test_what_is_needed_to_run_has_its_reason() -> None:
    """Each package, what it is for, and what it would take to do without; the number in words is right, too."""
    needed = names(PROJECT["project"]["dependencies"])
    given = reasons("## To run")
    assert given.keys() - {"---"} == needed
    assert all(len(reason) > 20 for name, reason in given.items() if name in needed)
    in_words = (*NUMBERS, *TEENS)[len(needed)]
    assert re.search(rf"\b{in_words}\s+packages are needed to run", TEXT, re.IGNORECASE)


def test_what_an_extra_brings_has_its_reason() -> None:
    """All of its packages are named in the extra's row."""
    for extra, requirements in PROJECT["project"]["optional-dependencies"].items():
        row = next((line for line in TEXT.splitlines() if line.startswith(f"| `hecate[{extra}]`")), "")
        assert row, extra
        assert names(requirements) <= set(re.findall(r"[a-z0-9-]+", row)), extra


def test_what_is_needed_to_work_on_it_has_its_reason() -> None:
    """Every package of every group, and none that is in no group any more."""
    groups = PROJECT["dependency-groups"]
    needed = names([requirement for group in groups if group != "build" for requirement in groups[group]])
    given = {name for name in reasons("## To work on Hecate") if name != "---"}
    assert given == needed
