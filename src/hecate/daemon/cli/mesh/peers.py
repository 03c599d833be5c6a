"""``hecate mesh peers``: who else is there?"""

from __future__ import annotations

import click

from hecate.daemon.cli.command_folder import command
from hecate.daemon.cli.mesh.asking import Peer, PeerList, asked
from hecate.daemon.cli.session import Session

COLUMNS = ("PEER", "STATE", "CONNECTION", "ROUND TRIP", "VERSION", "MODELS", "CAPABILITIES", "LAST SEEN", "IDENTITY")


@command("peers", examples=("hecate mesh peers", "hecate mesh peers --all"))
@click.option("--all", "absent", is_flag=True, help="Also those that were seen once and are not there now.")
@click.pass_obj
def peers(session: Session, absent: bool) -> None:  # noqa: FBT001 - click passes it by name
    """List the other daemons of the mesh."""
    path = f"/api/mesh/peers{'?include_absent=true' if absent else ''}"
    with session.client() as client:
        answer = session.show(client, asked(path, PeerList))
    if answer is not None:
        session.output.table(COLUMNS, [_row(peer) for peer in answer.peers], if_empty="nobody else is there")


def _row(peer: Peer) -> tuple[object, ...]:
    connection = " ".join(word for word in (peer.connection, peer.protocol) if word)
    round_trip = "" if peer.round_trip_ms is None else f"{peer.round_trip_ms:g} ms"
    state = "present" if peer.present else "absent"
    models = "shared" if peer.shares_models else ""
    what = (peer.version, models, " ".join(peer.capabilities), peer.last_seen, peer.identity)
    return (peer.name, state, connection, round_trip, *what)


CLI = peers
