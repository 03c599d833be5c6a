"""The engine: a command's way to its dossier and back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import apsw
import msgspec
import pytest
from hypothesis import given, settings, strategies as st

from hecate.dossiers.engine import LONGEST_READ_IN_A_UNIT, Engine, Handled
from hecate.dossiers.errors import (
    GateClosed,
    HecateError,
    InvalidState,
    KeyReused,
    NotFound,
    Refused,
    Unavailable,
    VersionMoved,
)
from hecate.dossiers.hash_chain import GENESIS, StoredEvent, first_broken
from hecate.dossiers.lifecycle import Archive, Complete, Pause, Resume, Start
from hecate.dossiers.messages import Command
from hecate.dossiers.read_model import Actor, Meta
from tests.dossiers.conftest import OpenEngine
from tests.dossiers.failing_disk import FailingDisk
from tests.dossiers.reading import keys_in
from tests.dossiers.shelf import (
    DESKS,
    FILL_SHELF,
    LEND_SHELF,
    OPEN_SHELF,
    READ_MODELS,
    UNSHELVABLE,
    OpenShelf,
    PutBook,
    Stumble,
    carry_out,
    content,
    new_shelf,
    order,
)

STEPS_TO: dict[str, tuple[Command, ...]] = {
    "pending": (),
    "active": (Start(),),
    "paused": (Start(), Pause()),
    "completed": (Start(), Complete()),
    "archived": (Start(), Archive()),
}


def log_of(engine: Engine) -> list[StoredEvent]:
    """Return all events, which must have no gap and be whole."""
    log = engine.store.read_from_thread(lambda db: engine.store.events_after(db, 0, 100_000)).result(10)
    assert [event.position for event in log] == list(range(1, len(log) + 1))
    keys = engine.store.read_from_thread(keys_in).result(10)
    assert first_broken(GENESIS, log, keys) is None
    versions: dict[str, int] = {}
    for event in log:
        versions[event.stream] = versions.get(event.stream, 0) + 1
        assert versions[event.stream] == event.version
    return log


def titles_of(engine: Engine, shelf_id: str) -> list[str]:
    """Return the titles of a shelf, as its events tell them."""
    stream = FILL_SHELF.stream_of(shelf_id)
    return [
        msgspec.json.decode(event.data)["title"]
        for event in log_of(engine)
        if event.stream == stream and event.type == "book_put_v1"
    ]


# -- answers


def test_a_command_answers_with_what_became_of_its_dossier(engine: Engine) -> None:
    """Id, process, state, version, what may come next, and the events themselves."""
    shelf_id = new_shelf(engine)
    (handled,) = carry_out(engine, order(FILL_SHELF, PutBook("Emma", copies=2), shelf_id))
    answer = content(handled)
    assert (handled.status, handled.version) == (201, 3)
    assert answer["id"] == answer["book_id"] == answer["events"][1]["data"]["book_id"]
    assert answer["events"] == [
        {"type": "book_put_v1", "data": {"book_id": answer["id"], "title": "Emma", "copy": copy}} for copy in (1, 2)
    ]
    for part in ("id", "book_id", "events"):
        del answer[part]
    assert answer == {
        "ok": True,
        "venture_id": shelf_id,
        "shelf_id": shelf_id,
        "process": "fill_shelf",
        "state": "active",
        "version": 3,
        "status": 3,
        "status_label": "active",
        "available_actions": ["book", "stumble", "pause", "complete", "archive"],
    }


def test_a_command_may_begin_a_subject(engine: Engine) -> None:
    """Each has an id of its own; the desk's further fields are in the answer."""
    first, second = (content(handled) for handled in carry_out(engine, *[order(OPEN_SHELF, OpenShelf("poems"))] * 2))
    assert first["id"] == first["shelf_id"] == first["venture_id"]
    assert first["id"].startswith("v-")
    assert first["id"] != second["id"]
    assert (first["name"], first["state"], first["version"]) == ("poems", "open", 1)


def test_a_command_with_nothing_to_add_changes_nothing(engine: Engine) -> None:
    """It is answered all the same, with no event and no id of a thing that was not made."""
    shelf_id = new_shelf(engine)
    carry_out(engine, order(FILL_SHELF, PutBook("Emma"), shelf_id))
    before = log_of(engine)
    (handled,) = carry_out(engine, order(FILL_SHELF, PutBook("Emma"), shelf_id, expected_version=2))
    answer = content(handled)
    assert (answer["id"], answer["events"], answer["version"]) == (shelf_id, [], 2)
    assert "book_id" not in answer
    assert log_of(engine) == before


