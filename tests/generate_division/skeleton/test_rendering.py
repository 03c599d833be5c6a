"""Rendering: templates, a user's own, and their mistakes."""

from __future__ import annotations

import ast
import shutil
import time
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import HealthCheck, given, settings

from hecate.dossiers.errors import Refused
from hecate.generate_division.skeleton.design import Design, DesignedAggregate, DesignedEvent, PlannedDesk
from hecate.generate_division.skeleton.rendering import TemplateWrong, render
from hecate.generate_division.skeleton.template_folder import BUILT_IN as BUILT_IN_FOLDER, names, read_templates
from tests.generate_division.skeleton.any_design import designs, large

BUILT_IN = read_templates("python", None)
DESIGN = Design(
    venture="Shop",
    division="Auth",
    project="auth",
    aggregates=(DesignedAggregate(name="user"),),
    events=(DesignedEvent(name="user_locked", aggregate="user"),),
    desks=(
        PlannedDesk(id="d1", name="register_user", aggregate="user"),
        PlannedDesk(id="d2", name="show_user", aggregate="user", type="query"),
    ),
    order=("d2",),
)


@given(designs())
@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
def test_any_design_gives_python(design: Design) -> None:
    """At paths inside the project, the same each time."""
    files = render(design, BUILT_IN)
    assert files == render(design, BUILT_IN)
    for file in files:
        path = PurePosixPath(file.path)
        assert path.parts[0] in {"project", ".github"}
        assert ".." not in path.parts
        assert len(path.name) < 100
        if path.suffix == ".py":
            ast.parse(file.text)
        assert file.text.endswith("\n") or not file.text


@given(designs(), designs())
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
def test_what_all_desks_rest_on_does_not_depend_on_them(one: Design, other: Design) -> None:
    """So that a new desk is new files, and no change of others."""

    def shared(desks: tuple[PlannedDesk, ...]) -> dict[str, str]:
        design = Design(venture="v", division="d", project="p", aggregates=one.aggregates, desks=desks)
        return {
            file.path: file.text
            for file in render(design, BUILT_IN)
            if not file.desk_id and "ggregates" not in file.path
        }

    assert shared(one.desks) == shared(other.desks)


def test_files_come_in_the_order_of_the_plan() -> None:
    """First what all need; then desk by desk, those without a place last."""
    assert list(dict.fromkeys(file.desk_id for file in render(DESIGN, BUILT_IN))) == ["", "d2", "d1"]


def test_an_event_keeps_the_file_that_it_has() -> None:
    """A desk that is planned later imports it from there."""
    locking = Design(
        venture=DESIGN.venture,
        division=DESIGN.division,
        project=DESIGN.project,
        aggregates=DESIGN.aggregates,
        events=DESIGN.events,
        desks=(*DESIGN.desks, PlannedDesk(id="d3", name="lock_user", aggregate="user")),
    )
    path = "auth/src/auth/events/user_locked.py"
    assert path in {file.path for file in render(DESIGN, BUILT_IN)}
    assert path not in {file.path for file in render(locking, BUILT_IN)}
    files = {file.path: file.text for file in render(_written(locking, path), BUILT_IN)}
    assert path in files
    assert "from auth.events.user_locked import UserLocked" in files["auth/src/auth/commands/lock_user.py"]


def _written(design: Design, *paths: str) -> Design:
    fields = {name: getattr(design, name) for name in Design.__struct_fields__}
    return Design(**{**fields, "written": paths})


def test_many_aggregates_take_a_moment() -> None:
    """Fifty of them, with three desks each."""
    began = time.process_time()
    assert len(render(large(50), BUILT_IN)) > 400
    assert time.process_time() - began < 20


# -- a user's own templates


def own(folder: Path, **files: str) -> Path:
    """Write templates called ``acme`` into *folder*: ``__`` before a name's last word is a dot."""
    for name, text in files.items():
        path = folder / "acme" / f"{name}.jinja"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_a_template_of_ones_own_stands_in_for_one(tmp_path: Path) -> None:
    """The others stay; it may include what makes no file of its own."""
    folder = own(
        tmp_path,
        **{
            "__project__/README.md": '{% include "_words.jinja" %} {{ project.division }}',
            "_words": "Hello",
            "docs/__command__.md": "{{ desk.title }}",
        },
    )
    assert names(folder) == ["eventsourcing", "python", "acme"]
    files = {file.path: file for file in render(DESIGN, read_templates("acme", folder))}
    assert files["auth/README.md"].text == "Hello Auth"
    assert (files["docs/register_user.md"].text, files["docs/register_user.md"].desk_id) == ("register_user", "d1")
    assert set(files) == {file.path for file in render(DESIGN, BUILT_IN)} | {"docs/register_user.md"}


