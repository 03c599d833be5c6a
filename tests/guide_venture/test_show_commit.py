"""Query: what a commit has changed."""

from __future__ import annotations

from pathlib import Path

from tests.calling import Caller
from tests.generate_division.generated import planned


def test_what_was_generated_is_shown_as_a_diff(caller: Caller, tmp_path: Path) -> None:
    """The commit of the event, with its subject; what generating again has added is all that its own shows."""
    division = planned(caller, tmp_path / "workspace")
    first = division.generate()["commit"]
    shown = caller.get(f"{division.path}/commits/{first}").json
    assert shown["commit"] == first
    assert shown["subject"] == division.git("log", "-1", "--format=%s", first)
    assert shown["diff"].startswith("diff --git a/")
    assert "+++ b/auth/pyproject.toml" in shown["diff"]
    assert shown["truncated"] is False
    division.event("user_left")
    second = division.generate()["commit"]
    diff = caller.get(f"{division.path}/commits/{second}").json["diff"]
    assert "user_left" in diff
    assert "auth/pyproject.toml" not in diff


def test_only_commits_of_the_division_are_shown(caller: Caller, tmp_path: Path) -> None:
    """What else is in the repository is none of this query's business; nor are words that git takes for options."""
    division = planned(caller, tmp_path / "workspace")
    division.generate()
    (division.workspace / "secret").write_text("of somebody else\n")
    division.git("add", "secret")
    division.git("-c", "user.name=x", "-c", "user.email=x@localhost", "commit", "-qm", "not of the daemon")
    for other in (division.git("rev-parse", "HEAD"), "HEAD", "--output=x", "0" * 40):
        reply = caller.get(f"{division.path}/commits/{other}")
        assert (reply.status, reply.code) == (404, "not_found")
    assert caller.get(f"/api/divisions/div-none/commits/{'0' * 40}").code == "not_found"


def test_the_repository_decides_nothing_of_what_is_run(caller: Caller, tmp_path: Path) -> None:
    """Its external diff and text converters are not called."""
    division = planned(caller, tmp_path / "workspace")
    commit = division.generate()["commit"]
    ran = tmp_path / "ran"
    division.git("config", "diff.external", f"touch {ran}")
    division.git("config", "diff.x.textconv", f"touch {ran}; cat")
    division.git("config", "diff.x.command", f"touch {ran}")
    (division.workspace / ".gitattributes").write_text("* diff=x\n")
    assert "+++ b/auth/README.md" in caller.get(f"{division.path}/commits/{commit}").json["diff"]
    assert not ran.exists()


def test_a_workspace_that_is_gone_is_said(caller: Caller, tmp_path: Path) -> None:
    """Rather than an empty diff."""
    division = planned(caller, tmp_path / "workspace")
    commit = division.generate()["commit"]
    division.workspace.rename(tmp_path / "elsewhere")
    reply = caller.get(f"{division.path}/commits/{commit}")
    assert (reply.status, reply.code) == (409, "conflict")
    assert "does not exist" in reply.json["error"]
