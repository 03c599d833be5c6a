"""Rollbacks, and the stages of rollouts."""

from __future__ import annotations

from pathlib import Path

import pytest

from hecate.deploy_division import PROCESS
from hecate.deploy_division.record_release import DEPLOYED
from hecate.deploy_division.record_rollback import RECORD, UPGRADED, RecordRollback
from hecate.deploy_division.roll_back import DESK, RollBack
from hecate.deploy_division.stage_rollout import DESK as ROLLOUT, StageRollout
from hecate.deploy_division.switches import ReleaseDeployed, ReleaseRolledBack, lives
from hecate.dossiers.dossier import Dossier
from hecate.dossiers.errors import Refused
from tests.deciding import NOW, decided
from tests.deploy_division.projects import Deployed

LATEST = ReleaseDeployed(
    release_id="rel-2", version="1.2.0", target="local", commit="", artifacts=(), previous_version="1.1.0", switch=3
)


def back(to: str, switch: int) -> ReleaseRolledBack:
    """Return a rollback to the version *to*."""
    return ReleaseRolledBack(rollback_id=f"rb-{switch}", from_version="?", to_version=to, reason="", switch=switch)


def test_nobody_rolls_back_to_what_was_not_live() -> None:
    """Each refusal says why."""
    for given, version, why in (
        ((), "", "no release is live"),
        ((DEPLOYED,), "", "no release was live before 1.0.0"),
        ((DEPLOYED,), "1.0.0", "is live already"),
        ((DEPLOYED, UPGRADED), "0.9.0", "was never deployed"),
    ):
        with pytest.raises(Refused, match=why):
            decided(PROCESS, DESK, RollBack(version=version), given)
    assert decided(PROCESS, DESK, RollBack(), [DEPLOYED, UPGRADED]) == []


def test_a_rollback_takes_away_what_came_after() -> None:
    """So the next one goes back further, and never to what was just left."""
    dossier = Dossier(PROCESS, "div-1")
    for event in (DEPLOYED, UPGRADED, LATEST):
        dossier.record(event, NOW)
    assert lives(dossier) == ["1.0.0", "1.1.0", "1.2.0"]
    dossier.record(back("1.1.0", 4), NOW)
    assert lives(dossier) == ["1.0.0", "1.1.0"]
    dossier.record(back("1.2.0", 5), NOW)
    assert lives(dossier) == ["1.0.0", "1.1.0", "1.2.0"]
    dossier.record(back("1.0.0", 6), NOW)
    assert lives(dossier) == ["1.0.0"]


def test_a_rollback_is_recorded_of_what_was_live() -> None:
    """Not if another release has become live meanwhile."""
    with pytest.raises(Refused, match=r"1\.0\.0 is not live any more"):
        decided(PROCESS, RECORD, RecordRollback(from_version="1.0.0", to_version="0.9.0"), [DEPLOYED, UPGRADED])


def test_rolling_back_switches(division: Deployed, tmp_path: Path) -> None:
    """And tells the target of the release; nothing is built or removed."""
    told = tmp_path / "told"
    for version in ("1.0.0", "1.1.0"):
        division.do("release", version=version, target=f"command:sh -c 'echo {version} >>{told}'")
    answer = division.do("rollback", reason="logins fail")
    assert [event["type"] for event in answer["events"]] == ["release_rolled_back_v1"]
    assert (division.live, division.on_disk) == ("1.0.0", ["1.0.0", "1.1.0", "current -> 1.0.0"])
    item = division.last("rollback")
    assert (item["from_version"], item["to_version"], item["reason"]) == ("1.1.0", "1.0.0", "logins fail")
    assert told.read_text().split() == ["1.0.0", "1.1.0", "1.0.0"]
    assert division.ask("rollback").code == "conflict"
    division.do("rollback", version="1.1.0")
    assert division.live == "1.1.0"


def test_nobody_rolls_back_to_a_damaged_release(division: Deployed) -> None:
    """What is live stays so."""
    division.do("release", version="1.0.0")
    division.do("release", version="1.1.0")
    wheel = division.releases / "1.0.0" / "auth-1.0.0-py3-none-any.whl"
    wheel.chmod(0o600)
    wheel.write_bytes(b"something else")
    reply = division.ask("rollback")
    assert "is damaged: auth-1.0.0-py3-none-any.whl is not as it was stored" in reply.json["error"]
    assert (division.live, division.on_disk[-1]) == ("1.1.0", "current -> 1.1.0")


def test_a_rollout_is_of_a_release_that_was_deployed() -> None:
    """The same stage again adds nothing, another share does."""
    canary = StageRollout(version="1.0.0", stage="canary", percentage=10)
    with pytest.raises(Refused, match="was never deployed"):
        decided(PROCESS, ROLLOUT, canary)
    (staged,) = decided(PROCESS, ROLLOUT, canary, [DEPLOYED])
    assert decided(PROCESS, ROLLOUT, canary, [DEPLOYED, staged]) == []
    more = StageRollout(version="1.0.0", stage="canary", percentage=50)
    assert len(decided(PROCESS, ROLLOUT, more, [DEPLOYED, staged])) == 1
