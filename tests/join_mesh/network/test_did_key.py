"""``did:key``: against the examples of its specification, and everything else refused."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, strategies as st

from hecate.dossiers.errors import Invalid
from hecate.join_mesh.network.did_key import did_of, has_signed, public_key_of

EXAMPLES = (
    "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK",
    "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp",
    "did:key:z6MkjchhfUsD6mmvni8mCdXHw216Xrm9bQe2mBH1P5RDjVJG",
)
"""https://w3c-ccg.github.io/did-key-spec/#ed25519-x25519"""


@pytest.mark.parametrize("did", EXAMPLES)
def test_the_specifications_examples(did: str) -> None:
    """Each names a key, whose name it is."""
    assert len(public_key_of(did)) == 32
    assert did_of(public_key_of(did)) == did


@given(st.binary(min_size=32, max_size=32))
def test_every_key_has_a_name_and_comes_back(key: bytes) -> None:
    """Also those that begin with zeros."""
    assert public_key_of(did_of(key)) == key


@given(st.text(max_size=80))
def test_any_other_text_names_nobody(text: str) -> None:
    """It is refused, never misread."""
    with pytest.raises(Invalid):
        public_key_of(text)
    assert not has_signed(f"did:key:z{text}", b"", b"")


def test_a_signature_is_its_owners() -> None:
    """Of another text, or another key, it is none."""
    key = Ed25519PrivateKey.generate()
    did = did_of(key.public_key().public_bytes_raw())
    signature = key.sign(b"text")
    assert has_signed(did, signature, b"text")
    assert not has_signed(did, signature, b"other")
    assert not has_signed(EXAMPLES[0], signature, b"text")
    assert not has_signed(did, signature[:-1], b"text")
