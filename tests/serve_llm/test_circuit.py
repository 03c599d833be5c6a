"""A provider that keeps failing is left alone for a while, and tried with one call before all others."""

from __future__ import annotations

import pytest

from hecate.serve_llm.circuit import Circuit, resting
from hecate.serve_llm.settings import CircuitSettings

AT_ONCE = CircuitSettings(failures=2, rest_seconds=1e-9)
LATER = CircuitSettings(failures=2, rest_seconds=3600.0)


class Call:
    """A call, of which a piece may have come."""

    def __init__(self) -> None:
        self.is_heard = False


def state(circuit: Circuit) -> str:
    """Return the state, as of now."""
    return circuit.state


def opened(settings: CircuitSettings) -> Circuit:
    """Return a circuit that has just opened."""
    circuit = Circuit(settings)
    for _ in range(settings.failures):
        call = Call()
        assert circuit.admits(call)
        circuit.failed(call, "it broke off")
    return circuit


def test_it_opens_after_failures_in_a_row() -> None:
    """A success between two failures begins the count anew."""
    circuit = Circuit(LATER)
    circuit.failed(Call(), "a")
    circuit.succeeded()
    circuit.failed(Call(), "b")
    assert state(circuit) == "closed"
    circuit.failed(Call(), "c")
    assert (state(circuit), circuit.failures, circuit.last_failure) == ("open", 2, "c")
    assert not circuit.admits(Call())
    assert 3590 < circuit.rests_seconds <= 3600


def test_one_call_at_a_time_is_let_through_after_the_rest() -> None:
    """The trial that succeeds closes the circuit."""
    circuit = opened(AT_ONCE)
    trial = Call()
    assert state(circuit) == "half_open"
    assert circuit.admits(trial)
    assert not circuit.admits(Call())
    circuit.succeeded()
    assert state(circuit) == "closed"
    assert circuit.admits(Call())


def test_a_trial_that_fails_opens_it_again() -> None:
    """Then the rest begins anew; a call from before says nothing new."""
    circuit = opened(LATER)
    circuit.seen_well()
    trial = Call()
    assert circuit.admits(trial)
    circuit.failed(Call(), "an old one")
    assert state(circuit) == "half_open"
    circuit.failed(trial, "again")
    assert state(circuit) == "open"
    assert not circuit.admits(Call())


def test_a_trial_that_answers_closes_it_before_its_end() -> None:
    """A stream may take minutes; the others need not wait for its end."""
    circuit = opened(AT_ONCE)
    trial = Call()
    assert circuit.admits(trial)
    trial.is_heard = True
    assert circuit.admits(Call())
    assert state(circuit) == "closed"


def test_a_trial_that_is_left_makes_room_for_another() -> None:
    """A caller who goes away has not found out how the provider is."""
    circuit = opened(AT_ONCE)
    trial = Call()
    assert circuit.admits(trial)
    circuit.left(trial)
    assert state(circuit) == "half_open"
    assert circuit.admits(Call())


def test_a_provider_that_is_seen_well_is_tried_at_once() -> None:
    """Another answer of the provider's ends the rest; where there is none, nothing happens."""
    circuit = opened(LATER)
    circuit.seen_well()
    assert state(circuit) == "half_open"
    closed = Circuit(LATER)
    closed.seen_well()
    assert state(closed) == "closed"


@pytest.mark.parametrize(("settings", "seconds"), [(AT_ONCE, 1), (LATER, 3600)])
def test_whoever_is_not_let_through_is_told_why(settings: CircuitSettings, seconds: int) -> None:
    """The last failure, in its own words, and when to come again."""
    error = resting("groq", opened(settings))
    assert error.status == 503
    assert error.headers == {"Retry-After": str(seconds)}
    assert (
        str(error) == f"groq has failed 2 times in a row and is left alone for {seconds} s; the last time: it broke off"
    )
