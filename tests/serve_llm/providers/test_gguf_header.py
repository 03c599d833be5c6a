"""The heads of GGUF files: those of models, of other things, and damaged ones."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from struct import pack

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from hecate.serve_llm.providers.gguf_header import NotGguf, read_header
from tests.fakes.gguf import USUAL, write_gguf


def test_a_model_tells_what_it_is(tmp_path: Path) -> None:
    """Family, size, context, quantization and template are known without loading it."""
    header = read_header(write_gguf(tmp_path / "m.gguf", shapes=((8, 4), (16,))))
    assert (header.architecture, header.kind, header.context_length) == ("llama", "model", 4096)
    assert (header.parameters, header.size_label, header.quantization) == (48, "1B", "Q4_K_M")
    assert "tools" in header.template
    assert not header.makes_vectors


def test_what_is_not_told_is_not_made_up(tmp_path: Path) -> None:
    """A head without any of it is a head."""
    header = read_header(write_gguf(tmp_path / "m.gguf", {"other.thing": 0.5, "other.flag": True}))
    assert (header.architecture, header.context_length, header.quantization, header.parts) == ("", None, "", 1)


def test_other_things_say_so(tmp_path: Path) -> None:
    """Adapters and eyes for models come in such files, too; models for embeddings tell how they pool."""
    adapter = write_gguf(tmp_path / "a.gguf", {**USUAL, "general.type": "adapter"})
    eyes = write_gguf(tmp_path / "b.gguf", {"general.architecture": "clip"})
    vectors = write_gguf(tmp_path / "c.gguf", {"general.architecture": "bert", "bert.pooling_type": 2})
    assert [read_header(path).kind for path in (adapter, eyes, vectors)] == ["adapter", "mmproj", "model"]
    assert read_header(vectors).makes_vectors


def test_a_file_that_breaks_off_is_refused_wherever_it_does(tmp_path: Path) -> None:
    """Cut at any byte of its head, it is incomplete and not something else; so it is without its numbers."""
    path = write_gguf(tmp_path / "m.gguf", shapes=((8, 4), (8, 4)))
    whole = path.read_bytes()
    for length in range(len(whole) - 33):
        path.write_bytes(whole[:length])
        with pytest.raises(NotGguf):
            read_header(path)
    path.write_bytes(whole[:-40])
    with pytest.raises(NotGguf, match="its end is missing"):
        read_header(path)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "ends within its head"),
        (b"not a model at all", "no GGUF file"),
        (b"GGUF" + pack(">I", 3) + bytes(16), "version 50331648"),
        (b"GGUF" + pack("<IQQ", 1, 0, 0), "version 1"),
        (b"GGUF" + pack("<IQQQ", 3, 0, 1, 2**63 - 1), "damaged"),
        (b"GGUF" + pack("<IQQQIIQ", 3, 0, 1, 0, 9, 8, 2**62) + bytes(64), "ends within its head"),
        (b"GGUF" + pack("<IQQQI", 3, 0, 1, 0, 77), "no type 77"),
        (b"GGUF" + pack("<IQQQII", 3, 0, 1, 0, 9, 9) + bytes(64), "no type 9"),
        (b"GGUF" + pack("<IQQQI", 3, 1, 0, 0, 4_000_000_000), "4000000000 dimensions"),
    ],
)
def test_what_is_no_model_is_refused(tmp_path: Path, data: bytes, why: str) -> None:
    """Whatever else is called so is told apart, however large the numbers in it."""
    path = tmp_path / "m.gguf"
    path.write_bytes(data)
    with pytest.raises(NotGguf, match=why):
        read_header(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(place=st.integers(0, 1000), damage=st.binary(min_size=1, max_size=16))
def test_damage_is_read_or_refused(tmp_path: Path, place: int, damage: bytes) -> None:
    """A damaged head is a head or is none; it is never a bug."""
    path = write_gguf(tmp_path / "m.gguf")
    data = bytearray(path.read_bytes())
    begin = place % len(data)
    data[begin : begin + len(damage)] = damage
    path.write_bytes(data)
    with suppress(NotGguf):
        read_header(path)
