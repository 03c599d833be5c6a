"""Finds out quickly whether bytes that pass may tell of an end, of tokens or of a failure.

A regular expression of alternatives is tried at every byte, which took longer than all else that is done
with a chunk; words are found at the speed of memory.
"""

from __future__ import annotations

import re


class Signs:
    """Words, each with what must follow it.

    Args:
        signs: A word, and a regular expression of what follows it; an empty one: anything.
    """

    __slots__ = ("_signs",)

    def __init__(self, *signs: tuple[bytes, bytes]) -> None:
        self._signs = tuple((word, re.compile(follows)) for word, follows in signs)

    def are_in(self, block: bytes) -> bool:
        """Tell whether one of them is in *block*."""
        for word, follows in self._signs:
            at = block.find(word)
            while at >= 0:
                at += len(word)
                if follows.match(block, at):
                    return True
                at = block.find(word, at)
        return False
