"""``hecate mesh``: two people, one command each, on daemons of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from hecate.daemon.cli import CLI
from tests.join_mesh.rig import Member, Rig, a_rig, all_see_all


@pytest.fixture
def rig() -> Iterator[Rig]:
    """Start daemons."""
    with a_rig() as found:
        yield found


def hecate(member: Member, *words: str, stdin: str = "", exit_code: int = 0) -> str:
    """Run the command line for *member*'s daemon, and return what it prints to both outputs."""
    environ = {"HECATE_SOCKET": str(member.child.socket_path)}
    result = CliRunner().invoke(CLI, ["mesh", *words], input=stdin, env=environ, prog_name="hecate")
    assert result.exit_code == exit_code, result.output
    return result.stdout if exit_code == 0 else result.stderr


def fields(output: str) -> dict[str, str]:
    """Return what tab-separated lines say."""
    return dict(line.split("\t") for line in output.splitlines())


def test_from_nothing_to_a_mesh_and_out_again(rig: Rig) -> None:
    """Init, invite, join, peers, revoke and leave."""
    anna, bert, carl = rig.start("anna"), rig.start("bert"), rig.start("carl")
    assert fields(hecate(anna, "status"))["state"] == "local"
    assert (
        fields(hecate(anna, "init", "--realm", "io.example")).items()
        >= {"realm": "io.example", "keeper": "yes"}.items()
    )
    word = hecate(anna, "invite", "--host", "127.0.0.1")
    assert word.startswith("hecate-mesh-")
    assert fields(hecate(bert, "join", word.strip()))["realm"] == "io.example"
    hecate(carl, "join", "-", stdin=hecate(anna, "invite", "--host", "127.0.0.1"))
    all_see_all([anna, bert, carl])
    shown = [line.split("\t") for line in hecate(anna, "peers").splitlines()]
    assert [line[:3] for line in shown] == [["bert", "present", "direct tls"], ["carl", "present", "direct tls"]]
    did = carl.did
    assert fields(hecate(anna, "revoke", "carl")) == {"revoked": did}
    assert fields(hecate(bert, "leave"))["state"] == "local"
    assert "keeper" in hecate(anna, "leave", exit_code=1)
    assert fields(hecate(anna, "leave", "--even-as-keeper"))["state"] == "local"


def test_what_is_refused_is_said(rig: Rig) -> None:
    """In the daemon's words, with the exit code of a refusal."""
    anna = rig.start("anna")
    assert "this is no invitation" in hecate(anna, "join", "please", exit_code=1)
    assert "in no mesh" in hecate(anna, "invite", exit_code=1)
    assert hecate(anna, "peers") == ""
