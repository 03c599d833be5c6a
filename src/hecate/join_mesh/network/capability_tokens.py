"""Capability tokens: who may call what, signed by whom it belongs to, or by one to whom that was passed on.

A token is a JSON Web Token (RFC 7519) signed with Ed25519, with claims like those of UCAN: its issuer lets its audience
call a capability until it expires.  A token with a ``proof`` passes on what the proof has given to its issuer: not
more, not for longer, and only if that was to be passed on at all.  The chain ends at the daemon that has the
capability.
"""

from __future__ import annotations

import binascii
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import Final

import msgspec

from hecate.dossiers.errors import Invalid
from hecate.join_mesh.errors import MeshDenied
from hecate.join_mesh.network.did_key import has_signed
from hecate.join_mesh.network.identity import Identity

EVERYTHING: Final = "*"
LONGEST_CHAIN: Final = 8
LONGEST_TOKEN: Final = 16 * 1024
CLOCKS_APART_SECONDS: Final = 60
"""How far two daemons' clocks may differ before a token that was just made is taken for one of the future."""
MOST_REMEMBERED: Final = 256
"""Tokens whose signature was found right: of the longest, 4 MB."""
HEADER: Final = b'{"alg":"EdDSA","typ":"JWT"}'


class Claims(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a token says; the short names are JWT's."""

    iss: str
    """Who gives: an identity."""
    aud: str
    """Who is given: an identity."""
    iat: int
    """Seconds since 1970, UTC."""
    exp: int
    jti: str
    """The token's id."""
    mri: str
    """The capability, or ``*`` for all."""
    delegable: bool = False
    proof: str = ""
    """The token that gave it to the issuer; empty where the issuer has the capability itself."""


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Claims).decode


def issued(identity: Identity, claims: Claims) -> str:
    """Return *claims* as a token that *identity* has signed."""
    text = b".".join((_base64(HEADER), _base64(_encode(claims))))
    return b".".join((text, _base64(identity.sign(text)))).decode()


# A signature that was right once is right for ever; whether the token still holds is looked at in each call.
@lru_cache(MOST_REMEMBERED)
def read(token: str) -> Claims:
    """Return what *token* says, if its issuer has signed it.

    Raises:
        Invalid: It is no token, or altered.
    """
    if len(token) > LONGEST_TOKEN:
        raise Invalid("this token is too long")
    text, _, signature = token.rpartition(".")
    header, _, said = text.partition(".")
    try:
        claims = _decode(_unbase64(said))
        is_signed = _unbase64(header) == HEADER and has_signed(claims.iss, _unbase64(signature), text.encode())
    except (binascii.Error, ValueError, msgspec.DecodeError) as exc:
        raise Invalid(f"this is no token of the mesh: {exc}") from exc
    if not is_signed:
        raise Invalid("this token is not signed by its issuer")
    return claims


def check(token: str, *, owner: str, caller: str, mri: str, revoked: AbstractSet[str]) -> None:
    """Let pass what *token* allows.

    Args:
        token: As the caller shows it.
        owner: Who has the capability.
        caller: Who wants to call it.
        mri: Which capability.
        revoked: The ids of tokens that hold no more.

    Raises:
        MeshDenied: It does not allow this; the message says why.
    """
    if not token:
        raise MeshDenied("a call needs a token, which is given by whom the capability belongs to")
    given_to, wanted, ends_at = caller, mri, None
    for depth in range(LONGEST_CHAIN):
        try:
            claims = read(token)
        except Invalid as exc:
            raise MeshDenied(str(exc)) from exc
        _check_link(claims, given_to=given_to, mri=wanted, ends_at=ends_at, is_passed_on=depth > 0)
        if claims.jti in revoked:
            raise MeshDenied(f"the token {claims.jti} was revoked")
        if not claims.proof:
            if claims.iss != owner:
                raise MeshDenied(f"the token {claims.jti} is of one who does not have the capability")
            return
        token, given_to, wanted, ends_at = claims.proof, claims.iss, claims.mri, claims.exp
    raise MeshDenied(f"the token was passed on more than {LONGEST_CHAIN} times")


def _check_link(claims: Claims, *, given_to: str, mri: str, ends_at: int | None, is_passed_on: bool) -> None:
    """Let *claims* pass if they give *mri* to *given_to*, who passes it on until *ends_at*.

    Raises:
        MeshDenied: They do not.
    """
    now = time.time()
    if claims.aud != given_to:
        raise MeshDenied(f"the token {claims.jti} was given to somebody else")
    if claims.mri not in {EVERYTHING, mri}:
        raise MeshDenied(f"the token {claims.jti} is for {claims.mri!r}, not for {mri!r}")
    if claims.exp <= now:
        raise MeshDenied(f"the token {claims.jti} has expired")
    if claims.iat > now + CLOCKS_APART_SECONDS:
        raise MeshDenied(f"the token {claims.jti} is of the future; are both clocks right?")
    if is_passed_on and not claims.delegable:
        raise MeshDenied(f"the token {claims.jti} was not to be passed on")
    if ends_at is not None and ends_at > claims.exp:
        raise MeshDenied("a token was passed on for longer than it holds")


def _base64(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")


def _unbase64(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
