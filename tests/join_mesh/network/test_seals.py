"""Seals: what one session seals, only the other opens, once, and unchanged."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given, strategies as st

from hecate.join_mesh.network.seals import WINDOW, NotSealed, Seals


def pair() -> tuple[Seals, Seals]:
    """Return the seals of two sessions with each other."""
    one, other = X25519PrivateKey.generate(), X25519PrivateKey.generate()
    return (
        Seals(one, "one", other.public_key().public_bytes_raw(), "other"),
        Seals(other, "other", one.public_key().public_bytes_raw(), "one"),
    )


@given(st.lists(st.binary(max_size=200), min_size=1, max_size=20), st.randoms(use_true_random=False))
def test_what_is_sealed_is_opened_in_any_order(texts: list[bytes], order: object) -> None:
    """Each once, also when one has overtaken the other."""
    one, other = pair()
    sealed = [(text, one.seal(text, b"x")) for text in texts]
    order.shuffle(sealed)  # type: ignore[attr-defined]
    for text, message in sealed:
        assert other.open(message, b"x") == text
        with pytest.raises(NotSealed, match="twice"):
            other.open(message, b"x")


@given(st.binary(min_size=1, max_size=50), st.data())
def test_a_changed_bit_is_seen(text: bytes, data: st.DataObject) -> None:
    """Wherever it is; the true message is still taken afterwards."""
    one, other = pair()
    message = bytearray(one.seal(text, b"x"))
    message[data.draw(st.integers(0, len(message) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(NotSealed):
        other.open(bytes(message), b"x")


def test_it_is_for_one_purpose_one_direction_and_one_session() -> None:
    """Another context, its own sender, and a third session cannot open it."""
    one, other = pair()
    message = one.seal(b"text", b"request")
    for seals, context in ((other, b"reply"), (one, b"request"), (pair()[1], b"request")):
        with pytest.raises(NotSealed):
            seals.open(message, context)
    assert other.open(message, b"request") == b"text"


def test_what_comes_far_too_late_is_not_taken() -> None:
    """So that it need not be remembered for ever what has come."""
    one, other = pair()
    late = one.seal(b"late", b"")
    for _ in range(WINDOW):
        other.open(one.seal(b"", b""), b"")
    with pytest.raises(NotSealed, match="far too late"):
        other.open(late, b"")


@pytest.mark.parametrize("nonsense", [b"", b"short", bytes(12), bytes(100)])
def test_nonsense_is_not_sealed(nonsense: bytes) -> None:
    """Of any length."""
    with pytest.raises(NotSealed):
        pair()[1].open(nonsense, b"")
