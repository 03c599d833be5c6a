"""A realm in files: founded, entered, and not to be mistaken for another."""

from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path

import pytest

from hecate.dossiers.errors import Invalid, Refused, Unavailable
from hecate.join_mesh.network.certificates import checked_did, daemon_certificate
from hecate.join_mesh.network.identity import Identity, kept_key
from hecate.join_mesh.network.realm import (
    AUTHORITY_KEY,
    CERTIFICATE,
    Membership,
    Realm,
    enter_realm,
    found_realm,
    leave_realm,
)


def test_a_founder_and_a_guest(tmp_path: Path) -> None:
    """The guest's certificate bears its name; only the founder can issue another."""
    home = found_realm(tmp_path / "a", "home")
    guest = Identity.kept_in(tmp_path / "b")
    certificate = home.issue(guest.did)
    entered = enter_realm(tmp_path / "b", guest, Membership(realm="home"), home.authority, certificate)
    assert checked_did(certificate, home.authority) == guest.did
    assert (entered.name, entered.fingerprint, entered.is_keeper) == ("home", home.fingerprint, False)
    assert entered.namespace == home.namespace
    with pytest.raises(Refused, match="only a keeper of realm"):
        entered.issue(guest.did)
    kept = Realm.kept_in(tmp_path / "b")
    assert kept is not None
    assert kept.identity.did == guest.did


def test_two_realms_of_one_name_do_not_meet(tmp_path: Path) -> None:
    """They have other fingerprints, and so other keys."""
    one, other = found_realm(tmp_path / "a", "home"), found_realm(tmp_path / "b", "home")
    assert one.namespace != other.namespace
    with pytest.raises(Invalid, match="not of this realm's authority"):
        checked_did(one.certificate, other.authority)


def test_anothers_certificate_is_not_taken(tmp_path: Path) -> None:
    """Nor one that has expired, or bears a name that is not its key's."""
    home = found_realm(tmp_path / "a", "home")
    guest, other = Identity.kept_in(tmp_path / "b"), Identity.kept_in(tmp_path / "c")
    with pytest.raises(Invalid, match="another daemon's"):
        enter_realm(tmp_path / "b", guest, Membership(realm="home"), home.authority, home.issue(other.did))
    with pytest.raises(Invalid, match="not valid now"):
        checked_did(home.issue(guest.did, timedelta(seconds=-1)), home.authority)
    with pytest.raises(Invalid):
        home.issue("did:key:zNobody")
    assert Realm.kept_in(tmp_path / "b") is None


def test_a_keeper_that_was_away_for_long_comes_back(tmp_path: Path) -> None:
    """Its own certificate has expired, and it issues itself another; a guest cannot."""
    home = found_realm(tmp_path / "a", "home")
    guest = Identity.kept_in(tmp_path / "b")
    enter_realm(tmp_path / "b", guest, Membership(realm="home"), home.authority, home.issue(guest.did))
    for folder, did in (("a", home.identity.did), ("b", guest.did)):
        (tmp_path / folder / CERTIFICATE).write_bytes(home.issue(did, timedelta(seconds=-1)))
    kept = Realm.kept_in(tmp_path / "a")
    assert kept is not None
    assert checked_did(kept.certificate, home.authority) == home.identity.did
    with pytest.raises(Invalid, match="not valid now"):
        Realm.kept_in(tmp_path / "b")


def test_nobody_is_in_two_realms(tmp_path: Path) -> None:
    """One is left before another is entered; the identity stays."""
    home = found_realm(tmp_path / "a", "home")
    with pytest.raises(Refused, match="in a realm already"):
        found_realm(tmp_path / "a", "work")
    leave_realm(tmp_path / "a")
    assert Realm.kept_in(tmp_path / "a") is None
    again = found_realm(tmp_path / "a", "work")
    assert again.identity.did == home.identity.did
    assert again.fingerprint != home.fingerprint


def test_keys_are_the_owners_alone_and_a_damaged_one_is_said(tmp_path: Path) -> None:
    """Mode 0600, and the file is named in the error."""
    found_realm(tmp_path / "a", "home")
    for name in ("identity.key", AUTHORITY_KEY):
        assert stat.S_IMODE((tmp_path / "a" / name).stat().st_mode) == 0o600
    (tmp_path / "a" / "identity.key").write_text("nonsense")
    with pytest.raises(Unavailable, match=r"identity\.key holds no private key"):
        Realm.kept_in(tmp_path / "a")


def test_an_authority_of_ones_own_makes_no_member(tmp_path: Path) -> None:
    """A certificate for the right name by a self-made authority is not of the realm."""
    home = found_realm(tmp_path / "a", "home")
    forger = found_realm(tmp_path / "b", "home")
    key = kept_key(tmp_path / "b" / AUTHORITY_KEY)
    forged = daemon_certificate(home.authority, key, forger.identity.did, timedelta(days=1))
    with pytest.raises(Invalid, match="not of this realm's authority"):
        checked_did(forged, home.authority)
