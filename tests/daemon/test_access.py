"""Who may read and who may write over the socket."""

from __future__ import annotations

import grp
import json
import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from hecate.daemon.access import AccessSettings, Rights
from hecate.daemon.errors import ConfigurationWrong
from hecate.daemon.refusing import Forbidden
from hecate.endpoints import Peer
from tests.serving import serving

STRANGER = 4_000_000
ANOTHER = 4_000_001
NOBODY = pwd.getpwnam("nobody").pw_uid

as_root = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("curl") is None, reason="needs root, who can be anybody, and curl"
)


def may(settings: AccessSettings, uid: int, gid: int = 0) -> str:
    """Return what a user may do: ``r``, ``w``, both or nothing.  A group that is nobody's unless one is given."""
    rights = Rights.of(settings)
    allowed = ""
    for letter, method in (("r", "GET"), ("w", "POST")):
        try:
            rights.check(Peer(uid=uid, gid=gid or STRANGER, pid=1), method)
        except Forbidden:
            continue
        allowed += letter
    return allowed


@pytest.mark.parametrize(
    ("settings", "stranger", "another"),
    [
        (AccessSettings(), "rw", "rw"),
        (AccessSettings(read=(STRANGER,)), "rw", ""),
        (AccessSettings(write=(STRANGER,)), "rw", "r"),
        (AccessSettings(read=(ANOTHER,), write=(STRANGER,)), "rw", "r"),
        (AccessSettings(read=(ANOTHER, STRANGER), write=(0,)), "r", "r"),
        (AccessSettings(read=("nobody",), write=("nobody",)), "", ""),
    ],
)
def test_lists_say_who_may(settings: AccessSettings, stranger: str, another: str) -> None:
    """Without any, everybody; whoever may write may read; who is in no list may nothing."""
    assert (may(settings, STRANGER), may(settings, ANOTHER)) == (stranger, another)


def test_the_owner_is_not_locked_out() -> None:
    """Root and the daemon's own user could read its files anyway."""
    nobody_else = AccessSettings(read=(STRANGER,), write=(STRANGER,))
    assert (may(nobody_else, 0), may(nobody_else, os.geteuid())) == ("rw", "rw")


def test_users_are_known_by_their_names() -> None:
    """As the machine's user database has them."""
    assert may(AccessSettings(write=("nobody",)), NOBODY) == "rw"


def test_groups_are_known_by_their_names() -> None:
    """Who has it as their own, and who is in its list of members."""
    group = grp.getgrgid(pwd.getpwuid(NOBODY).pw_gid)
    settings = AccessSettings(write=(f"@{group.gr_name}",))
    assert may(settings, STRANGER, group.gr_gid) == "rw"
    assert may(settings, STRANGER) == "r"
    for members in grp.getgrall():
        for member in members.gr_mem:
            if member in {user.pw_name for user in pwd.getpwall()}:
                assert may(AccessSettings(write=(f"@{members.gr_name}",)), pwd.getpwnam(member).pw_uid) == "rw"


@pytest.mark.parametrize(("wrong", "why"), [("mr-x-nobody", "no user 'mr-x-nobody'"), ("@mr-x", "no group 'mr-x'")])
def test_a_name_that_nobody_has_is_a_mistake(wrong: str, why: str) -> None:
    """A list that means nobody would otherwise shut everybody out, or nobody."""
    with pytest.raises(ConfigurationWrong, match=rf"access\.write: there is {why}"):
        Rights.of(AccessSettings(write=(wrong,)))


@as_root
def test_the_kernel_says_who_calls(place: Path) -> None:
    """Another user reads and does not write: a refusal as every other, and nothing recorded; a reload lets them."""
    with serving(place, configuration='[access]\nwrite = ["root"]\n') as daemon:
        place.chmod(0o755)
        daemon.socket_path.chmod(0o666)
        assert call_as(NOBODY, daemon.socket_path, "/api/ventures")["ok"]
        refused = call_as(NOBODY, daemon.socket_path, "/api/ventures", "-d", '{"name": "theirs"}')
        assert (refused["ok"], refused["code"]) == (False, "forbidden")
        assert f"user {NOBODY} may not write" in refused["error"]
        in_dialect = call_as(NOBODY, daemon.socket_path, "/v1/chat/completions", "-d", "{}")
        assert "may not write" in in_dialect["error"]["message"]
        assert daemon.request("/api/health")["events"] == 0
        assert call_as(0, daemon.socket_path, "/api/ventures", "-d", '{"name": "ours"}')["ok"]
        config = place / "config.toml"
        config.write_text(config.read_text().replace('["root"]', '["nobody"]'))
        daemon.signal(signal.SIGHUP)
        daemon.wait_for_line("configuration reloaded")
        assert call_as(NOBODY, daemon.socket_path, "/api/ventures", "-d", '{"name": "theirs"}')["ok"]


def call_as(uid: int, socket: Path, path: str, *options: str) -> Any:
    """Return what *uid* is answered."""
    words = ["curl", "--silent", "--max-time", "20", "--unix-socket", str(socket), *options, f"http://localhost{path}"]
    run = subprocess.run(words, check=True, capture_output=True, user=uid, extra_groups=(), cwd="/")
    return json.loads(run.stdout)
