"""Names where the API wants ids."""

from __future__ import annotations

import pytest

from hecate.client import Client, Invalid, NotFound
from hecate.daemon.cli.names import division_id, venture_id


def venture_with(client: Client, name: str, *divisions: str) -> tuple[str, list[str]]:
    """Set up a venture with divisions, and return the ids."""
    venture = client.set_up_venture(name).id
    client.discovery_command(venture, "start")
    found = [client.discovery_command(venture, "discover", {"division_name": division}).id for division in divisions]
    return venture, found


def test_a_venture_is_found_by_its_name_and_by_its_id(client: Client) -> None:
    """Whoever has one need not look up the other."""
    venture, _ = venture_with(client, "found-by-name")
    assert venture_id(client, "found-by-name") == venture_id(client, venture) == venture


def test_a_name_may_look_like_an_id(client: Client) -> None:
    """``v-next`` is a fine name for a version two."""
    venture, [division] = venture_with(client, "v-next", "div-ide")
    assert venture_id(client, "v-next") == venture
    assert division_id(client, "div-ide") == division


def test_a_name_that_nothing_has_is_refused_with_those_that_there_are(client: Client) -> None:
    """A typing error is seen at once."""
    venture_with(client, "nearly", "right")
    with pytest.raises(NotFound, match=r"there is no venture 'nearby': there is .*"):
        venture_id(client, "nearby")
    with pytest.raises(NotFound, match="there is no division 'nearly/left': there is nearly/right"):
        division_id(client, "nearly/left")
    with pytest.raises(NotFound, match="there is no division 'nowhere'"):
        division_id(client, "nowhere")


def test_a_division_is_found_by_its_name_alone_while_that_is_clear(client: Client) -> None:
    """In which venture it is matters only when there are several."""
    _, [division] = venture_with(client, "only", "unmistakable")
    assert division_id(client, "unmistakable") == division
    assert division_id(client, "only/unmistakable") == division
    assert division_id(client, division) == division


def test_a_division_whose_name_is_not_clear_is_asked_for(client: Client) -> None:
    """The candidates are listed in the form that can be given instead."""
    _, [first] = venture_with(client, "one", "twin")
    _, [second] = venture_with(client, "two", "twin")
    with pytest.raises(Invalid, match=rf"2 divisions are called 'twin': give one of one/twin \({first}\), two/twin"):
        division_id(client, "twin")
    assert division_id(client, "two/twin") == second


def test_an_archived_venture_gives_way_to_a_living_one(client: Client) -> None:
    """A name that was put away is free for what comes after, and still found when nothing else is meant."""
    old = client.set_up_venture("phoenix").id
    client.command(f"/api/ventures/{old}/archive")
    assert venture_id(client, "phoenix") == old
    new = client.set_up_venture("phoenix").id
    assert venture_id(client, "phoenix") == new
