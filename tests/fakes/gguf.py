"""Writes GGUF files: a head, and as few numbers as may be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from struct import pack

Value = str | int | float | bool | Sequence[str] | Sequence[int]

USUAL: Mapping[str, Value] = {
    "general.architecture": "llama",
    "general.size_label": "1B",
    "llama.context_length": 4096,
    "tokenizer.ggml.tokens": ("a", "b", "<end>"),
    "tokenizer.ggml.token_type": (1, 1, 3),
    "tokenizer.chat_template": "{% if tools %}{{ tools }}{% endif %}{{ messages }}",
    "general.file_type": 15,
}
"""What is told of a model that is made for chats."""


def write_gguf(path: Path, values: Mapping[str, Value] = USUAL, *, shapes: Sequence[Sequence[int]] = ((8, 4),)) -> Path:
    """Write a file with *values* in its head, and tensors of *shapes*; return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    head = [b"GGUF", pack("<IQQ", 3, len(shapes), len(values))]
    head += (_text(key) + _value(value) for key, value in values.items())
    offset = 0
    for number, shape in enumerate(shapes):
        head.append(_text(f"tensor.{number}") + pack(f"<I{len(shape)}QIQ", len(shape), *shape, 0, offset))
        offset += 32
    path.write_bytes(b"".join(head) + bytes(offset))
    return path


def _text(text: str) -> bytes:
    data = text.encode()
    return pack("<Q", len(data)) + data


def _value(value: Value) -> bytes:
    match value:
        case bool():
            return pack("<I?", 7, value)
        case str():
            return pack("<I", 8) + _text(value)
        case int():
            return pack("<II", 4, value)
        case float():
            return pack("<If", 6, value)
        case _ if value and isinstance(value[0], str):
            return pack("<IIQ", 9, 8, len(value)) + b"".join(_text(str(item)) for item in value)
        case _:
            return pack(f"<IIQ{len(value)}i", 9, 5, len(value), *value)
