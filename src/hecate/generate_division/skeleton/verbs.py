"""Verbs: from what a desk is asked to do to what has happened then, ``register_user`` and ``user_registered``."""

from __future__ import annotations

from collections.abc import Iterable

IRREGULAR = {
    "begin": "begun", "bid": "bid", "bind": "bound", "break": "broken", "bring": "brought", "build": "built",
    "buy": "bought", "catch": "caught", "choose": "chosen", "cut": "cut", "do": "done", "draw": "drawn",
    "find": "found", "forget": "forgotten", "freeze": "frozen", "get": "got", "give": "given", "go": "gone",
    "hide": "hidden", "hold": "held", "keep": "kept", "leave": "left", "lend": "lent", "let": "let", "lose": "lost",
    "make": "made", "meet": "met", "overdraw": "overdrawn", "pay": "paid", "put": "put", "read": "read",
    "rebuild": "rebuilt", "redo": "redone", "repay": "repaid", "resend": "resent", "reset": "reset", "run": "run",
    "say": "said", "see": "seen", "sell": "sold", "send": "sent", "set": "set", "ship": "shipped", "shut": "shut",
    "spend": "spent", "split": "split", "spread": "spread", "take": "taken", "teach": "taught", "tell": "told",
    "undo": "undone", "unset": "unset", "win": "won", "withdraw": "withdrawn", "write": "written",
}  # fmt: skip
DOUBLING = {
    "admit", "ban", "commit", "defer", "drop", "equip", "flag", "log", "map", "omit", "pin", "plan", "permit", "refer",
    "scan", "skip", "stop", "submit", "swap", "tag", "transfer", "transmit", "trim", "unpin", "unwrap", "wrap",
}  # fmt: skip

_BASE = {past: verb for verb, past in IRREGULAR.items()}
_VOWELS = "aeiou"


def participle(verb: str) -> str:
    """Return ``registered`` for ``register``; a verb that is irregular and not known is taken for a regular one."""
    if verb in IRREGULAR:
        return IRREGULAR[verb]
    if verb.endswith("e"):
        return f"{verb}d"
    if len(verb) > 1 and verb[-1] == "y" and verb[-2] not in _VOWELS:
        return f"{verb[:-1]}ied"
    return f"{verb}{verb[-1]}ed" if verb in DOUBLING else f"{verb}ed"


def stem(word: str) -> str:
    """Return what ``register`` and ``registered`` have in common; nothing that is meant to be read."""
    word = _BASE.get(word, word)
    if word.endswith("ied"):
        word = f"{word[:-3]}y"
    elif word.endswith("ed") and len(word) > 4:
        word = word[:-2]
    word = word.removesuffix("e")
    return word[:-1] if len(word) > 2 and word[-1] == word[-2] else word


def stems(words: str, without: Iterable[str] = ()) -> frozenset[str]:
    """Return the stems of the words in a slug, but for those of other words."""
    return frozenset(map(stem, words.split("_"))) - frozenset(without)


def happened(command: str, subject: str) -> str:
    """Return what has happened when a command was taken: ``user_registered`` for ``register_user``.

    Args:
        command: A slug whose first word is the verb.
        subject: What it happens to where the command names nothing.
    """
    verb, _, rest = command.partition("_")
    return f"{rest or subject}_{participle(verb)}"
