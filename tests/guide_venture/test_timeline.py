"""What has happened to a venture, told in order."""

from __future__ import annotations

from typing import Any

import pytest

from tests.calling import Caller


class Story:
    """A venture with two divisions, to which things have happened in turn."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.venture_id = caller.discovering()
        self.auth = caller.division(self.venture_id, "auth")
        self.billing = caller.division(self.venture_id, "billing")
        for process in ("design", "plan"):
            for division_id in (self.auth, self.billing):
                caller.bring(f"/api/divisions/{division_id}/{process}", "active")
        caller.done(f"/api/divisions/{self.auth}/design/aggregate", {"aggregate_name": "user"})

    def page(self, query: str = "") -> Any:
        """Return a page of its timeline."""
        reply = self.caller.get(f"/api/ventures/{self.venture_id}/timeline?{query}")
        assert reply.status == 200, reply
        return reply.json

    def pages(self, query: str, limit: int) -> list[Any]:
        """Return what all pages tell."""
        page = self.page(f"{query}&limit={limit}")
        told: list[Any] = page["happenings"]
        while page["next"] is not None:
            page = self.page(f"{query}&limit={limit}&after={page['next']}")
            assert 0 < len(page["happenings"]) <= limit
            told += page["happenings"]
        return told


@pytest.fixture
def story(caller: Caller) -> Story:
    """What has happened so far."""
    return Story(caller)


def sentences(happenings: list[Any]) -> list[str]:
    """Return what is told."""
    return [happening["sentence"] for happening in happenings]


def test_it_tells_everything_in_order(story: Story) -> None:
    """Of the venture and its divisions, each with its name, and nothing of other ventures."""
    page = story.page()
    assert page["next"] is None
    assert sentences(page["happenings"]) == [
        "venture 'my-saas-app' set up",
        "discovery started",
        "division 'auth' discovered",
        "division 'billing' discovered",
        "auth: design started",
        "billing: design started",
        "auth: plan started",
        "billing: plan started",
        "auth: aggregate 'user' designed",
    ]
    positions = [happening["position"] for happening in page["happenings"]]
    assert positions == sorted(positions)
    raw = story.caller.get(f"/api/ventures/{story.venture_id}/events").json["events"]
    assert [(one["position"], one["type"]) for one in page["happenings"]] == [
        (one["position"], one["type"]) for one in raw
    ]
    last = page["happenings"][-1]
    assert (last["division_id"], last["division"], last["process"]) == (story.auth, "auth", "design_division")
    assert last["by"].startswith("uid:")
    assert page["happenings"][0]["division"] is None
    assert page["happenings"][2]["division_id"] == story.auth


@pytest.mark.parametrize("limit", [1, 2, 4, 500])
@pytest.mark.parametrize("division", ["", "auth"])
def test_pages_tell_the_same_as_the_whole(story: Story, division: str, limit: int) -> None:
    """In both directions, without gap or repetition."""
    query = f"division={division}" if division else ""
    whole = story.page(f"{query}&limit=500")["happenings"]
    assert story.pages(query, limit) == whole
    assert story.pages(f"{query}&newest_first=true", limit) == whole[::-1]


def test_one_division_is_told_of_alone(story: Story) -> None:
    """By its name or its id, from its discovery on."""
    by_name = story.page("division=auth")["happenings"]
    assert sentences(by_name) == [
        "division 'auth' discovered",
        "auth: design started",
        "auth: plan started",
        "auth: aggregate 'user' designed",
    ]
    assert story.page(f"division={story.auth}")["happenings"] == by_name


def test_checks_and_incidents_are_called_by_their_names(story: Story) -> None:
    """Also when they are closed."""
    monitor = f"/api/divisions/{story.auth}/monitor"
    story.caller.bring(monitor, "active")
    incident = story.caller.done(f"{monitor}/incident", {"title": "logins fail"})["id"]
    story.caller.done(f"{monitor}/close", {"incident_id": incident, "reason": "rolled back"})
    assert sentences(story.page("division=auth")["happenings"])[-1] == (
        "auth: incident 'logins fail' closed: rolled back"
    )


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/ventures/v-none/timeline", 404),
        ("{timeline}?division=nobody", 404),
        ("{timeline}?division=%00", 404),
        ("{timeline}?limit=0", 400),
        ("{timeline}?limit=501", 400),
        ("{timeline}?after=-1", 400),
        ("{timeline}?after=x", 400),
        ("{timeline}?newest_first=perhaps", 400),
        ("{timeline}?after=9223372036854775807", 200),
    ],
)
def test_what_makes_no_sense_is_refused(story: Story, path: str, status: int) -> None:
    """And a place after the end is an empty page."""
    reply = story.caller.get(path.format(timeline=f"/api/ventures/{story.venture_id}/timeline"))
    assert reply.status == status
    if status == 200:
        assert (reply.json["happenings"], reply.json["next"]) == ([], None)


def test_a_division_of_another_venture_is_not_found(story: Story) -> None:
    """Even by its id."""
    other = story.caller.division(name="elsewhere")
    assert story.caller.get(f"/api/ventures/{story.venture_id}/timeline?division={other}").status == 404
