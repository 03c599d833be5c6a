"""The texts of an event, and what stands in the hash for them, so that they can be forgotten one day.

Every string of an event is taken for a text that a person or a model has written, but ids and words of a fixed set.
The event's hash is not over its texts but over a *commitment* to each: a keyed hash of the text, under the key of
the venture.  Whoever has the key can check the texts against the hash; once texts and key are gone, the commitments
stay in their places, so that the chain holds, and nobody can tell what they stood for.  docs/adr/0016 says why so.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import apsw
import msgspec

if TYPE_CHECKING:
    from hecate.dossiers.hash_chain import StoredEvent
    from hecate.dossiers.messages import Event

KEY_BYTES: Final = 32
COMMITMENT_BYTES: Final = 20
KEYS_AT_HAND: Final = 1000
MOST_PATHS: Final = 1000
IDS: Final = ("id", "ids")
"""The last words of the names of fields that hold ids: we make them, or have found what they name."""

Commit = Callable[[str], str]
"""Makes the commitment for a text."""

Paths = Sequence[tuple[str, "Paths | None"]]
"""Names of fields, each with None where all that is in it is text, else with which fields in it are."""

_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_any = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


# -- which fields are texts


def texts_of(event: type[Event]) -> str:
    """Return the paths of *event*'s texts, as the store keeps them: ``name brief divisions.name``; empty: none.

    Raises:
        TypeError: A field's keys are a caller's own, which nothing here would erase.
    """
    return " ".join(_text_paths(msgspec.inspect.type_info(event), ""))


def _text_paths(kind: msgspec.inspect.Type, path: str) -> Iterator[str]:
    match kind:
        case msgspec.inspect.StrType() | msgspec.inspect.AnyType() | msgspec.inspect.RawType():
            if path.rpartition(".")[2].rpartition("_")[2] not in IDS:
                yield path
        case msgspec.inspect.StructType(fields=fields):
            for field in fields:
                yield from _text_paths(field.type, f"{path}.{field.encode_name}" if path else field.encode_name)
        case (
            msgspec.inspect.ListType(item_type=item)
            | msgspec.inspect.VarTupleType(item_type=item)
            | msgspec.inspect.Metadata(type=item)
        ):
            yield from _text_paths(item, path)
        case msgspec.inspect.UnionType(types=kinds) | msgspec.inspect.TupleType(item_types=kinds):
            yield from dict.fromkeys(found for kind in kinds for found in _text_paths(kind, path))
        case msgspec.inspect.DictType():
            raise TypeError(f"{path} has keys of its own, which cannot be forgotten")
        case _:
            return


# -- the redacted form


def redacted(data: str, texts: str, commit: Commit) -> str:
    """Return the JSON *data* with the commitment for each text at *texts*; all else stays as it is, byte by byte.

    An empty text stays one: it tells nothing, and what depends on it is folded as before.
    """
    return _encode(_without_texts(data, _paths.get(texts) or _paths_of(texts), commit)).decode()


def _without_texts(data: str | msgspec.Raw, paths: Paths, commit: Commit) -> dict[str, Any]:
    fields: dict[str, Any] = _decode_object(data)
    for name, inner in paths:
        raw = fields.get(name)
        if raw is None:
            continue
        if inner is not None:
            fields[name] = _within(raw, inner, commit)
        # Most are plain strings: each call more would cost as much as the hash.
        elif type(value := _decode_any(raw)) is str:
            if value:
                fields[name] = commit(value)
        else:
            fields[name] = _committed(value, commit)
    return fields


def _within(value: msgspec.Raw, paths: Paths, commit: Commit) -> Any:
    match bytes(memoryview(value)[:1]):
        case b"{":
            return _without_texts(value, paths, commit)
        case b"[":
            return [_within(item, paths, commit) for item in _decode_list(value)]
        case _:
            return value


def _committed(value: Any, commit: Commit) -> Any:
    if type(value) is str:
        return commit(value) if value else value
    if type(value) is list:
        return [_committed(item, commit) for item in value]
    if type(value) is dict:
        return {commit(name): _committed(item, commit) for name, item in value.items()}
    return value


_paths: dict[str, Paths] = {}
"""Those of every kind of event, as the store keeps them, and as they are followed."""


def _paths_of(texts: str) -> Paths:
    if len(_paths) >= MOST_PATHS:
        _paths.clear()
    paths = _paths[texts] = _inner_paths(texts.split())
    return paths


def _inner_paths(paths: Sequence[str]) -> Paths:
    inner: dict[str, list[str]] = {}
    for path in paths:
        name, _, rest = path.partition(".")
        inner.setdefault(name, []).append(rest)
    return tuple((name, None if "" in rests else _inner_paths(rests)) for name, rests in inner.items())


# -- the keys


def committing(key: bytes) -> Commit:
    """Return what makes the commitment for a text under a venture's *key*.

    It depends on nothing else: what had the same name still has, so that events which refer to each other by
    name are folded as before.
    """
    keyed = hashlib.blake2b(key=key, digest_size=COMMITMENT_BYTES)

    def commit(text: str) -> str:
        digest = keyed.copy()
        digest.update(text.encode())
        return f"[forgotten {digest.hexdigest()}]"

    return commit


class VentureKeys:
    """The keys of ventures, each looked up once.

    Args:
        db: Where they are looked up; None: those that were taken are all.
    """

    def __init__(self, db: apsw.Connection | None = None) -> None:
        self._db = db
        self._known: dict[str, tuple[bytes, Commit]] = {}

    def commit_of(self, venture_id: str) -> Commit | None:
        """Return what makes the commitments for *venture_id*'s texts; None where it has no key, or no more."""
        known = self._known.get(venture_id) or self._find(self._db, venture_id)
        return None if known is None else known[1]

    def key_of(self, event: StoredEvent) -> bytes:
        """Return the key that *event*'s hash needs; empty where it needs none, or there is none."""
        if event.texts is None:
            return b""
        known = self._known.get(event.venture_id) or self._find(self._db, event.venture_id)
        return b"" if known is None else known[0]

    def made(self, venture_id: str, db: apsw.Connection) -> Commit:
        """Return what makes the commitments, with a new key where there is none, within a unit of the writer."""
        known = self._known.get(venture_id) or self._find(db, venture_id)
        if known is not None:
            return known[1]
        key = os.urandom(KEY_BYTES)
        db.execute("INSERT INTO venture_keys VALUES (?, ?)", (venture_id, key))
        return self.take(venture_id, key)

    def take(self, venture_id: str, key: bytes) -> Commit:
        """Remember *venture_id*'s key."""
        known = self._known.get(venture_id)
        if known is None or known[0] != key:
            if len(self._known) >= KEYS_AT_HAND:
                self._known.clear()
            known = self._known[venture_id] = (key, committing(key))
        return known[1]

    def clear(self) -> None:
        """Remember none."""
        self._known.clear()

    def _find(self, db: apsw.Connection | None, venture_id: str) -> tuple[bytes, Commit] | None:
        row = db and db.execute("SELECT key FROM venture_keys WHERE venture_id = ?", (venture_id,)).fetchone()
        if not row:
            return None
        key = bytes(row[0])
        return key, self.take(venture_id, key)
