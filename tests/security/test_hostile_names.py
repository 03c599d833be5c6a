"""Names that want to be something else: a command, a path, a template.  Jobs refuse them, or take them for names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.asked_models import asker, model, with_model
from tests.calling import Caller, Reply
from tests.generate_division.generated import Generated, planned
from tests.rescue_division.trouble import Trouble
from tests.serving import serving

__all__ = ["asker", "model", "with_model"]

SPY = "{spy}"
HOSTILE = (
    *("$({spy})", "`{spy}`", "; {spy} #", "| {spy}", "&& {spy}", "\n{spy}\n", "'; {spy}; '", '"; {spy}; "', "-x{spy}"),
    *("../outside", "/{outside}/x", "..", ".git/hooks/post-commit", "a/../../outside", "..\\..\\outside", "~/outside"),
    *(
        "{{ 7919 * 7919 }}",
        "{% for x in [1] %}x{% endfor %}",
        "{{ ''.__class__.__mro__ }}",
        "{# #}",
        "${{7919*7919}}",
        "%(x)s",
    ),
    *("--upload-pack={spy}", "-c", "--exec-path=/tmp", "@{-1}", "con", "x" * 150, "a\u202eb", "\u2026", ":(top)x"),
    *('"""\nimport os; os.system("{spy}")\n"""', "'''", "\\", "x'); __import__('os').system('{spy}') #", "import os"),
)


class Watched:
    """A place where every trace of a name that had its way would be."""

    def __init__(self, folder: Path) -> None:
        self.trace = folder / "trace"
        self.outside = folder / "outside"
        self.outside.mkdir()
        self.spy = folder / "spy"
        self.spy.write_text(f"#!/bin/sh\ntouch {self.trace}\n")
        self.spy.chmod(0o755)
        self.before = self.listed(folder)
        self.folder = folder

    @staticmethod
    def listed(folder: Path) -> set[str]:
        """What is in *folder*, but for what is in the workspace."""
        return {str(path) for path in folder.rglob("*") if "workspace" not in path.parts}

    def hostile(self, share: int = 0, of: int = 1) -> Iterator[str]:
        """Give one *share* *of* so many of the names, with the paths of this place."""
        for name in HOSTILE[share::of]:
            yield name.replace("{spy}", str(self.spy)).replace("{outside}", str(self.outside))

    def check(self, name: str) -> None:
        """See that *name* has made nothing happen."""
        assert not self.trace.exists(), f"{name!r} was run"
        assert self.listed(self.folder) == self.before, f"{name!r} has written outside"


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    """The place, to which the workspaces of these tests belong."""
    return Watched(tmp_path)


def is_told(reply: Reply) -> bool:
    """Tell whether a refusal is one of a caller's mistakes, or there is none."""
    return reply.status in {200, 201} or (reply.code in {"validation_error", "conflict", "not_found"})


@pytest.mark.parametrize("share", range(4))
def test_what_is_designed_and_planned_is_only_named(
    caller: Caller, tmp_path: Path, watched: Watched, share: int
) -> None:
    """Divisions, aggregates, events, fields and desks, up to generated code that passes its own tests."""
    for number, name in enumerate(watched.hostile(share, 4)):
        workspace = tmp_path / f"{number}" / "workspace"
        workspace.mkdir(parents=True)
        watched.before.add(str(workspace.parent))
        venture_id = caller.venture(workspace=str(workspace))
        caller.done(f"/api/ventures/{venture_id}/discovery/start")
        made = caller.post(
            f"/api/ventures/{venture_id}/discovery/discover", {"division_name": name, "description": name}
        )
        assert is_told(made), (name, made)
        if made.status != 201:
            continue
        path = f"/api/divisions/{made.json['id']}"
        for process in ("design", "plan", "generate"):
            caller.done(f"{path}/{process}/start")
        for what, body in (
            ("design/aggregate", {"aggregate_name": name, "description": name}),
            ("design/event", {"event_name": name, "payload_fields": [name], "description": name}),
            ("plan/desk", {"desk_name": name, "description": name}),
        ):
            assert is_told(caller.post(f"{path}/{what}", body)), (name, what)
        reply = caller.post(f"{path}/generate/skeleton?wait=true", {})
        assert is_told(reply), (name, reply)
        for file in workspace.rglob("*"):
            assert file.resolve().is_relative_to(workspace), file
            if file.is_file() and ".git" not in file.parts:
                assert "62710561" not in file.name
                text = file.read_text()
                assert "62710561" not in text, (name, file)
                if file.suffix == ".py":
                    compile(text, str(file), "exec")
        watched.check(name)


