"""A generated project passes its own formatter, linter, type checker and tests, whatever the design."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from hecate.generate_division.skeleton.design import Design
from hecate.generate_division.skeleton.rendering import render
from hecate.generate_division.skeleton.template_folder import names, read_templates
from tests.generate_division.skeleton import any_design

RANDOM_DESIGNS = int(os.environ.get("HECATE_RANDOM_DESIGNS", "6"))
"""How many are generated and checked by their tools; a second or two for each."""


def write(design: Design, template: str, folder: Path) -> None:
    """Write the project of *design* into *folder*."""
    for file in render(design, read_templates(template, None)):
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.text, encoding="utf-8")


@pytest.mark.timeout(120 + 5 * RANDOM_DESIGNS)
@pytest.mark.parametrize("template", names(None))
def test_a_project_passes_its_own_checks(tmp_path: Path, template: str) -> None:
    """Random designs, none at all, one that is called as a library is, and one of fifty aggregates."""
    drawn: list[Design] = [
        Design(venture="v", division="d", project="project"),
        Design(venture="v", division="eventsourcing", project="project"),
        any_design.large(50),
    ]

    @settings(
        max_examples=RANDOM_DESIGNS,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(any_design.designs())
    def draw(design: Design) -> None:
        drawn.append(design)

    draw()
    for number, design in enumerate(drawn):
        write(design, template, tmp_path / str(number))
    program = Path(__file__).with_name("check_projects.py")
    done = subprocess.run([sys.executable, str(program), str(tmp_path)], capture_output=True, text=True, check=False)
    wrong = [f"{number}: {design}" for number, design in enumerate(drawn) if f"\n{number}:\n" in f"\n{done.stdout}"]
    assert done.returncode == 0, "\n".join([done.stdout, done.stderr, *wrong])
