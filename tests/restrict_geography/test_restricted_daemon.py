"""A daemon that may not answer where it is, over its sockets."""

from __future__ import annotations

import http.client
import json
import signal
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.calling import Caller
from tests.daemon.child import wait_until
from tests.restrict_geography.conftest import Daemon, Start
from tests.restrict_geography.databases import country, made_up

IN_RUSSIA = 'enabled = true\ncountry = "RU"\ncountries = ["RU", "KP"]'
SAYS = "requests are refused: this machine is in RU, which is on the blocklist; GET /api/geo/status tells more"


def test_it_is_off_unless_configured(start: Start) -> None:
    """Everything is answered, and the status says so with all the fields that clients know."""
    daemon = start()
    status = daemon.status
    assert status == {
        "ok": True,
        "allowed": True,
        "status": "allowed",
        "country": None,
        "checked_at": status["checked_at"],
        "enabled": False,
        "reason": "off",
        "source": None,
        "address": None,
        "database_loaded": False,
        "database": None,
        "config": {"mode": "blocklist", "blocked_count": 0, "allowed_count": 0, "on_unknown": "allow"},
        "notices_changes": False,
        "problems": [],
    }
    assert not daemon.is_blocked


def test_it_refuses_all_but_the_exceptions(start: Start) -> None:
    """Whatever the path is, known or not, before a body is looked at; health, geography and the document are there."""
    daemon = start(IN_RUSSIA)
    for method, path, body in (
        ("GET", "/api/ventures", None),
        ("POST", "/api/ventures", {"name": "shop"}),
        ("POST", "/api/ventures", b"{not JSON"),
        ("DELETE", "/api/ventures", None),
        ("GET", "/api/events", None),
        ("GET", "/api/llm/models", None),
        ("POST", "/api/llm/chat", {"model": "m", "messages": []}),
        ("GET", "/metrics", None),
        ("GET", "/api/nothing", None),
    ):
        reply = daemon.caller.ask(method, path, body)
        assert (reply.status, reply.code, reply.json["country"]) == (403, "geo_restricted", "RU"), path
        assert reply.json["error"] == SAYS
    for path in ("/health", "/api/health", "/api/geo/status", "/api/geo/check/8.8.8.8", "/api/openapi.json"):
        assert daemon.caller.get(path).status == 200, path
    assert daemon.caller.head == 0, "nothing was recorded"


@pytest.mark.parametrize(
    ("method", "path", "refusal"),
    [
        (
            "POST",
            "/v1/chat/completions",
            {"error": {"message": SAYS, "type": "permission_error", "param": None, "code": "geo_restricted"}},
        ),
        ("POST", "/v1/messages", {"type": "error", "error": {"type": "permission_error", "message": SAYS}}),
        ("POST", "/api/chat", {"error": SAYS}),
        ("GET", "/api/tags", {"error": SAYS}),
        ("DELETE", "/api/tags", {"error": SAYS}),
    ],
)
def test_a_dialect_says_it_in_its_own_shape(method: str, path: str, refusal: Any, start: Start) -> None:
    """Or its clients would not understand it."""
    reply = start(IN_RUSSIA).caller.ask(method, path, {} if method == "POST" else None)
    assert (reply.status, reply.json) == (403, refusal)


def test_it_holds_on_the_loopback_port_too(start: Start) -> None:
    """For those who show the token; others are still not told anything."""
    daemon = start(IN_RUSSIA, rest='[http]\nlisten = "127.0.0.1:0"\ntoken = "0123456789abcdef"')
    url = json.loads(daemon.child.wait_for_line('"ready"'))["http"]

    def ask(path: str, **headers: str) -> tuple[int, Any]:
        with closing(http.client.HTTPConnection(url.removeprefix("http://"), timeout=20)) as connection:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    shown = {"Authorization": "Bearer 0123456789abcdef"}
    assert ask("/api/ventures", **shown)[1]["code"] == "geo_restricted"
    assert ask("/api/geo/status", **shown)[1]["allowed"] is False
    assert ask("/api/ventures")[0] == 401


def test_an_allowlist_allows_nobody_else(start: Start) -> None:
    """The error says which list it was."""
    daemon = start('enabled = true\nmode = "allowlist"\ncountry = "RU"\ncountries = ["NL", "DE"]')
    assert "RU, which is not on the allowlist" in daemon.caller.get("/api/ventures").json["error"]
    status = daemon.status
    assert status["status"] == {"blocked": "RU"}
    assert status["config"] == {"mode": "allowlist", "blocked_count": 0, "allowed_count": 2, "on_unknown": "allow"}


