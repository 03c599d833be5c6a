"""``hecate mesh invite``: let another daemon in."""

from __future__ import annotations

from typing import Any

import click

from hecate.daemon.cli.command_folder import command
from hecate.daemon.cli.mesh.asking import Invitation, told
from hecate.daemon.cli.session import Session


@command("invite", examples=("hecate mesh invite", "hecate mesh invite --minutes 60 --host workstation.lan"))
@click.option("--minutes", default=15.0, show_default=True, help="How long the invitation holds.")
@click.option("--host", "hosts", multiple=True, help="Where the guest reaches this machine; may be repeated.")
@click.pass_obj
def invite(session: Session, minutes: float, hosts: tuple[str, ...]) -> None:
    """Invite another daemon.

    Prints one word, which holds once: whoever gives it to `hecate mesh join` is in.
    """
    fields: dict[str, Any] = {"expires_in_seconds": minutes * 60, "hosts": hosts}
    with session.client() as client:
        answer = session.show(client, told("/api/mesh/invite", fields, Invitation))
    if answer is None:
        return
    session.output.styled(answer.invitation)
    session.output.note(
        f"holds once, until {answer.expires_at}, for realm {answer.realm} at {', '.join(answer.places)}; "
        "on the other machine: hecate mesh join INVITATION"
    )


CLI = invite
