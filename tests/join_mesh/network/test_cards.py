"""Cards: signed for the one who asks; no other's, no altered and no old one passes."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from hecate.dossiers.errors import Invalid
from hecate.join_mesh.network.cards import MOST_CAPABILITIES, CapabilityCard, Card, checked, new_nonce, signed
from hecate.join_mesh.network.identity import Identity

NONCE = new_nonce()


@pytest.fixture
def identity(tmp_path: Path) -> Identity:
    """Whose card it is."""
    return Identity.kept_in(tmp_path)


def card_of(identity: Identity) -> Card:
    """Return a card."""
    return Card(
        did=identity.did, session="s1", realm="r1", name="anna", version="1", since=1, seal_key=bytes(32), addresses=()
    )


def check(shown: bytes, did: str) -> Card:
    """Check it as the one who has asked does."""
    return checked(shown, did=did, session="s1", realm="r1", nonce=NONCE)


def test_a_card_passes(identity: Identity) -> None:
    """With all that it says."""
    card = replace(card_of(identity), capabilities=(CapabilityCard(mri="mri:x", tags=("a",)),))
    assert check(signed(card, identity, NONCE), identity.did) == replace(card, nonce=NONCE)


def test_an_altered_card_does_not(identity: Identity) -> None:
    """Not one byte of it."""
    shown = signed(card_of(identity), identity, NONCE)
    for place in (0, 63, 64, len(shown) - 1):
        altered = bytearray(shown)
        altered[place] ^= 1
        with pytest.raises(Invalid, match="not signed by it"):
            check(bytes(altered), identity.did)


def test_a_card_that_was_shown_before_does_not(identity: Identity) -> None:
    """It has the number of another question."""
    with pytest.raises(Invalid, match="shown before"):
        check(signed(card_of(identity), identity, new_nonce()), identity.did)


def test_anothers_card_does_not(identity: Identity, tmp_path: Path) -> None:
    """Signed by oneself in another's name, or another's own."""
    other = Identity.kept_in(tmp_path / "other")
    for shown in (signed(card_of(other), identity, NONCE), signed(card_of(identity), other, NONCE)):
        with pytest.raises(Invalid):
            check(shown, other.did)


@pytest.mark.parametrize(
    "address",
    [
        "tcp/10.0.0.1:7447",
        "tls/10.0.0.1:7447#root_ca_certificate_file=/tmp/mine.pem",
        "tls/10.0.0.1:7447?rel=0",
        "tls/10.0.0.1:7447\n",
        "tls/10.0.0.1",
        "unixsock-stream//run/x.sock",
    ],
)
def test_an_address_has_no_settings_in_it(identity: Identity, address: str) -> None:
    """What a card says is connected to at the next start, and zenoh takes settings from an address."""
    with pytest.raises(Invalid, match="cannot be read"):
        check(signed(replace(card_of(identity), addresses=(address,)), identity, NONCE), identity.did)


@pytest.mark.parametrize("address", ["tls/10.0.0.1:7447", "quic/[fe80::1]:7447", "tls/workstation.lan:1"])
def test_an_address_is_kept_as_it_is(identity: Identity, address: str) -> None:
    """Of both protocols, as numbers or a name."""
    card = check(signed(replace(card_of(identity), addresses=(address,)), identity, NONCE), identity.did)
    assert card.addresses == (address,)


@pytest.mark.parametrize("change", [{"session": "s2"}, {"realm": "r2"}])
def test_a_card_of_another_session_or_realm_does_not(identity: Identity, change: dict[str, str]) -> None:
    """Even if it is signed for this question."""
    with pytest.raises(Invalid, match="another session or realm"):
        check(signed(replace(card_of(identity), **change), identity, NONCE), identity.did)


def test_what_would_hurt_whoever_shows_it_does_not(identity: Identity) -> None:
    """A time beyond the calendar, and more capabilities than anybody has."""
    late = CapabilityCard(mri="x", announced_at=10**18)
    many = tuple(CapabilityCard(mri=str(number)) for number in range(MOST_CAPABILITIES + 1))
    for capabilities in ((late,), many):
        with pytest.raises(Invalid):
            check(signed(replace(card_of(identity), capabilities=capabilities), identity, NONCE), identity.did)


def test_whoever_asks_sends_a_whole_number(identity: Identity) -> None:
    """Not so few bytes that an old answer would fit."""
    with pytest.raises(Invalid):
        signed(card_of(identity), identity, b"")
