"""Releases are built, stored, switched to, and switched back where they are not well."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hecate.deploy_division import PROCESS
from hecate.deploy_division.deploy_release import DESK, DeployRelease, ReleaseBegun
from hecate.deploy_division.record_release import DEPLOYED, RECORD, RecordRelease, ReleaseFailed
from hecate.deploy_division.switches import ReleaseDeployed
from hecate.dossiers.errors import Invalid, Refused
from tests.daemon.child import wait_until
from tests.deciding import decided
from tests.deploy_division.projects import Deployed
from tests.small_disk import fill, small_disk

BEGUN = ReleaseBegun(release_id="rel-0", version="1.1.0", target="local")


# -- the decisions


@pytest.mark.parametrize("version", ["1.0.0", "1.0.0-rc.1", "0.9.9", "1.0.0+build.2"])
def test_versions_only_go_up(version: str) -> None:
    """Unless it is forced."""
    with pytest.raises(Refused, match=r"is not above 1\.0\.0"):
        decided(PROCESS, DESK, DeployRelease(version=version), [DEPLOYED])
    assert len(decided(PROCESS, DESK, DeployRelease(version=version, force=True), [DEPLOYED])) == 1


@pytest.mark.parametrize(
    "version", ["1", "1.0", "v1.0.0", "01.0.0", "1.0.0-", "1.0.0-01", "../1.0.0", "1.0.0\n", "current"]
)
def test_a_version_is_semantic(version: str) -> None:
    """It becomes a folder's name, too."""
    with pytest.raises(Invalid, match=r"`\$.version`"):
        decided(PROCESS, DESK, DeployRelease(version=version))


@pytest.mark.parametrize(
    "target",
    ["remote", "systemd:", "systemd:--now.service", "systemd:a/b.service", "systemd:a", "command:", "command:'"],
)
def test_a_target_is_one_of_four(target: str) -> None:
    """A unit's name is no option and no path."""
    with pytest.raises(Invalid, match=r"`\$.target`"):
        decided(PROCESS, DESK, DeployRelease(version="1.0.0", target=target))


@pytest.mark.parametrize("check", ["http://", "https:///health", "http://a:99999/", "'"])
def test_a_health_check_can_be_made(check: str) -> None:
    """A wrong one is told at once, not when the release is live."""
    with pytest.raises(Invalid, match=r"`\$.health_check`"):
        decided(PROCESS, DESK, DeployRelease(version="1.0.0", health_check=check))


def test_one_release_is_made_at_a_time() -> None:
    """The next may begin when its outcome is recorded, which happens once."""
    with pytest.raises(Refused, match=r"'rel-0' of version 1\.1\.0 is under way"):
        decided(PROCESS, DESK, DeployRelease(version="1.2.0"), [BEGUN])
    outcome = RecordRelease(release_id="rel-0", version="1.1.0", target="local", stage="build", reason="exit code 1")
    (failed,) = decided(PROCESS, RECORD, outcome, [BEGUN])
    assert isinstance(failed, ReleaseFailed)
    assert len(decided(PROCESS, DESK, DeployRelease(version="1.1.0"), [BEGUN, failed])) == 1
    with pytest.raises(Refused, match="recorded already"):
        decided(PROCESS, RECORD, outcome, [BEGUN, failed])


def test_a_release_follows_the_one_that_was_live() -> None:
    """The event says which."""
    (event,) = decided(PROCESS, RECORD, RecordRelease(release_id="rel-0", version="1.1.0", target="local"), [DEPLOYED])
    assert isinstance(event, ReleaseDeployed)
    assert (event.previous_version, event.switch) == ("1.0.0", 2)


# -- what is made


def test_a_release_is_built_and_goes_live(division: Deployed) -> None:
    """Wheel and source archive have its version, are checksummed and sealed, and the link leads to them."""
    answer = division.do("release", version="1.0.0")
    assert [event["type"] for event in answer["events"]] == ["release_begun_v1", "release_deployed_v1"]
    assert division.on_disk == ["1.0.0", "current -> 1.0.0"]
    release = division.releases / "current"
    assert sorted(path.name for path in release.iterdir()) == [
        "SHA256SUMS",
        "app",
        "auth-1.0.0-py3-none-any.whl",
        "auth-1.0.0.tar.gz",
        "release.json",
    ]
    subprocess.run(["sha256sum", "--check", "--quiet", "--strict", "SHA256SUMS"], cwd=release, check=True)
    assert all(path.stat().st_mode & 0o222 == 0 for path in (release.resolve(), *release.rglob("*")))
    item = division.last("release")
    assert [artifact["name"] for artifact in item["artifacts"]] == ["auth-1.0.0-py3-none-any.whl", "auth-1.0.0.tar.gz"]
    assert (item["target"], item["commit"], item["previous_version"]) == ("local", "", "")
    assert division.listed["live"]["version"] == "1.0.0"
    assert json.loads((release / "release.json").read_text())["version"] == "1.0.0"
    assert sorted(path.name for path in division.project.iterdir()) == ["pyproject.toml", "src"]


