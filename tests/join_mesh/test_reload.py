"""``[mesh]`` as it is after a reload: what can go on goes on, for the rest the session begins anew."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.ollama import ollama
from tests.join_mesh.rig import Rig, all_see_all, eventually
from tests.join_mesh.test_shared_models import REMOTE, Waiting, a_chat_that_waits, chatted, models, two, waiting_ollama


@pytest.fixture
def ollama_url() -> Iterator[str]:
    """Where anna's models are."""
    with ollama() as server:
        yield server.url


def test_models_are_shared_without_a_restart(rig: Rig, ollama_url: str) -> None:
    """Peers see them come and go, and the limits are those of now."""
    anna, bert = rig.start("anna", ollama_url=ollama_url), rig.start("bert")
    anna.found()
    bert.enter(anna)
    all_see_all([anna, bert])
    assert models(bert) == []
    anna.reload(share_models='["ollama/*"]')
    eventually(lambda: REMOTE in models(bert))
    assert chatted(bert).status == 200
    anna.reload(tokens_a_day="10")
    assert chatted(bert).status == 429
    anna.reload(share_models="[]")
    eventually(lambda: not bert.peers()["anna"]["shares_models"])
    assert chatted(bert).status != 200


def test_a_running_chat_goes_on_over_a_change_of_the_limits(rig: Rig) -> None:
    """It is broken off only by what needs another session."""
    with waiting_ollama() as server:
        anna, bert = two(rig, server.url)
        eventually(lambda: REMOTE in models(bert))
        with a_chat_that_waits(bert):
            eventually(lambda: Waiting.begun == 1)
            anna.reload(models_at_once="1")
            assert "takes no more" in chatted(bert).json["error"]
            assert Waiting.left == 0
            anna.reload(name='"annabel"')
            eventually(lambda: Waiting.left == 1)
        eventually(lambda: bert.sees("annabel"))


def test_the_mesh_is_left_and_entered_again_by_the_configuration(rig: Rig) -> None:
    """Switched off, a daemon is gone at once and says so; switched on it is there again."""
    anna, bert = rig.mesh_of("anna", "bert")
    bert.reload(enabled="false")
    assert bert.status["state"] == "disabled"
    eventually(anna.sees)
    bert.reload(enabled="true")
    all_see_all([anna, bert])