def test_the_environment_comes_before_the_file(start: Start) -> None:
    """``HECATE_GEO_COUNTRY``."""
    status = start(IN_RUSSIA, HECATE_GEO_COUNTRY="nl").status
    assert (status["allowed"], status["country"], status["source"]) == (True, "NL", "environment")


def test_neither_locale_nor_time_zone_is_looked_at(start: Start) -> None:
    """They say what a person likes."""
    status = start(
        'enabled = true\ncountry = "NL"\ncountries = ["RU"]', LC_ALL="ru_RU.UTF-8", TZ="Europe/Moscow"
    ).status
    assert (status["country"], status["source"]) == ("NL", "configuration")
    assert start("", LANG="ru_RU.UTF-8", TZ="Europe/Moscow").status["country"] is None


# -- reload


@pytest.mark.parametrize("how", ["SIGHUP", "request"])
def test_a_reload_takes_new_settings(how: str, start: Start) -> None:
    """Off, on, and off again, without a restart; requests on an open connection are concerned at once."""
    daemon = start()

    def reload(geo: str) -> None:
        daemon.configure(geo)
        if how == "request":
            # Whether changes are noticed is a matter of the background, which comes after.
            later = {"notices_changes": False}
            assert daemon.caller.done("/api/geo/reload") | later == daemon.status | later
        else:
            reloads = sum('"configuration reloaded"' in line for line in daemon.child.err)
            daemon.child.signal(signal.SIGHUP)
            daemon.child.wait_for_line('"configuration reloaded"', times=reloads + 1)

    assert not daemon.is_blocked
    reload(IN_RUSSIA)
    assert daemon.is_blocked
    reload("")
    assert not daemon.is_blocked


@pytest.mark.parametrize("geo", ["enabled = 1", 'mode = "block"', 'contry = "NL"', "enabled = ", 'database = "x.mmdb"'])
def test_a_reload_of_what_makes_no_sense_changes_nothing(geo: str, start: Start) -> None:
    """The answer names the place, the status says that the file is not in use, and a later reload takes that back."""
    daemon = start(IN_RUSSIA)
    daemon.configure(geo)
    reply = daemon.caller.post("/api/geo/reload")
    assert (reply.status, reply.code) == (400, "validation_error")
    assert str(daemon.configuration) in reply.json["error"]
    (problem,) = daemon.problems
    assert problem.startswith("the configuration is not reloaded")
    assert daemon.is_blocked
    daemon.configure("")
    assert daemon.caller.done("/api/geo/reload")["problems"] == []
    assert not daemon.is_blocked


def test_feeds_end_when_a_restriction_comes(start: Start) -> None:
    """A chat that has begun would be finished; a feed has no end of its own."""
    daemon = start()
    daemon.caller.venture()
    with daemon.caller.feed("/api/events") as feed:
        assert feed.event()[0] == 1
        daemon.configure(IN_RUSSIA)
        daemon.caller.done("/api/geo/reload")
        while feed.block():
            pass  # comments that keep the connection alive
    daemon.configure("")
    daemon.caller.done("/api/geo/reload")
    with daemon.caller.feed("/api/events") as feed:
        assert feed.event()[0] == 1, "later ones go on"


# -- what is broken


@pytest.mark.parametrize("on_unknown", ["allow", "deny"])
@pytest.mark.parametrize(
    ("geo", "reason", "problem"),
    [
        ('country = "Holland"', "broken_configuration", "geo.country is 'Holland'"),
        ('countries = ["UK"]', "broken_configuration", "geo.countries has 'UK'"),
        ('deny_addresses = ["10.0.0.0/99"]', "broken_configuration", "is no network"),
        ('database = "/nowhere/it.mmdb"', "broken_database", "cannot read /nowhere/it.mmdb: No such file"),
        ('database = "/etc/passwd"', "broken_database", "/etc/passwd is no database of countries"),
    ],
)
def test_what_is_broken_is_said_and_decided(geo: str, reason: str, problem: str, on_unknown: str, start: Start) -> None:
    """The daemon starts, the status says what is wrong, and the operator's word decides."""
    daemon = start(f'enabled = true\n{geo}\non_unknown = "{on_unknown}"')
    status = daemon.status
    (said,) = daemon.problems
    assert problem in said
    assert (status["reason"], status["allowed"]) == (reason, on_unknown == "allow")
    assert status["status"] == ("allowed" if on_unknown == "allow" else {"blocked": "unknown"})
    assert daemon.is_blocked is (on_unknown == "deny")
    assert daemon.child.wait_for_line(problem.replace('"', '\\"'))