def test_another_built_in_template_is_laid_over_the_default() -> None:
    """It makes the same files, and only those of the store differ."""
    usual = {file.path: file.text for file in render(DESIGN, BUILT_IN)}
    other = {file.path: file.text for file in render(DESIGN, read_templates("eventsourcing", None))}
    assert set(usual) == set(other)
    assert {path for path in usual if usual[path] != other[path]} == {
        "auth/README.md",
        "auth/pyproject.toml",
        "auth/src/auth/event_store.py",
        "auth/tests/test_event_store.py",
    }


def test_a_template_of_ones_own_may_lie_over_another_built_in_one(tmp_path: Path) -> None:
    """By its name."""
    (tmp_path / "eventsourcing" / "__project__").mkdir(parents=True)
    (tmp_path / "eventsourcing" / "__project__" / "README.md.jinja").write_text("mine")
    files = {file.path: file.text for file in render(DESIGN, read_templates("eventsourcing", tmp_path))}
    assert files["auth/README.md"] == "mine"
    assert "eventsourcing>=" in files["auth/pyproject.toml"]


def test_a_copy_of_a_built_in_template_makes_the_same(tmp_path: Path) -> None:
    """Under any name, also where it extends another."""
    shutil.copytree(BUILT_IN_FOLDER / "eventsourcing", tmp_path / "acme")
    assert render(DESIGN, read_templates("acme", tmp_path)) == render(DESIGN, read_templates("eventsourcing", None))


def test_a_template_of_ones_own_may_extend_the_default(tmp_path: Path) -> None:
    """Which has its name in front there."""
    text = '{% extends "python/__project__/pyproject.toml.jinja" %}{% block dependencies %}dependencies = ["x"]\n'
    folder = own(tmp_path, **{"__project__/pyproject.toml": f"{text}{{% endblock %}}"})
    usual = {file.path: file.text for file in render(DESIGN, BUILT_IN)}
    files = {file.path: file.text for file in render(DESIGN, read_templates("acme", folder))}
    path = "auth/pyproject.toml"
    assert files[path] == usual[path].replace("dependencies = []", 'dependencies = ["x"]', 1)
    assert set(files) == set(usual)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("one\n{% if %}", 2, "Expected an expression"),
        ("one\n\n{{ nobody }}", 3, "'nobody' is undefined"),
        ("{{ project.nothing }}", 1, "has no attribute 'nothing'"),
        ("\n{{ 1 / 0 }}", 2, "division by zero"),
        ("\n{{ 'a' + 1 }}", 2, "can only concatenate"),
        ("{{ project.package | no_filter }}", 1, "no_filter"),
        ("{{ ''.__class__.__mro__ }}", 1, "unsafe"),
        ("{{ project.aggregates.append(1) }}", 1, "no attribute 'append'"),
        ("{{ range(10 ** 9) | list }}", 1, "Range too big"),
        ("{% include 'nothing.jinja' %}", 1, "nothing.jinja"),
        ("{% include '/etc/passwd' %}", 1, "/etc/passwd"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, text: str, line: int, said: str) -> None:
    """The template and the line, and what is wrong."""
    folder = own(tmp_path, **{"__project__/README.md": text})
    with pytest.raises(TemplateWrong) as caught:
        render(DESIGN, read_templates("acme", folder))
    assert f"template '__project__/README.md.jinja', line {line}," in str(caught.value)
    assert said in str(caught.value)


def test_two_templates_for_one_file_are_refused(tmp_path: Path) -> None:
    """Which of them would be meant?"""
    folder = own(tmp_path, **{"__project__/register_user.md": "", "__project__/__command__.md": ""})
    with pytest.raises(TemplateWrong, match=r"both make 'auth/register_user\.md'"):
        render(DESIGN, read_templates("acme", folder))


@pytest.mark.parametrize("name", ["nothing", "..", "", "a/b", "/etc", "acme/../acme"])
def test_there_is_no_such_template(tmp_path: Path, name: str) -> None:
    """A name is a folder of the templates', and nothing else."""
    with pytest.raises(Refused, match="there are eventsourcing, python, acme"):
        read_templates(name, own(tmp_path, readme=""))


def test_a_template_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Such as one that is no text, or far too long."""
    folder = own(tmp_path, readme="")
    template = folder / "acme" / "readme.jinja"
    template.write_bytes(b"\xff")
    with pytest.raises(Refused, match="not UTF-8"):
        read_templates("acme", folder)
    template.write_bytes(b"x" * (1024 * 1024 + 1))
    with pytest.raises(Refused, match="larger than"):
        read_templates("acme", folder)


def test_a_link_that_leads_out_of_a_template_folder_is_refused(tmp_path: Path) -> None:
    """A folder from somewhere would have a person's keys committed; links within it are templates as others are."""
    folder = own(tmp_path, readme="")
    (tmp_path / "key").write_text("secret")
    (folder / "acme" / "within.jinja").symlink_to("readme.jinja")
    read_templates("acme", folder)
    (folder / "acme" / "out.jinja").symlink_to(tmp_path / "key")
    with pytest.raises(Refused, match=r"out\.jinja is a link that leads out of its folder"):
        read_templates("acme", folder)