def test_events_keep_who_asked_and_in_answer_to_what(engine: Engine) -> None:
    """Correlation, causation and actor lie beside the event, and the venture it is about."""
    meta = Meta(correlation_id="r-1", causation_id="e-1", actor=Actor(uid=1000, pid=7))
    (handled,) = carry_out(engine, order(OPEN_SHELF, OpenShelf(), meta=meta))
    (event,) = log_of(engine)
    assert msgspec.json.decode(event.meta, type=Meta) == meta
    assert event.venture_id == content(handled)["id"]
    carry_out(engine, order(FILL_SHELF, Start(), event.venture_id, meta=Meta()))
    assert log_of(engine)[-1].meta == "{}"
    assert log_of(engine)[-1].venture_id == event.venture_id


def test_warnings_are_passed_on(engine: Engine) -> None:
    """What the way to the desk has found is in the answer; without any there is no field."""
    shelf_id = new_shelf(engine)
    put = order(FILL_SHELF, PutBook("Emma"), shelf_id, warnings=["unknown field 'colour'"])
    assert content(*carry_out(engine, put))["warnings"] == ["unknown field 'colour'"]
    assert "warnings" not in content(*carry_out(engine, order(FILL_SHELF, PutBook("Sanditon"), shelf_id)))


# -- refusals


def refusal(engine: Engine, *args: Any, **options: Any) -> HecateError:
    """Return the refusal of a command, which must append nothing."""
    before = log_of(engine)
    with pytest.raises(HecateError) as refused:
        carry_out(engine, order(*args, **options))
    assert log_of(engine) == before
    return refused.value


def test_an_unknown_subject_is_not_found(engine: Engine) -> None:
    """The sentence names it."""
    refused = refusal(engine, FILL_SHELF, Start(), "v-unknown")
    assert isinstance(refused, NotFound)
    assert str(refused) == "there is no shelf 'v-unknown'"


def test_a_desks_refusal_is_the_callers(engine: Engine) -> None:
    """And nothing of it stays."""
    shelf_id = new_shelf(engine)
    assert isinstance(refusal(engine, FILL_SHELF, PutBook("forbidden"), shelf_id), Refused)


@pytest.mark.parametrize("process", [FILL_SHELF, LEND_SHELF], ids=lambda process: process.name)
@pytest.mark.parametrize("state", STEPS_TO)
def test_each_state_takes_the_commands_of_its_desks(open_engine: OpenEngine, process: Any, state: str) -> None:
    """Every desk of every process, in every state: taken, or refused with the state and what it takes instead."""
    engine = open_engine()
    for desk in DESKS[process]:
        if desk.command is Stumble:
            continue
        shelf_id = new_shelf(engine, filling=False)
        carry_out(engine, *(order(process, step, shelf_id) for step in STEPS_TO[state]))
        command = PutBook("Emma") if desk.command is PutBook else desk.command()
        if state in desk.states:
            (handled,) = carry_out(engine, order(process, command, shelf_id))
            assert handled.status == desk.status
            continue
        refused = refusal(engine, process, command, shelf_id)
        assert isinstance(refused, InvalidState)
        actions = [other.action for other in DESKS[process] if state in other.states]
        assert refused.details == {"process": process.name, "state": state, "available_actions": actions}
        assert f"it is {state}; it takes {', '.join(actions) or 'no command'}" in str(refused)


def test_an_expected_version_must_be_the_dossiers(engine: Engine) -> None:
    """Behind or ahead, the command is refused with the version that it is at; it is looked at before the state."""
    shelf_id = new_shelf(engine)
    for expected in (0, 2):
        refused = refusal(engine, FILL_SHELF, PutBook("Emma"), shelf_id, expected_version=expected)
        assert isinstance(refused, VersionMoved)
        assert (refused.status, refused.details) == (412, {"version": 1})
        assert f"at version 1, not {expected}" in str(refused)
    assert isinstance(refusal(engine, FILL_SHELF, Resume(), shelf_id, expected_version=0), VersionMoved)
    carry_out(engine, order(FILL_SHELF, PutBook("Emma"), shelf_id, expected_version=1))
    carry_out(engine, order(LEND_SHELF, Start(), shelf_id, expected_version=0))


def test_the_order_of_processes_is_advice(engine: Engine) -> None:
    """A start that comes early is taken with a warning, a start in order without one."""
    shelf_id = new_shelf(engine)
    (early,) = carry_out(engine, order(LEND_SHELF, Start(), shelf_id))
    assert content(early)["warnings"] == ["fill_shelf is active; it is usually completed before lend_shelf starts"]
    carry_out(engine, *(order(process, Complete(), shelf_id) for process in (LEND_SHELF, FILL_SHELF)))
    (in_order,) = carry_out(engine, order(LEND_SHELF, Start(), shelf_id))
    assert "warnings" not in content(in_order)