def test_the_commit_is_that_of_the_workspace(division: Deployed) -> None:
    """And says whether the project has changed since."""
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(division.project.parent))
    for arguments in (("init", "-q"), ("add", "."), ("commit", "-q", "-m", "first")):
        subprocess.run([*git, *arguments], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    division.do("release", version="1.0.0")
    assert division.last("release")["commit"] == head
    (division.project / "new.txt").touch()
    division.do("release", version="1.0.1")
    assert division.last("release")["commit"] == f"{head}-dirty"


def test_any_command_may_build(division: Deployed) -> None:
    """It is told where to put the artifacts."""
    division.do("release", version="2.0.0", command=["sh", "-c", 'echo "$HECATE_VERSION" >"$HECATE_ARTIFACTS/app.txt"'])
    assert (division.releases / "current" / "app.txt").read_text() == "2.0.0\n"
    reply = division.ask("release", version="2.0.1", command="true")
    assert "has put nothing into the folder" in reply.json["error"]
    assert (division.last("release_failure")["stage"], division.live) == ("build", "2.0.0")


def test_a_build_that_fails_leaves_nothing(division: Deployed) -> None:
    """Neither a release nor a folder of its making; what is live stays so."""
    division.do("release", version="1.0.0")
    before = division.on_disk
    (division.project / "pyproject.toml").write_text("[project")
    reply = division.ask("release", version="1.1.0")
    assert reply.code == "conflict"
    assert "pyproject.toml cannot be read" in reply.json["error"]
    failure = division.last("release_failure")
    assert (failure["stage"], failure["version"]) == ("build", "1.1.0")
    assert failure["reason"] == reply.json["error"]
    assert division.on_disk == before


def test_a_missing_project_is_told(division: Deployed) -> None:
    """Before anything is made."""
    division.project.rename(division.project.with_name("elsewhere"))
    assert "generate it, or name a command" in division.ask("release", version="1.0.0").json["error"]
    assert division.last("release_failure")["stage"] == "workspace"
    assert division.on_disk == []


def test_a_pre_release_must_be_pythons_too(division: Deployed) -> None:
    """A wheel cannot have any other."""
    division.do("release", version="1.0.0-rc.1")
    assert (division.releases / "current" / "auth-1.0.0rc1-py3-none-any.whl").exists()
    assert "have no pre-release 'x.y'" in division.ask("release", version="1.0.0-x.y").json["error"]


def test_a_forced_release_that_is_stored_is_deployed_as_it_is(division: Deployed) -> None:
    """Nothing is built anew; and not if it was tampered with."""
    division.do("release", version="1.0.0")
    division.do("release", version="1.1.0")
    (division.project / "pyproject.toml").unlink()
    division.do("release", version="1.0.0", force=True)
    assert (division.live, division.on_disk[-1]) == ("1.0.0", "current -> 1.0.0")
    damaged = division.releases / "1.1.0" / "release.json"
    damaged.chmod(0o600)
    damaged.write_text("{}")
    reply = division.ask("release", version="1.1.0", force=True)
    assert "release.json is not as it was stored" in reply.json["error"]
    assert (division.live, division.on_disk[-1]) == ("1.0.0", "current -> 1.0.0")


# -- whether it is well


def test_a_release_that_is_not_well_is_switched_back(division: Deployed) -> None:
    """By itself, and its folder is gone, so that the same version can be tried again."""
    division.do("release", version="1.0.0")
    reply = division.ask("release", version="1.1.0", health_check="sh -c 'exit 3'", health_timeout_seconds=0.5)
    assert reply.code == "conflict"
    assert "has not passed within 0.5 s: exit code 3" in reply.json["error"]
    assert division.last("release_failure")["stage"] == "health"
    assert division.on_disk == ["1.0.0", "current -> 1.0.0"]
    assert division.live == "1.0.0"
    division.do("release", version="1.1.0", health_check="sh -c 'test \"$HECATE_VERSION\" = 1.1.0 -a -d app'")
    assert (division.live, division.on_disk) == ("1.1.0", ["1.0.0", "1.1.0", "current -> 1.1.0"])


def test_the_first_release_that_is_not_well_leaves_nothing_live(division: Deployed) -> None:
    """There is nothing to switch back to."""
    division.ask("release", version="1.0.0", health_check="http://127.0.0.1:1/health", health_timeout_seconds=0.5)
    assert division.last("release_failure")["stage"] == "health"
    assert (division.on_disk, division.listed["live"]) == ([], None)


def test_a_cancelled_release_is_taken_back(division: Deployed) -> None:
    """Whatever it was at."""
    division.do("release", version="1.0.0")
    job_id = division.begin("release", version="1.1.0", health_check="false", health_timeout_seconds=600)
    wait_until(lambda: division.on_disk[-1] == "current -> 1.1.0")
    division.caller.done(f"/api/jobs/{job_id}/cancel")
    assert division.on_disk == ["1.0.0", "current -> 1.0.0"]
    failure = division.last("release_failure")
    assert failure["reason"] == "the job was cancelled"


def test_a_build_that_fails_is_told_with_its_last_words(division: Deployed) -> None:
    """They are in the event, too, which outlives the job's output."""
    metadata = division.project / "pyproject.toml"
    metadata.write_text(metadata.read_text().replace('"hatchling.build"', '"no_such_backend"'))
    reply = division.ask("release", version="1.0.0")
    why = (
        "the build of the project failed: exit code 3; it said last: the build backend no_such_backend is not installed"
    )
    assert reply.json["error"].startswith(why)
    assert division.last("release_failure")["reason"] == reply.json["error"]


def test_an_environment_without_the_build_backend_is_no_obstacle(division: Deployed) -> None:
    """A person has made it for the tests; the backend is that which is beside the daemon."""
    subprocess.run([sys.executable, "-I", "-m", "venv", "--without-pip", division.project / ".venv"], check=True)
    division.do("release", version="1.0.0")
    assert (division.releases / "1.0.0" / "app" / "auth" / "__main__.py").exists()


def test_a_full_disk_leaves_no_half_release(division: Deployed) -> None:
    """The earlier one is live as before, and when there is room the same version can be had."""
    with small_disk(division.data / "releases", 256):
        division.do("release", version="1.0.0")
        ballast = division.data / "releases" / "ballast"
        fill(ballast)
        reply = division.ask("release", version="1.1.0")
        assert "No space left on device" in reply.json["error"]
        assert (division.live, division.on_disk) == ("1.0.0", ["1.0.0", "current -> 1.0.0"])
        ballast.unlink()
        division.do("release", version="1.1.0")
        assert (division.live, division.on_disk) == ("1.1.0", ["1.0.0", "1.1.0", "current -> 1.1.0"])


# -- targets


def test_a_target_may_be_a_command(division: Deployed, tmp_path: Path) -> None:
    """It runs in the release's folder, and for the earlier release again where the new one is not well."""
    told = tmp_path / "told"
    target = f"command:sh -c 'echo $HECATE_VERSION $PWD >>{told}'"
    division.do("release", version="1.0.0", target=target)
    division.ask("release", version="1.1.0", target=target, health_check="false", health_timeout_seconds=0.3)
    assert told.read_text().splitlines() == [
        f"{version} {division.releases / version}" for version in ("1.0.0", "1.1.0", "1.0.0")
    ]


def test_a_target_that_fails_fails_the_release(division: Deployed) -> None:
    """And the link is switched back."""
    reply = division.ask("release", version="1.0.0", target="command:sh -c 'exit 4'")
    assert "failed: exit code 4" in reply.json["error"]
    assert (division.last("release_failure")["stage"], division.on_disk) == ("activate", [])


# -- the gate


def test_the_gate_warns_until_the_tests_have_passed(division: Deployed) -> None:
    """Strict gates refuse: see the next test."""
    path = f"/api/divisions/{division.division_id}/test"
    division.caller.done(f"{path}/start")
    fast = {"command": ["sh", "-c", "echo >$HECATE_ARTIFACTS/a"]}
    assert division.do("release", version="1.0.0", **fast)["warnings"] == [
        "no tests were run yet; a release usually follows a run that has passed"
    ]
    division.caller.done(f"{path}/result", {"suite_type": "unit", "passed": 3, "failed": 1})
    (warning,) = division.do("release", version="1.1.0", **fast)["warnings"]
    assert "ended as failed, with 3 of 4 passed" in warning
    division.caller.done(f"{path}/result", {"suite_type": "unit", "passed": 4, "failed": 0})
    assert "warnings" not in division.do("release", version="1.2.0", **fast)
