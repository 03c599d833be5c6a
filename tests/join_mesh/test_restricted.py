"""A daemon that may not answer where it is: nor does it answer peers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.ollama import ollama
from tests.join_mesh.rig import Rig, all_see_all, eventually
from tests.join_mesh.test_capabilities import called, knows, offer, token
from tests.join_mesh.test_shared_models import REMOTE, chatted, models
from tests.join_mesh.test_shared_ventures import kept, recorded, share

GEO = '[geo]\nenabled = true\ncountry = "{}"\ncountries = ["RU"]'


@pytest.fixture
def ollama_url() -> Iterator[str]:
    """Where anna's models are."""
    with ollama() as server:
        yield server.url


def test_peers_are_refused_like_callers_of_its_own(rig: Rig, ollama_url: str) -> None:
    """Models, capabilities and facts; it stays in the mesh, and when it may again it answers again."""
    anna = rig.start("anna", ollama_url=ollama_url, mesh='share_models = ["ollama/*"]', more=GEO.format("NL"))
    bert = rig.start("bert")
    anna.found()
    bert.enter(anna)
    all_see_all([anna, bert])
    offer(anna, "http://127.0.0.1:1/")
    word = token(anna, "bert")
    eventually(lambda: knows(bert) and REMOTE in models(bert))
    assert chatted(bert).status == 200
    venture_id = anna.caller.discovering()
    share(anna, venture_id)
    eventually(lambda: kept(bert, anna, venture_id) == recorded(anna, venture_id))
    file = anna.folder / "config.toml"
    file.write_text(file.read_text().replace('"NL"', '"RU"'))
    anna.caller.done("/api/geo/reload")
    for reply in (chatted(bert), called(bert, token=word)):
        assert reply.status >= 400
        assert "this machine is in RU" in reply.json["error"]
    assert anna.caller.get("/api/mesh/status").code == "geo_restricted"
    assert bert.sees("anna")
    file.write_text(file.read_text().replace('"RU"\ncountries', '"NL"\ncountries'))
    anna.caller.done("/api/geo/reload")
    eventually(lambda: chatted(bert).status == 200)
