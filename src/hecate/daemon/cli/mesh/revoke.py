"""``hecate mesh revoke``: shut another daemon out."""

from __future__ import annotations

import click

from hecate.daemon.cli.command_folder import command
from hecate.daemon.cli.mesh.asking import Revoked, told
from hecate.daemon.cli.session import Session


@command("revoke", examples=("hecate mesh revoke laptop",))
@click.argument("peer")
@click.pass_obj
def revoke(session: Session, peer: str) -> None:
    """Shut PEER, a name or an identity, out of the mesh for ever.

    Every daemon that hears of it refuses it from then on.  Only the keeper of the realm can do this.
    """
    with session.client() as client:
        answer = session.show(client, told("/api/mesh/revoke", {"peer": peer}, Revoked))
    if answer is not None:
        session.output.details({"revoked": answer.revoked})


CLI = revoke