def test_a_generated_project_runs_no_name(caller: Caller, tmp_path: Path, watched: Watched) -> None:
    """Its own suite imports and runs all that was generated, with hostile descriptions in it."""
    division = planned(caller, tmp_path / "workspace")
    for number, name in enumerate(watched.hostile()):
        description = {"description": f"{name} {number}"}
        caller.post(
            f"{division.path}/plan/desk", {"desk_name": f"desk_{number}", "aggregate_name": "user", **description}
        )
        caller.post(f"{division.path}/design/event", {"event_name": f"thing_{number}_done", **description})
    assert division.ask("skeleton").status == 201
    caller.done(f"{division.path}/test/start")
    suite = caller.post(f"{division.path}/test/suite?wait=true", {})
    assert (suite.status, suite.json["events"][-1]["data"]["outcome"]) == (201, "passed"), suite
    watched.check("a description")


@pytest.mark.parametrize("share", range(2))
def test_where_and_what_is_tested_and_deployed_is_only_named(division: Trouble, watched: Watched, share: int) -> None:
    """Folders, reports, branches, versions, targets: no shell reads them, and none leads out of the workspace."""
    path = f"/api/divisions/{division.division_id}"
    division.caller.done(f"{path}/deploy/start")
    for name in watched.hostile(share, 2):
        asked = (
            ("test/suite", {"folder": name}),
            ("test/suite", {"command": ["true", name], "junit_xml": name}),
            ("test/suite", {"command": [name]}),
            ("deploy/release", {"version": name}),
            ("deploy/release", {"version": "1.0.0", "target": name}),
            ("deploy/rollback", {"version": name}),
            ("rescue/fix", {"incident_id": name, "description": name, "patch": "x"}),
        )
        for what, body in asked:
            reply = division.caller.post(f"{path}/{what}?wait=true", body)
            assert reply.status < 500, (what, body, reply)
            watched.check(f"{what} {name}")
        reply = division.fix(patch="--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+x\n", branch=name)
        assert reply.status < 500, (name, reply)
        watched.check(f"branch {name}")


@pytest.mark.parametrize("workspace", ["/dev/null", "relative", "/proc/self", "", "\u0000", "/nonexistent/workspace"])
def test_a_workspace_that_cannot_be_one_is_refused(caller: Caller, workspace: str) -> None:
    """With a reason, and no error of ours."""
    reply = caller.post("/api/ventures", {"name": "odd", "workspace": workspace})
    assert reply.status < 500
    if reply.status != 201 or not workspace:
        return
    venture_id = reply.json["id"]
    caller.done(f"/api/ventures/{venture_id}/discovery/start")
    division_id = caller.division(venture_id)
    for process in ("design", "plan", "generate"):
        caller.done(f"/api/divisions/{division_id}/{process}/start")
    reply = caller.post(f"/api/divisions/{division_id}/generate/skeleton?wait=true", {})
    assert (reply.status, reply.code) == (409, "conflict"), reply


def test_a_template_of_somebody_elses_does_not_leave_its_sandbox(tmp_path: Path, place: Path) -> None:
    """It may come from anywhere; what it says is text, and Python's insides are closed to it."""
    templates = place / "templates" / "python"
    templates.mkdir(parents=True)
    escape = "{{ ''.__class__.__mro__[1].__subclasses__() }}"
    (templates / "README.md.jinja").write_text(escape)
    with serving(place) as daemon:
        caller = Caller(daemon.socket_path)
        made: Generated = planned(caller, tmp_path / "workspace")
        reply = made.ask("skeleton")
        caller.close()
    assert (reply.status, reply.code) == (409, "conflict"), reply