def test_a_broken_environment_is_the_operators_too(start: Start) -> None:
    """Nothing is guessed in its place."""
    status = start(IN_RUSSIA, HECATE_GEO_COUNTRY="Neverland").status
    assert status["reason"] == "broken_configuration"
    assert status["problems"] == ["HECATE_GEO_COUNTRY is 'Neverland', which is the code of no country (ISO 3166-1)"]


def test_a_country_that_is_told_needs_no_database(start: Start) -> None:
    """A broken one is said, and decides nothing."""
    daemon = start(IN_RUSSIA.replace('RU"\n', 'NL"\n') + '\ndatabase = "/nowhere/it.mmdb"\non_unknown = "deny"')
    status = daemon.status
    assert (status["allowed"], status["country"], status["database_loaded"]) == (True, "NL", False)
    assert status["problems"] == ["cannot read /nowhere/it.mmdb: No such file or directory"]


# -- addresses


def test_an_address_is_looked_up(start: Start, tmp_path: Path) -> None:
    """In the operator's own database, with what the rules say of it."""
    path = made_up(tmp_path / "it.mmdb", {"8.8.8.0/24": country("RU"), "9.9.9.0/24": country("NL")})
    daemon = start(
        f'enabled = true\ncountry = "NL"\ncountries = ["RU"]\ndatabase = "{path}"\n'
        'deny_addresses = ["9.9.9.9/32"]\nallow_addresses = ["8.8.8.4/32"]'
    )

    def checked(ip: str) -> tuple[Any, ...]:
        answer = daemon.caller.get(f"/api/geo/check/{ip}").json
        assert answer["database"]["name"] == "Made-Up-Country"
        return answer["ip"], answer["country"], answer["allowed"], answer["reason"]

    assert checked("8.8.8.8") == ("8.8.8.8", "RU", False, "country_blocked")
    assert checked("::ffff:8.8.8.8") == ("8.8.8.8", "RU", False, "country_blocked")
    assert checked("8.8.8.4") == ("8.8.8.4", "RU", True, "address_allowed")
    assert checked("9.9.9.9") == ("9.9.9.9", "NL", False, "address_denied")
    assert checked("9.9.9.8") == ("9.9.9.8", "NL", True, "country_allowed")
    assert checked("10.0.0.1") == ("10.0.0.1", None, True, "unknown_location")
    path.write_bytes(b"rubbish")
    answer = daemon.caller.get("/api/geo/check/8.8.8.8").json
    assert (answer["country"], answer["allowed"], answer["reason"]) == (None, True, "broken_database")
    assert answer["database"] is None
    assert "is no database of countries" in answer["problems"][0]


def test_an_address_is_looked_up_where_geography_is_off(caller: Caller) -> None:
    """In the database that is built in."""
    answer = caller.get("/api/geo/check/8.8.8.8").json
    assert (answer["country"], answer["allowed"], answer["reason"]) == ("US", True, "off")
    assert answer["database"]["name"].startswith("iptocc ")


@pytest.mark.parametrize("ip", ["nonsense", "8.8.8", "8.8.8.8%2F24", "%00", "%F0%9F%92%A9", "-1", "1" * 199])
def test_what_is_no_address_is_refused(ip: str, caller: Caller) -> None:
    """400, with what it was."""
    reply = caller.get(f"/api/geo/check/{ip}")
    assert reply.status in {400, 404}
    assert reply.code in {"validation_error", "not_found"}


# -- a service on the internet


def test_a_service_that_is_not_there_decides_nothing(start: Start) -> None:
    """What it fails with is said; the daemon is ready before it is asked."""
    daemon = start('enabled = true\necho_urls = ["https://127.0.0.1:1/"]\ndeny_addresses = []')
    wait_until(lambda: bool(daemon.status["problems"]) or daemon.status["source"] == "interface")
    if daemon.status["source"] != "interface":
        assert "https://127.0.0.1:1/ cannot be asked" in str(daemon.status["problems"])
        assert daemon.status["reason"] == "unknown_location"


def test_the_status_is_the_contracts(start: Start) -> None:
    """Field by field as it is shown there."""
    daemon: Daemon = start('enabled = true\ncountry = "NL"\ncountries = ["RU"]')
    status = daemon.status
    assert (status["ok"], status["allowed"], status["country"]) == (True, True, "NL")
    assert str(status["checked_at"]).startswith("20")
    assert str(status["checked_at"]).endswith("Z")
