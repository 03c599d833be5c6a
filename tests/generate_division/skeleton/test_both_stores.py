"""Whether a project stores its events itself or with the library, it gives the same answers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings, strategies as st

from hecate.generate_division.skeleton.design import Design, DesignedAggregate, DesignedEvent, PlannedDesk
from hecate.generate_division.skeleton.rendering import render
from hecate.generate_division.skeleton.template_folder import names, read_templates

DESIGN = Design(
    venture="Shop",
    division="Auth",
    project="auth",
    aggregates=(
        DesignedAggregate(name="user", stream_pattern="user-{user_id}"),
        # Its streams are called as those of users are.
        DesignedAggregate(name="guest", stream_pattern="user-{guest_id}"),
        DesignedAggregate(name="order", stream_pattern="o/{shop}/{number}"),
    ),
    events=(
        DesignedEvent(name="user_registered", aggregate="user", payload_fields=("email",)),
        DesignedEvent(name="guest_registered", aggregate="guest", payload_fields=("email",)),
        DesignedEvent(name="order_placed", aggregate="order", payload_fields=("price: float",)),
    ),
    desks=(
        PlannedDesk(id="d1", name="register_user", aggregate="user"),
        PlannedDesk(id="d2", name="register_guest", aggregate="guest"),
        PlannedDesk(id="d3", name="place_order", aggregate="order"),
        PlannedDesk(id="d4", name="show_users", aggregate="user", type="query"),
        PlannedDesk(id="d5", name="show_all", type="query"),
    ),
)
PROGRAM = """
import json, sys, tempfile
from auth.application import as_json, opened
from auth.messages import Invalid, Refused

def without_time(events):
    return [{**event, "recorded_at": ""} for event in events]

def answers(commands):
    with tempfile.TemporaryDirectory() as folder:
        for half in (commands[::2], commands[1::2]):
            # The second begins with what the first has left on disk.
            with opened(f"{folder}/auth.db") as application:
                for name, fields in half:
                    try:
                        yield without_time(map(as_json, application.execute(name, fields)))
                    except (Invalid, Refused) as exc:
                        yield str(exc)
                for after in range(3):
                    yield without_time(application.since(after, 4))
                yield [application.ask(name, {}) for name in ("show_users", "show_all")]

json.dump([list(answers(commands)) for commands in json.load(sys.stdin)], sys.stdout)
"""
texts = st.sampled_from(["7", "a/b", "user/user-7", "-", "%2F", "é", "\ud800", "", "x" * 201]) | st.text(max_size=5)
commands = st.one_of(
    st.tuples(st.just("register_user"), st.fixed_dictionaries({"user_id": texts, "email": texts})),
    st.tuples(st.just("register_guest"), st.fixed_dictionaries({"guest_id": texts, "email": texts})),
    st.tuples(
        st.just("place_order"),
        st.fixed_dictionaries({"shop": texts, "number": texts, "price": st.floats(allow_nan=False)}),
    ),
)


def test_both_give_the_same_answers(tmp_path: Path) -> None:
    """To any commands, before and after they are opened anew; but for the time of recording."""
    drawn: list[list[Any]] = []

    @settings(max_examples=60, phases=[Phase.generate], database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(commands, max_size=8))
    def draw(some: list[Any]) -> None:
        drawn.append(some)

    draw()
    answers = {template: _answers(template, tmp_path / template, drawn) for template in names(None)}
    assert set(answers) == {"eventsourcing", "python"}
    for number, asked in enumerate(drawn):
        assert answers["eventsourcing"][number] == answers["python"][number], asked
    positions = [
        event["position"] for given_ in answers["python"] for one in given_ for event in one if "position" in event
    ]
    assert max(positions) > 5


def _answers(template: str, folder: Path, asked: list[list[Any]]) -> list[Any]:
    """Return what a project of *template* answers."""
    for file in render(DESIGN, read_templates(template, None)):
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={"PYTHONPATH": str(folder / "auth" / "src"), "PYTHONDONTWRITEBYTECODE": "1"},
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers: list[Any] = json.loads(done.stdout)
    return answers
