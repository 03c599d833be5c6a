"""Capability tokens: what they give, and that no chain of them gives more."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given, strategies as st
from msgspec.structs import replace

from hecate.dossiers.errors import Invalid
from hecate.join_mesh.errors import MeshDenied
from hecate.join_mesh.network.capability_tokens import EVERYTHING, LONGEST_CHAIN, Claims, check, issued, read
from hecate.join_mesh.network.identity import Identity

MRI = "mri:x"
NOW = int(time.time())


def identities() -> list[Identity]:
    """Return four daemons; the first has the capability."""
    with tempfile.TemporaryDirectory() as folder:
        return [Identity.kept_in(Path(folder) / str(number)) for number in range(4)]


WHO = identities()
OWNER, BERT, CARL, DORA = WHO


def token(issuer: Identity, audience: Identity, **changes: object) -> str:
    """Return a token for an hour."""
    claims = Claims(iss=issuer.did, aud=audience.did, iat=NOW, exp=NOW + 3600, jti="t", mri=MRI)
    return issued(issuer, replace(claims, **changes))


def passes(word: str, caller: Identity = BERT, mri: str = MRI, revoked: frozenset[str] = frozenset()) -> bool:
    """Tell whether *caller* may call the owner's capability with it."""
    try:
        check(word, owner=OWNER.did, caller=caller.did, mri=mri, revoked=revoked)
    except MeshDenied:
        return False
    return True


def test_a_token_gives_what_it_says_to_whom_it_says() -> None:
    """And nothing else to nobody else."""
    word = token(OWNER, BERT)
    assert passes(word)
    assert not passes(word, CARL)
    assert not passes(word, mri="mri:y")
    assert not passes(word, revoked=frozenset({"t"}))
    assert passes(token(OWNER, BERT, mri=EVERYTHING), mri="mri:y")


@pytest.mark.parametrize(
    "changes", [{"exp": NOW - 1}, {"iat": NOW + 600}, {"iss": CARL.did}, {"proof": "nonsense"}, {"mri": ""}]
)
def test_what_does_not_hold_gives_nothing(changes: dict[str, object]) -> None:
    """Expired, of the future, in another's name, with a false proof, for nothing."""
    assert not passes(token(OWNER, BERT, **changes))


def test_one_who_has_not_cannot_give() -> None:
    """However it is signed."""
    assert not passes(token(CARL, BERT))


steps = st.fixed_dictionaries(
    {
        "audience": st.sampled_from(WHO),
        "mri": st.sampled_from([MRI, EVERYTHING, "mri:y"]),
        "hours": st.integers(-1, 3),
        "delegable": st.booleans(),
    }
)


@given(st.lists(steps, min_size=1, max_size=LONGEST_CHAIN + 2), st.sampled_from(WHO), st.sampled_from([MRI, "mri:y"]))
def test_no_chain_gives_more_than_its_first_token(chain: list[dict[str, object]], caller: Identity, mri: str) -> None:
    """It passes exactly if each link gives what is asked, in time, to whoever passes it on, and lets that be."""
    issuer, word, ends = OWNER, "", 10**9
    expected = len(chain) <= LONGEST_CHAIN
    given_mri: object = EVERYTHING
    may_pass_on = True
    for number, step in enumerate(chain):
        audience, hours = step["audience"], step["hours"]
        assert isinstance(audience, Identity)
        assert isinstance(hours, int)
        word = token(
            issuer,
            audience,
            exp=NOW + hours * 3600 + 1800,
            mri=step["mri"],
            delegable=step["delegable"],
            proof=word,
            jti=str(number),
        )
        expected &= may_pass_on and hours >= 0 and hours <= ends and given_mri in {EVERYTHING, step["mri"]}
        may_pass_on, ends, given_mri, issuer = bool(step["delegable"]), hours, step["mri"], audience
    expected &= issuer is caller and given_mri in {EVERYTHING, mri}
    if len(word) <= 16 * 1024:
        assert passes(word, caller, mri) == expected


@given(st.data())
def test_an_altered_token_is_none(data: st.DataObject) -> None:
    """Whichever of its characters is another."""
    word = token(OWNER, BERT)
    place = data.draw(st.integers(0, len(word) - 2))
    other = data.draw(st.sampled_from("AZaz09-_.").filter(lambda letter: letter != word[place]))
    with pytest.raises(Invalid):
        read(word[:place] + other + word[place + 1 :])


@given(st.text(max_size=200))
def test_nonsense_is_no_token(word: str) -> None:
    """It is refused in words."""
    with pytest.raises(Invalid):
        read(word)


def test_a_token_that_was_right_once_is_looked_at_each_time() -> None:
    """Its signature is remembered; that it is revoked, another's, or over is not."""
    word = token(OWNER, BERT, exp=int(time.time()) + 1)
    assert passes(word)
    assert not passes(word, CARL)
    assert not passes(word, revoked=frozenset({"t"}))
    deadline = time.monotonic() + 10
    while passes(word):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert not passes(word[:-4] + ("AAAA" if word[-4:] != "AAAA" else "BBBB"))
