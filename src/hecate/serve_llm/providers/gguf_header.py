"""What the head of a GGUF file tells of the model in it, read in some 40 ms, without loading the model.

The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md.  The package `gguf` makes an object of each
of the 262,144 words of a vocabulary: 9 s and 700 MB for a model of 250 MB.  Here they are stepped over.
"""

from __future__ import annotations

from math import prod
from pathlib import Path
from struct import Struct as Layout, unpack_from
from typing import BinaryIO, Final

from msgspec import Struct

HEAD_LIMIT_BYTES: Final = 256 * 1024 * 1024
"""A vocabulary of 262,144 words, with how they are merged, takes 20 MB."""
READ_BYTES: Final = 1024 * 1024
MAGIC: Final = b"GGUF"
VERSIONS: Final = (2, 3)
MOST_DIMENSIONS: Final = 8

_STRING, _ARRAY = 8, 9
_NUMBERS: Final = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
"""The types of values, as `struct` calls them; little-endian."""
_COUNT: Final = Layout("<Q")
_TYPE: Final = Layout("<I")

QUANTIZATIONS: Final = {
    0: "F32",
    1: "F16",
    2: "Q4_0",
    3: "Q4_1",
    7: "Q8_0",
    8: "Q5_0",
    9: "Q5_1",
    10: "Q2_K",
    11: "Q3_K_S",
    12: "Q3_K_M",
    13: "Q3_K_L",
    14: "Q4_K_S",
    15: "Q4_K_M",
    16: "Q5_K_S",
    17: "Q5_K_M",
    18: "Q6_K",
    19: "IQ2_XXS",
    20: "IQ2_XS",
    21: "Q2_K_S",
    22: "IQ3_XS",
    23: "IQ3_XXS",
    24: "IQ1_S",
    25: "IQ4_NL",
    26: "IQ3_S",
    27: "IQ3_M",
    28: "IQ2_S",
    29: "IQ2_M",
    30: "IQ4_XS",
    31: "IQ1_M",
    32: "BF16",
    36: "TQ1_0",
    37: "TQ2_0",
    38: "MXFP4_MOE",
}
"""``general.file_type``, as llama.cpp's ``llama_ftype`` numbers it."""

Value = str | int | float | bool


class NotGguf(Exception):
    """The file holds no model that llama.cpp could read; the message says why."""


class Header(Struct, frozen=True):
    """What is known of a model before it is loaded."""

    architecture: str
    """Such as ``llama`` or ``gemma3``."""
    kind: str
    """``model``, or what else may be in such a file: ``adapter``, ``mmproj`` (eyes for a model), ``imatrix``."""
    context_length: int | None
    """The longest that it was trained for, in tokens."""
    parameters: int
    """How many numbers there are in this file."""
    size_label: str
    """How its makers call its size, such as ``270M``; may be empty."""
    parts: int
    """Over how many files it is spread."""
    quantization: str
    """Such as ``Q4_K_M``; empty where that is not known."""
    template: str
    """How a chat is written down for it, in Jinja; empty for one that was not made for chats."""
    makes_vectors: bool
    """Whether it was made for embeddings rather than for chats."""