def test_strict_gates_refuse_a_start_that_comes_early(open_engine: OpenEngine) -> None:
    """Only a start, and only until the process before is completed; a reload may change it at any time."""
    engine = open_engine(strict_gates=True)
    shelf_id = new_shelf(engine, filling=False)
    for state, step in (("pending", Start()), ("active", Pause()), ("paused", Resume())):
        refused = refusal(engine, LEND_SHELF, Start(), shelf_id)
        assert isinstance(refused, GateClosed)
        assert f"fill_shelf is {state} and must be completed first" in str(refused)
        carry_out(engine, order(FILL_SHELF, step, shelf_id))
    engine.strict_gates = False
    carry_out(engine, order(LEND_SHELF, Start(), shelf_id))
    engine.strict_gates = True
    carry_out(engine, *(order(LEND_SHELF, step, shelf_id) for step in (Pause(), Resume(), Complete())))
    carry_out(engine, order(FILL_SHELF, Complete(), shelf_id), order(LEND_SHELF, Start(), shelf_id))


# -- idempotency keys


def test_the_same_key_gets_the_same_answer(open_engine: OpenEngine) -> None:
    """Byte for byte, after other commands, and after a restart; nothing is appended."""
    engine = open_engine()
    shelf_id = new_shelf(engine)
    put = order(FILL_SHELF, PutBook("Emma"), shelf_id, key="k")
    opening = order(OPEN_SHELF, OpenShelf(), key="o")
    first = carry_out(engine, put, opening)
    carry_out(engine, order(FILL_SHELF, Complete(), shelf_id))
    before = log_of(engine)
    assert carry_out(engine, put, opening) == first
    engine.close()
    engine = open_engine()
    assert carry_out(engine, put, opening) == first
    assert log_of(engine) == before


async def test_the_same_key_at_the_same_time_acts_once(engine: Engine) -> None:
    """A retry that overtakes its first try is in the same transaction, and sees it."""
    shelf_id = new_shelf(engine)
    opening = order(OPEN_SHELF, OpenShelf(), key="o")
    put = order(FILL_SHELF, PutBook("Emma"), shelf_id, key="k")
    before = len(log_of(engine))
    answers = await asyncio.gather(*[engine.handle(at) for at in [opening, put] * 20])
    assert len(set(answers[0::2])) == len(set(answers[1::2])) == 1
    assert len(log_of(engine)) == before + 2


def test_a_key_belongs_to_one_request(engine: Engine) -> None:
    """With another body it is refused, whatever the state is by then."""
    shelf_id = new_shelf(engine)
    carry_out(engine, order(FILL_SHELF, PutBook("Emma"), shelf_id, key="k"))
    refused = refusal(engine, FILL_SHELF, PutBook("Persuasion"), shelf_id, key="k")
    assert isinstance(refused, KeyReused)
    assert (refused.status, "'k'" in str(refused)) == (422, True)


def test_a_refused_command_does_not_use_its_key_up(engine: Engine) -> None:
    """A retry after the reason is gone is a new try."""
    shelf_id = new_shelf(engine, filling=False)
    put = order(FILL_SHELF, PutBook("Emma"), shelf_id, key="k")
    with pytest.raises(InvalidState):
        carry_out(engine, put)
    carry_out(engine, order(FILL_SHELF, Start(), shelf_id))
    assert carry_out(engine, put) == carry_out(engine, put)
    assert titles_of(engine, shelf_id) == ["Emma"]


def test_a_key_is_looked_at_before_the_expected_version(engine: Engine) -> None:
    """A retry with ``If-Match`` has moved the version itself."""
    shelf_id = new_shelf(engine)
    put = order(FILL_SHELF, PutBook("Emma"), shelf_id, key="k", expected_version=1)
    assert carry_out(engine, put) == carry_out(engine, put)


def test_a_command_with_nothing_to_add_keeps_its_key_too(engine: Engine) -> None:
    """Its answer is the same later, when there would be something to add."""
    shelf_id = new_shelf(engine)
    nothing = order(FILL_SHELF, PutBook("Emma", copies=0), shelf_id, key="k")
    first = carry_out(engine, nothing)
    carry_out(engine, order(FILL_SHELF, PutBook("Emma"), shelf_id))
    assert carry_out(engine, nothing) == first


