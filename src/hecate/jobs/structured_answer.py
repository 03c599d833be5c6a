"""A language model's answer as a struct: asked for with a schema, read with leniency, checked, repaired once.

A model may be held to the schema by its provider, or not; it may think aloud, fence its answer, or talk around
it.  All that is read.  What still is no answer goes back once, with what is wrong with it; a model that answers
nonsense again has failed.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import msgspec

from hecate.dossiers.errors import HecateError
from hecate.jobs.asking import Question, Reply

if TYPE_CHECKING:
    from hecate.jobs.job import Job

LONGEST_ANSWER = 400_000
"""Characters of an answer that are read: a good one has a hundredth of that."""
MOST_BEGINNINGS = 40
"""How many places in an answer are tried as the beginning of its object."""
SHOWN_CHARACTERS = 300
"""Of a model's nonsense, in the error."""
SHOWN_AGAIN_CHARACTERS = 4000
"""Of a model's nonsense, to the model itself."""

_THOUGHTS = re.compile(r"<(think|thinking|thought|reasoning|reflection)>.*?</\1>", re.DOTALL | re.IGNORECASE)
_END_OF_THOUGHTS = re.compile(r"^.*</(?:think|thinking|thought|reasoning|reflection)>", re.DOTALL | re.IGNORECASE)
# A field that is null is one that was left out; NaN is as good as null.
_decoder = json.JSONDecoder(
    parse_constant=lambda _: None,
    object_pairs_hook=lambda pairs: {name: value for name, value in pairs if value is not None},
)

T = TypeVar("T", bound=msgspec.Struct)


class NonsenseAnswered(HecateError):
    """A model has answered, and not what it was asked for; neither when it was told what was wrong."""

    code = "provider_error"
    status = 502


@dataclass(frozen=True, slots=True, kw_only=True)
class Structured(Generic[T]):
    """What a model has answered, and what that took."""

    answer: T
    model: str
    """The provider's name, a slash, and its own name of the model."""
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None
    """None: not known."""

    @property
    def spent(self) -> Mapping[str, Any]:
        """What is recorded beside the answer: everything but the answer."""
        return {name: getattr(self, name) for name in ("model", "prompt_tokens", "completion_tokens", "cost_usd")}


async def ask_structured(
    job: Job, *, system: str, prompt: str, form: type[T], model: str = "", wrong: Callable[[T], str] = lambda _: ""
) -> Structured[T]:
    """Return what a model answers to *prompt*, as a *form*.

    Args:
        job: On whose account it is asked.
        system: What the model is to do; the schema is added.
        prompt: What it is to do it with.
        form: A struct of plain fields, without constraints: what a model writes is cleaned afterwards.
        model: As callers of a chat name it; empty: the one that is used by default.
        wrong: Tells what is wrong with an answer of the right form; empty: nothing.

    Raises:
        NonsenseAnswered: There was no such answer, nor after it was told what was wrong.
        HecateError: No provider has the model, or it fails.
    """
    schema = schema_of(form)
    system = f"{system}\n\nAnswer with one JSON object of this schema, and nothing else:\n{json.dumps(schema)}"
    replies: list[Reply] = []
    messages: tuple[tuple[str, str], ...] = (("user", prompt),)
    while True:
        reply = await job.ask(Question(system=system, messages=messages, model=model, schema=schema))
        replies.append(reply)
        read = read_answer(reply.content, form)
        problem = read.problem if read.answer is None else wrong(read.answer)
        if read.answer is not None and not problem:
            costs = [reply.cost_usd for reply in replies]
            return Structured(
                answer=read.answer,
                model=f"{reply.provider}/{reply.model}",
                prompt_tokens=sum(reply.prompt_tokens for reply in replies),
                completion_tokens=sum(reply.completion_tokens for reply in replies),
                cost_usd=None if None in costs else sum(filter(None, costs)),
            )
        if len(replies) > 1:
            raise NonsenseAnswered(
                f"{reply.provider}/{reply.model} did not answer what it was asked, nor when it was told so: {problem}; "
                f"it said {_excerpt(reply.content, SHOWN_CHARACTERS)!r}"
            )
        job.tell(f"{reply.provider}/{reply.model} is asked again: {problem}")
        said = _excerpt(reply.content, SHOWN_AGAIN_CHARACTERS) or "(nothing)"
        again = f"That cannot be used: {problem}. Answer again, with one JSON object of the schema and nothing else."
        messages = (*messages[:1], ("assistant", said), ("user", again))


# -- what is asked for


def schema_of(form: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the JSON schema of *form* as the strictest providers want it: closed, all required, without references."""
    (schema,), components = msgspec.json.schema_components((form,), ref_template="{name}")
    return _plain(schema, components)


def _plain(schema: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        return _plain(components[schema["$ref"]], components)
    plain: dict[str, Any] = {name: schema[name] for name in ("type", "enum", "description") if name in schema}
    if "items" in schema:
        plain["items"] = _plain(schema["items"], components)
    if "properties" in schema:
        fields = {name: _plain(field, components) for name, field in schema["properties"].items()}
        plain |= {"properties": fields, "required": list(fields), "additionalProperties": False}
    return plain


# -- what is answered


class ReadAnswer(NamedTuple, Generic[T]):
    """What an answer holds: one of the two."""

    answer: T | None
    problem: str
    """Why it holds nothing, as one would tell the model."""


def read_answer(text: str, form: type[T]) -> ReadAnswer[T]:
    """Return the *form* in *text*: the first object there that is one."""
    problem = ""
    for found in _objects(text[:LONGEST_ANSWER]):
        try:
            return ReadAnswer(msgspec.convert(found, form, strict=False), "")
        except msgspec.ValidationError as exc:
            problem = problem or str(exc)
    if not text.strip():
        return ReadAnswer(None, "the answer is empty")
    return ReadAnswer(None, problem or "there is no whole JSON object in the answer")


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """Give the JSON objects in *text*, the first that begins first; those within another are no answers."""
    said = _THOUGHTS.sub("", text)
    said = _END_OF_THOUGHTS.sub("", said)
    position = 0
    for _ in range(MOST_BEGINNINGS):
        position = said.find("{", position)
        if position < 0:
            return
        try:
            found, position = _decoder.raw_decode(said, position)
        except (json.JSONDecodeError, RecursionError):
            position += 1
        else:
            yield found


def _excerpt(text: str, characters: int) -> str:
    text = text.strip()
    return text if len(text) <= characters else text[:characters] + " …"


# -- what is made of it


def clean_name(text: str, longest: int = 200) -> str:
    """Return what a model has written as a name, on one line, without quotes around it.

    It is empty where there is no letter in it: a model that has nothing to say counts instead.
    """
    visible = "".join(character if character.isprintable() else " " for character in text)
    name = " ".join(visible.split()).strip("`'\"*# ")[:longest].strip()
    return name if any(character.isalpha() for character in name) else ""


def clean_text(text: str, longest: int = 10_000) -> str:
    """Return what a model has written as a text, without what no text may hold."""
    # JSON may spell halves of characters, which cannot be stored.
    return text.encode("utf-8", "replace").decode().replace("\0", "").strip()[:longest]


def clean_share(value: float) -> float:
    """Return a share from 0 to 1, also of what was meant as percent."""
    if not math.isfinite(value):
        return 0.0
    return min(max(value / 100 if value > 1 else value, 0.0), 1.0)
