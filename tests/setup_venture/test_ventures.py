"""Ventures: set up, listed in pages, shown, and put away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.calling import Caller
from tests.rest.asgi import ask
from tests.whole_application import whole_application


def pages(caller: Caller, query: str, after: str) -> list[list[Any]]:
    """Return every page of the list behind the venture *after*."""
    found = []
    while True:
        page = caller.get(f"/api/ventures?{query}&after={after}").json
        found.append(page["ventures"])
        if page["next"] is None:
            return found
        after = page["next"]


async def test_without_a_venture_there_is_none_to_show(tmp_path: Path) -> None:
    """404 for the newest, and an empty list."""
    with whole_application(tmp_path) as app:
        assert (await ask(app, "GET", "/api/ventures")).json == {"ok": True, "ventures": [], "next": None}
        newest = await ask(app, "GET", "/api/venture")
        assert (newest.status, newest.code, newest.json["error"]) == (404, "not_found", "there is no venture yet")


def test_a_venture_keeps_what_it_was_given(caller: Caller) -> None:
    """Text as it is, also over many lines; the workspace too."""
    given = {"name": "x", "brief": "one\n\ttwo\u00e9", "workspace": "/home/you/src/x"}
    shown = caller.get(f"/api/ventures/{caller.venture(**given)}").json
    assert {name: shown[name] for name in given} == given


def test_pages_are_in_the_order_of_set_up(caller: Caller) -> None:
    """Each venture once, however large the page is."""
    before, *made = [caller.venture(f"paged-{number}") for number in range(8)]
    for limit in (1, 2, 3, 7, 8, 500):
        found = pages(caller, f"limit={limit}", before)
        assert [venture["id"] for page in found for venture in page] == made
        assert [len(page) for page in found[:-1]] == [limit] * (len(found) - 1)


def test_pages_of_the_newest(caller: Caller) -> None:
    """The same ones in the other order, up to the first."""
    made = [caller.venture(f"newest-{number}") for number in range(8)][::-1]
    for limit in (1, 3, 8):
        found: list[str] = []
        after = ""
        while len(found) < len(made):
            page = caller.get(f"/api/ventures?newest_first=true&limit={limit}&after={after}").json
            found += [venture["id"] for venture in page["ventures"]]
            after = page["next"] or ""
        assert found[:8] == made


def test_fifty_are_on_a_page_unless_another_number_is_asked_for(caller: Caller) -> None:
    """The default."""
    for _ in range(51):
        caller.venture()
    assert len(caller.get("/api/ventures").json["ventures"]) == 50


def test_an_archived_venture_is_hidden_and_kept(caller: Caller) -> None:
    """It is in no list unless asked for; by its id it is shown, with its bits."""
    before = caller.venture()
    venture_id = caller.discovering()
    caller.division(venture_id)
    answer = caller.done(f"/api/ventures/{venture_id}/archive", {"reason": "sold"})
    assert (answer["status"], answer["status_label"], answer["available_actions"]) == (3, "archived", [])

    def listed(query: str) -> list[str]:
        return [venture["id"] for page in pages(caller, query, before) for venture in page]

    assert listed("") == listed("include_archived=false") == []
    assert listed("include_archived=true") == [venture_id]
    shown = caller.get(f"/api/ventures/{venture_id}").json
    assert (shown["status"], shown["status_label"]) == (3, "archived")
    assert list(caller.get(f"/api/ventures/{venture_id}/status").json["divisions"]) == ["auth"]


def test_a_venture_is_archived_once(caller: Caller) -> None:
    """409, and nothing is appended."""
    venture_id = caller.venture()
    caller.done(f"/api/ventures/{venture_id}/archive")
    head = caller.head
    reply = caller.post(f"/api/ventures/{venture_id}/archive")
    assert (reply.status, reply.code, reply.json["state"]) == (409, "invalid_state", "archived")
    assert "it takes no command" in reply.json["error"]
    assert caller.head == head


@pytest.mark.parametrize("path", ["", "/status", "/divisions", "/events"])
def test_an_unknown_venture_is_not_found(caller: Caller, path: str) -> None:
    """404, and the sentence names it."""
    reply = caller.get(f"/api/ventures/v-nobody{path}")
    assert (reply.status, reply.code, reply.json["error"]) == (404, "not_found", "there is no venture 'v-nobody'")


def test_the_version_of_a_venture_is_its_etag(caller: Caller) -> None:
    """For ``If-Match`` on its commands."""
    venture_id = caller.venture()
    etag = caller.get(f"/api/ventures/{venture_id}").headers["etag"]
    assert etag == '"1"'
    assert caller.post(f"/api/ventures/{venture_id}/archive", if_match='"2"').status == 412
    assert caller.post(f"/api/ventures/{venture_id}/archive", if_match=etag).status == 200