# -- when something fails


async def test_a_bug_in_a_desk_is_its_callers_alone(engine: Engine) -> None:
    """The others in the transaction are carried out, also on the same dossier."""
    shelf_id = new_shelf(engine)
    commands = [PutBook("Emma"), Stumble(), PutBook("Persuasion")]
    outcomes = await asyncio.gather(
        *[engine.handle(order(FILL_SHELF, command, shelf_id)) for command in commands], return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [Handled, ZeroDivisionError, Handled]
    assert titles_of(engine, shelf_id) == ["Emma", "Persuasion"]


async def test_what_fails_after_its_event_was_written_is_forgotten(engine: Engine) -> None:
    """A projection that refuses: the dossier at hand, the log and the read models are as before."""
    shelf_id = new_shelf(engine)
    commands = [PutBook("Emma"), PutBook(UNSHELVABLE), PutBook("Persuasion")]
    outcomes = await asyncio.gather(
        *[engine.handle(order(FILL_SHELF, command, shelf_id)) for command in commands], return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [Handled, apsw.ConstraintError, Handled]
    assert titles_of(engine, shelf_id) == ["Emma", "Persuasion"]
    assert (await engine.handle(order(FILL_SHELF, Complete(), shelf_id, expected_version=3))).version == 4


async def test_what_a_failed_commit_undid_is_forgotten(disk: FailingDisk, open_engine: OpenEngine) -> None:
    """A full disk at COMMIT: nobody is told ok, and later commands decide on what is stored."""
    engine = open_engine()
    shelf_id = new_shelf(engine)
    puts = [order(FILL_SHELF, PutBook(title), shelf_id, key=title) for title in ("Emma", "Persuasion")]
    disk.on_write = apsw.FullError("no space left")
    outcomes = await asyncio.gather(*map(engine.handle, puts), return_exceptions=True)
    assert all(isinstance(outcome, Unavailable) for outcome in outcomes)
    disk.on_write = None
    handled = await engine.handle(puts[1])
    assert (content(handled)["version"], titles_of(engine, shelf_id)) == (2, ["Persuasion"])
    assert await engine.handle(puts[1]) == handled


async def test_an_order_may_be_tried_again_after_a_failed_commit(disk: FailingDisk, open_engine: OpenEngine) -> None:
    """Also where its dossier is long and was read beside the loop: what was undone is not in it any more."""
    engine = open_engine()
    shelf_id = new_shelf(engine)
    carry_out(engine, order(FILL_SHELF, PutBook("Emma", copies=LONGEST_READ_IN_A_UNIT + 1), shelf_id))
    engine.close()
    engine = open_engine()
    put = order(FILL_SHELF, PutBook("Persuasion"), shelf_id)
    disk.on_write = apsw.FullError("no space left")
    with pytest.raises(Unavailable):
        await engine.handle(put)
    disk.on_write = None
    assert (await engine.handle(put)).version == LONGEST_READ_IN_A_UNIT + 3
    assert titles_of(engine, shelf_id)[-2:] == ["Emma", "Persuasion"]


async def test_a_store_in_doubt_takes_nothing_and_still_answers_questions(
    disk: FailingDisk, open_engine: OpenEngine
) -> None:
    """Until a restart, which finds a sound log."""
    engine = open_engine()
    shelf_id = new_shelf(engine)
    disk.on_sync = apsw.IOError("no sync")
    with pytest.raises(Unavailable, match="not known whether"):
        await engine.handle(order(FILL_SHELF, PutBook("Emma"), shelf_id))
    disk.on_sync = None
    with pytest.raises(Unavailable, match="in doubt"):
        await engine.handle(order(FILL_SHELF, PutBook("Persuasion"), shelf_id))
    assert titles_of(engine, shelf_id) == []
    engine.close()
    engine = open_engine()
    await engine.handle(order(FILL_SHELF, PutBook("Persuasion"), shelf_id))
    assert "Persuasion" in titles_of(engine, shelf_id)


# -- many at once, and dossiers that come and go


async def test_commands_at_the_same_time_decide_one_after_the_other(engine: Engine) -> None:
    """Each sees what the one before it has done: one of fifty alike adds, the others find it there."""
    shelf_id = new_shelf(engine)
    same = [order(FILL_SHELF, PutBook("Emma"), shelf_id) for _ in range(50)]
    others = [order(FILL_SHELF, PutBook(f"{number}"), shelf_id) for number in range(50)]
    answers = await asyncio.gather(*map(engine.handle, [*same, *others]))
    assert sorted(titles_of(engine, shelf_id)) == sorted(["Emma", *map(str, range(50))])
    assert [handled.version for handled in answers] == [2] * 50 + list(range(3, 53))


async def test_of_many_that_expect_one_version_one_is_taken(engine: Engine) -> None:
    """The others are told that it has moved on."""
    shelf_id = new_shelf(engine)
    outcomes = await asyncio.gather(
        *[engine.handle(order(FILL_SHELF, PutBook(f"{n}"), shelf_id, expected_version=1)) for n in range(20)],
        return_exceptions=True,
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Handled"] + ["VersionMoved"] * 19


async def test_a_long_dossier_is_read_beside_the_loop(open_engine: OpenEngine) -> None:
    """Many commands for it at once are carried out one after the other, in whichever order."""
    engine = open_engine()
    shelf_id = new_shelf(engine)
    carry_out(engine, order(FILL_SHELF, PutBook("Emma", copies=3 * LONGEST_READ_IN_A_UNIT), shelf_id))
    engine.close()
    engine = open_engine()
    orders = [order(FILL_SHELF, PutBook(f"{number}"), shelf_id) for number in range(20)]
    answers = await asyncio.gather(*map(engine.handle, orders))
    first = 3 * LONGEST_READ_IN_A_UNIT + 2
    assert sorted(handled.version for handled in answers) == list(range(first, first + 20))
    assert isinstance(await engine.handle(order(FILL_SHELF, PutBook("Emma", copies=1), shelf_id)), Handled)
    assert len(log_of(engine)) == first + 20


def test_the_dossiers_at_hand_are_those_that_were_asked_for_last(open_engine: OpenEngine) -> None:
    """With room for two, a dossier that is asked for again and again stays; the others come and go."""
    engine = open_engine(cached_dossiers=2)
    hot, *others = (new_shelf(engine) for _ in range(5))
    for shelf_id in others:
        carry_out(engine, order(FILL_SHELF, PutBook(shelf_id), hot), order(FILL_SHELF, PutBook("Emma"), shelf_id))
        assert list(engine._dossiers) == [FILL_SHELF.stream_of(hot), FILL_SHELF.stream_of(shelf_id)]


COMMANDS = st.lists(
    st.tuples(
        st.integers(0, 4),
        st.sampled_from(
            [
                (FILL_SHELF, PutBook("Emma")),
                (FILL_SHELF, PutBook("Emma", copies=3)),
                (FILL_SHELF, PutBook(UNSHELVABLE)),
                (FILL_SHELF, PutBook("forbidden")),
                (FILL_SHELF, Start()),
                (FILL_SHELF, Pause()),
                (FILL_SHELF, Resume()),
                (LEND_SHELF, Start()),
                (LEND_SHELF, Complete()),
            ]
        ),
    ),
    max_size=40,
)


def outcome(engine: Engine, process: Any, command: Command, shelf_id: str) -> Any:
    """Return all of an answer that is the same on every shelf, or the kind of refusal."""
    try:
        (handled,) = carry_out(engine, order(process, command, shelf_id))
    except (HecateError, apsw.ConstraintError) as error:
        return type(error)
    answer = content(handled)
    return handled.status, answer["version"], answer["state"], len(answer["events"]), answer.get("warnings")


@contextmanager
def engine_of_its_own(**room: int) -> Iterator[Engine]:
    """Give an engine on an empty store, outside of the test's own folder: an example has several."""
    with (
        TemporaryDirectory() as folder,
        closing(Engine.open(Path(folder) / "hecate.db", DESKS, read_models=READ_MODELS, **room)) as engine,
    ):
        yield engine


@settings(max_examples=25)
@given(COMMANDS)
def test_a_dossier_that_was_put_away_answers_as_one_at_hand(commands: list[tuple[int, tuple[Any, Command]]]) -> None:
    """With room for one dossier or for few events, every answer is the one with room for all."""
    outcomes = []
    for room in ({}, {"cached_dossiers": 1}, {"cached_events": 3}):
        with engine_of_its_own(**room) as engine:
            shelves = [new_shelf(engine) for _ in range(5)]
            outcomes.append([outcome(engine, process, command, shelves[at]) for at, (process, command) in commands])
            dossiers = engine._dossiers.values()
            assert engine._cached_events == sum(dossier.version for dossier in dossiers)
            assert len(dossiers) <= room.get("cached_dossiers", 2000)
            assert len(dossiers) == 1 or engine._cached_events <= room.get("cached_events", 50_000)
    assert outcomes[0] == outcomes[1] == outcomes[2]