def read_header(path: Path) -> Header:
    """Return what the head of *path* tells.

    Raises:
        NotGguf: It is another sort of file, or breaks off.
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        head = _Head(file)
        if head.take(4) != MAGIC:
            raise NotGguf("it is no GGUF file")
        if (version := head.number("I")) not in VERSIONS:
            raise NotGguf(f"it is in version {version} of the format, and those known are 2 and 3")
        tensors, values = int(head.number("Q")), int(head.number("Q"))
        found = dict(head.entry() for _ in range(values))
        parameters, last_begins_at = 0, 0
        for _ in range(tensors):
            shape, begins_at = head.tensor()
            parameters += prod(shape)
            last_begins_at = max(last_begins_at, begins_at)
        if head.offset + last_begins_at > path.stat().st_size:
            raise NotGguf("it is not complete: its end is missing")
    return _header(found, parameters)


def _header(found: dict[str, Value | None], parameters: int) -> Header:
    def text(key: str) -> str:
        value = found.get(key)
        return value if isinstance(value, str) else ""

    def count(key: str) -> int | None:
        value = found.get(key)
        return value if isinstance(value, int) else None

    architecture = text("general.architecture")
    return Header(
        architecture=architecture,
        kind="mmproj" if architecture == "clip" else text("general.type") or "model",
        context_length=count(f"{architecture}.context_length"),
        parameters=parameters,
        size_label=text("general.size_label"),
        parts=count("split.count") or 1,
        quantization=QUANTIZATIONS.get(-1 if (kind := count("general.file_type")) is None else kind, ""),
        template=text("tokenizer.chat_template"),
        makes_vectors=bool(count(f"{architecture}.pooling_type")),
    )


class _Head:
    """The beginning of a file, read as far as it is needed.

    Read rather than mapped: a file that is cut off while it is mapped kills the process that looks at it.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._data = bytearray()
        self.offset = 0

    def take(self, size: int) -> bytes:
        """Return the next *size* bytes."""
        begin = self._step(size)
        return bytes(self._data[begin : begin + size])

    def number(self, code: str) -> float:
        """Return the next number; *code* is its type's, as for `struct`."""
        layout = Layout(f"<{code}")
        found: float = layout.unpack_from(self._data, self._step(layout.size))[0]
        return found

    def entry(self) -> tuple[str, Value | None]:
        """Return the next key and its value; None for a list, which is stepped over."""
        key = self._text()
        (kind,) = _TYPE.unpack_from(self._data, self._step(_TYPE.size))
        if kind == _STRING:
            return key, self._text()
        if kind == _ARRAY:
            self._step_over_list()
            return key, None
        return key, self.number(_code(kind))

    def tensor(self) -> tuple[tuple[int, ...], int]:
        """Return the shape of the next tensor, and where it begins, counted from the end of the head."""
        self._text()
        dimensions = int(self.number("I"))
        if dimensions > MOST_DIMENSIONS:
            raise NotGguf(f"it has a tensor of {dimensions} dimensions")
        shape = unpack_from(f"<{dimensions}Q", self._data, self._step(8 * dimensions))
        self._step(_TYPE.size)
        return shape, int(self.number("Q"))

    def _text(self) -> str:
        (length,) = _COUNT.unpack_from(self._data, self._step(_COUNT.size))
        return self.take(length).decode("utf-8", "replace")

    def _step_over_list(self) -> None:
        (kind,) = _TYPE.unpack_from(self._data, self._step(_TYPE.size))
        (count,) = _COUNT.unpack_from(self._data, self._step(_COUNT.size))
        if kind != _STRING:
            self._step(Layout(f"<{_code(kind)}").size * count)
        else:
            length_of, offset, data = _COUNT.unpack_from, self.offset, self._data
            for _ in range(count):
                if offset + 8 > len(data):
                    self._read_up_to(offset + 8)
                offset += 8 + length_of(data, offset)[0]
            self.offset = offset

    def _step(self, size: int) -> int:
        """Go on by *size* bytes, which are then there, and return where they begin."""
        begin = self.offset
        self.offset += size
        if self.offset > len(self._data):
            self._read_up_to(self.offset)
        return begin

    def _read_up_to(self, end: int) -> None:
        if end > HEAD_LIMIT_BYTES:
            raise NotGguf("its head is damaged, or longer than any")
        while len(self._data) < end:
            more = self._file.read(READ_BYTES)
            if not more:
                raise NotGguf("it is not complete: it ends within its head")
            self._data += more


def _code(kind: int) -> str:
    if kind not in _NUMBERS:
        raise NotGguf(f"its head is damaged: there is no type {kind} of values")
    return _NUMBERS[kind]
