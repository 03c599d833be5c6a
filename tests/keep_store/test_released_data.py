"""The data directory of every released version: it is opened, brought up to date, and serves what it did."""

from __future__ import annotations

import json
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.calling import Caller
from tests.daemon.child import child_environment, wait_until
from tests.keep_store.released_data import ANSWERS, GOLDEN, KEPT, KEY, ONCE, read_all
from tests.serving import HECATE, serving

RELEASED = sorted(GOLDEN.glob("data-*.tar.gz"))


@pytest.fixture
def place() -> Iterator[Path]:
    """Give a folder whose path is short enough for a socket in it."""
    with tempfile.TemporaryDirectory(prefix="hecate-") as folder:
        yield Path(folder)


def differences(was: Any, now: Any, at: str = "") -> list[str]:
    """Return where *now* does not say all that *was* said; it may say more."""
    if isinstance(was, dict) and isinstance(now, dict):
        return [found for name in was for found in differences(was[name], now.get(name), f"{at}.{name}")]
    if isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        return [found for number, one in enumerate(was) for found in differences(one, now[number], f"{at}[{number}]")]
    return [] if was == now else [f"{at}: {was!r} became {now!r}"]


def examined(place: Path) -> dict[str, str]:
    """Return what ``hecate doctor`` says of each thing that it looks at."""
    environ = child_environment() | {
        "HECATE_DATA_DIR": str(place / "data"),
        "HECATE_CONFIG": str(place / "config.toml"),
        "HECATE_SOCKET": str(place / "daemon.sock"),
    }
    words = (HECATE, "doctor", "--json")
    ran = subprocess.run(words, env=environ, capture_output=True, text=True, check=False)
    return {finding["check"]: finding["state"] for finding in json.loads(ran.stdout)["findings"]}


@pytest.mark.parametrize("path", RELEASED, ids=lambda path: path.name.removesuffix(".tar.gz"))
def test_it_is_opened_and_serves_what_it_did(path: Path, place: Path) -> None:
    """All that was answered is answered still, the hash of the last event with it; and it goes on from there."""
    assert path.stat().st_size < 200_000
    with tarfile.open(path) as archive:
        archive.extractall(place, filter="data")
    (place / "data").chmod(0o700)
    was = json.loads((place / ANSWERS).read_text())
    with serving(place, configuration=KEPT) as child, closing(Caller(child.socket_path)) as caller:
        now = read_all(caller)
        assert differences(was, now) == []
        assert list(now) == list(was)
        wait_until(lambda: caller.get("/api/mesh/status").json["realm"] == "golden")
        again = caller.post("/api/ventures", ONCE, Idempotency_Key=KEY).json
        assert again["id"] in {venture["id"] for venture in was["/api/ventures?include_archived=true"]["ventures"]}
        before = len(was["/api/events?limit=500"]["events"])
        assert caller.head == before
        path_of_division = f"/api/divisions/{caller.division(caller.discovering())}"
        caller.bring(f"{path_of_division}/design", "active")
        assert caller.head == before + 4
        found = examined(place)
        assert found["hash chain"] == found["read models"] == "ok"


def test_there_is_one() -> None:
    """Of the first version that was released on."""
    assert "data-0.8.0.tar.gz" in {path.name for path in RELEASED}
