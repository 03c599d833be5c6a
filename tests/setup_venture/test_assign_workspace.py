"""The desk that assigns a workspace."""

from __future__ import annotations

import pytest

from tests.calling import Caller


def test_a_workspace_is_assigned_later(caller: Caller) -> None:
    """It is the venture's from then on; the same again adds nothing, and empty takes it back."""
    venture_id = caller.venture()
    path = f"/api/ventures/{venture_id}/workspace"
    answer = caller.done(path, {"workspace": "/home/me/shop"})
    assert answer["events"] == [{"type": "workspace_assigned_v1", "data": {"workspace": "/home/me/shop"}}]
    assert caller.get(f"/api/ventures/{venture_id}").json["workspace"] == "/home/me/shop"
    assert caller.done(path, {"workspace": "/home/me/shop"})["events"] == []
    caller.done(path, {"workspace": ""})
    assert caller.get(f"/api/ventures/{venture_id}").json["workspace"] == ""


@pytest.mark.parametrize("workspace", ["code", "~/code", "./code", "/code\n", "\u0007"])
def test_a_workspace_is_an_absolute_path(caller: Caller, workspace: str) -> None:
    """Nobody knows what another one would be relative to; the place is told, and nothing is appended."""
    venture_id = caller.venture()
    head = caller.head
    for path, body in ((f"/api/ventures/{venture_id}/workspace", {}), ("/api/ventures", {"name": "shop"})):
        reply = caller.post(path, {**body, "workspace": workspace})
        assert (reply.status, reply.code) == (400, "validation_error")
        assert "`$.workspace`" in reply.json["error"]
    assert caller.head == head
