"""A certificate that expires soon is renewed by the keeper, and the daemon goes on with the new one."""

from __future__ import annotations

import signal
from datetime import UTC, datetime, timedelta

from hecate.join_mesh.network.certificates import expires_at
from hecate.join_mesh.network.identity import write_private
from hecate.join_mesh.network.realm import CERTIFICATE, Realm
from tests.join_mesh.rig import Member, Rig, all_see_all, eventually


def days_left(member: Member) -> int:
    """Return for how long *member*'s certificate holds."""
    certificate = (member.folder / "data" / "mesh" / CERTIFICATE).read_bytes()
    return (expires_at(certificate) - datetime.now(UTC)).days


def test_a_certificate_is_renewed_in_time(rig: Rig) -> None:
    """A member's by the keeper, the keeper's by itself; they see each other before and after."""
    anna, bert = rig.mesh_of("anna", "bert")
    keeper = Realm.kept_in(anna.folder / "data" / "mesh")
    assert keeper is not None
    dids = {"anna": anna.did, "bert": bert.did}
    for member in (anna, bert):
        member.child.signal(signal.SIGTERM)
        member.child.end()
        file = member.folder / "data" / "mesh" / CERTIFICATE
        write_private(file, keeper.issue(dids[member.name], timedelta(days=3)))
        assert days_left(member) < 3
    anna = rig.start("anna", folder=anna.folder)
    eventually(lambda: days_left(anna) > 300)
    bert = rig.start("bert", folder=bert.folder)
    all_see_all([anna, bert])
    eventually(lambda: days_left(bert) > 300)
    all_see_all([anna, bert])
