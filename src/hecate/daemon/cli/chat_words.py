"""What can be done in a conversation besides talking: words that begin with a slash."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, NamedTuple

from hecate.daemon.cli.conversation import Conversation


class Leave(Exception):
    """The person wants to go."""


class Word(NamedTuple):
    """One of the words."""

    usage: str
    does: str
    act: Callable[[Conversation, str], None]
    """Takes what follows the word."""


def act(conversation: Conversation, line: str) -> None:
    """Do what *line* says, which begins with a slash.

    Raises:
        Leave: It says so.
        HecateClientError: The daemon refuses.
    """
    word, _, rest = line.removeprefix("/").partition(" ")
    found = WORDS.get(word)
    if found is None:
        conversation.output.note(f"there is no /{word}; /help shows what there is, and // begins a prompt with a slash")
    else:
        found.act(conversation, rest.strip())


def completions(conversation: Conversation, line: str) -> Iterable[str]:
    """Return what may stand at the end of *line*."""
    if line.startswith("/model "):
        return [model.id for model in conversation.client.models()]
    return [f"/{word}" for word in WORDS] if line.startswith("/") and " " not in line else ()


def _help(conversation: Conversation, _: str) -> None:
    width = max(len(word.usage) for word in WORDS.values())
    for word in WORDS.values():
        conversation.output.note(f"{word.usage:<{width}}  {word.does}")
    conversation.output.note("")
    conversation.output.note('A backslash at its end goes on with the line; """ begins and ends several lines.')
    conversation.output.note(
        "Ctrl-C cancels an answer; at an empty prompt, twice, it ends the conversation, as Ctrl-D does."
    )


def _model(conversation: Conversation, name: str) -> None:
    if name:
        known = {known for model in conversation.client.models() for known in (model.name, model.id)}
        conversation.model = name
        if name not in known:
            conversation.output.note(f"{name} is in no provider's list; it is asked for nevertheless")
    conversation.output.note(f"model: {conversation.model}")


def _models(conversation: Conversation, _: str) -> None:
    for model in conversation.client.models():
        conversation.output.note(f"{model.id}  {model.size or ''}".rstrip())


def _system(conversation: Conversation, text: str) -> None:
    if text:
        conversation.system = "" if text == "-" else text
    conversation.output.note(f"system: {conversation.system or 'nothing'}")


def _clear(conversation: Conversation, _: str) -> None:
    conversation.said.clear()
    conversation.output.note("all that was said is forgotten")


def _again(conversation: Conversation, _: str) -> None:
    asked = [number for number, message in enumerate(conversation.said) if message["role"] == "user"]
    if not asked:
        conversation.output.note("nothing has been asked yet")
        return
    prompt = conversation.said[asked[-1]]["content"]
    forgotten = conversation.said[asked[-1] :]
    del conversation.said[asked[-1] :]
    before = len(conversation.said)
    try:
        conversation.ask(prompt)
    finally:
        if len(conversation.said) == before:
            conversation.said += forgotten


def _save(conversation: Conversation, name: str) -> None:
    if not name:
        conversation.output.note("/save wants the name of a file")
        return
    path = Path(name).expanduser()
    if path.suffix == ".json":
        text = json.dumps(conversation.messages, ensure_ascii=False, indent=2)
    else:
        text = "\n\n".join(f"## {message['role']}\n\n{message['content']}" for message in conversation.messages)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(f"{text}\n")
    except OSError as exc:
        conversation.output.note(f"cannot save {path}: {exc.strerror}", word="Error:", colour="red")
    else:
        conversation.output.note(f"saved in {path}")


def _bye(_: Conversation, __: str) -> None:
    raise Leave


WORDS: Final = {
    "help": Word("/help", "show this", _help),
    "model": Word("/model [NAME]", "ask another model from now on, or say which one is asked", _model),
    "models": Word("/models", "list the models", _models),
    "system": Word("/system [TEXT]", "tell the model this before everything else; - for nothing", _system),
    "again": Word("/again", "have the last answer given anew", _again),
    "clear": Word("/clear", "forget all that was said", _clear),
    "save": Word("/save FILE", "write the conversation down, as markdown or, to FILE.json, as JSON", _save),
    "bye": Word("/bye", "end the conversation", _bye),
}
