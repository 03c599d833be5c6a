"""Console sessions in a document: run again, and compared with what is written there.

A block of kind ``console`` has lines that begin with ``$ ``, each a ``curl`` call, and what came back.  Ids, times
and the like differ from run to run: those in the document stand for those of this run, one for one.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.calling import Caller, Reply

BLOCK = re.compile(r"^```console\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
PROMPT = "$ "
WIDTH = 110

ID = re.compile(r"\b[a-z]{1,8}-[0-9a-f]{20}\b")
"""As `hecate.dossiers.ids` makes them, whatever they are of; that of a stream has a word more before it."""
TIMES = ("first_token_p50_ms", "first_token_p95_ms", "latency_p50_ms", "latency_p95_ms", "latency_ms")
NUMBERS = ("initiated_at", "duration_seconds", "port", "uptime_seconds", "checked_seconds_ago", "uid", "pid", *TIMES)
WORDS = (
    *("hash", "hecatehash", "key", "commit", "sha256", "event_id", "correlation_id", "causation_id"),
    *("sqlite_version", "version"),
)
VOLATILE = re.compile(
    "|".join(
        [
            ID.pattern,
            r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3})?Z",
            # Laid out, and as it came.
            *(rf'(?<="{name}":{space})\d+(?:\.\d+)?' for name in NUMBERS for space in (" ", "")),
            *(rf'(?<="{name}":{space}")[0-9a-f.]+' for name in WORDS for space in (" ", "")),
            r'(?<="id": ")[0-9a-f]{32}',
            r'(?<="base_url": "http://127\.0\.0\.1:)\d+',
            r"(?<=uid:)\d+",
            r"/tmp/hecate-[a-z0-9_]+(?=/)",
            r"(?<=\ndate: )[^\n]+",
            r"(?<=\nx-request-id: )\S+",
            r"(?<=\ncontent-length: )\d+",
        ]
    )
)
"""What is different in every run."""


@dataclass(slots=True)
class Step:
    """One call, and what the document says that it gives."""

    command: str
    output: str
    line: int
    """Where it is in the document, from 1."""


@dataclass(slots=True)
class Standing:
    """Which ids of this run stand behind those of the document."""

    actual: dict[str, str] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)

    def know(self, written: str, actual: str) -> bool:
        """Let *actual* stand behind *written*; tell whether that fits what is known."""
        return self.actual.setdefault(written, actual) == actual and self.written.setdefault(actual, written) == written

    def in_this_run(self, text: str) -> str:
        """Return *text* of the document with the ids of this run."""
        return ID.sub(lambda found: self.actual.get(found[0], found[0]), text)

    def as_written(self, text: str) -> str:
        """Return *text* of this run with the ids of the document."""
        return ID.sub(lambda found: self.written.get(found[0], found[0]), text)


def steps_in(document: str) -> Iterator[Step]:
    """Give every call in *document*, in order."""
    for block in BLOCK.finditer(document):
        line = document.count("\n", 0, block.start("text")) + 1
        step: Step | None = None
        for number, text in enumerate(block["text"].splitlines(), line):
            if text.startswith(PROMPT):
                if step is not None:
                    yield step
                step = Step(text.removeprefix(PROMPT), "", number)
            elif step is None:
                raise ValueError(f"line {number}: a console block begins with a command")
            elif step.command.endswith("\\"):
                step.command = f"{step.command[:-1].rstrip()} {text.strip()}"
            else:
                step.output += f"{text}\n"
        if step is not None:
            yield step


def differs(step: Step, output: str, standing: Standing) -> bool:
    """Tell whether *output* is other than *step* says, and learn which ids stand behind the written ones."""
    if re.sub(r"\s", "", VOLATILE.sub("", step.output)) != re.sub(r"\s", "", VOLATILE.sub("", output)):
        return True
    pairs = zip(VOLATILE.findall(step.output), VOLATILE.findall(output), strict=True)
    known = [standing.know(written, actual) for written, actual in pairs if ID.fullmatch(written)]
    return not all(known)


class Unknown(ValueError):
    """A command that is not understood here."""


def run(command: str, caller: Caller) -> str:
    """Return what *command*, a ``curl`` call as the documents have it, gives on *caller*'s daemon."""
    words = shlex.split(command)
    method, headers, body, shown, url, wanted = "", {}, None, False, "", ""
    if words.pop(0) != "curl":
        raise Unknown(command)
    while words:
        match words.pop(0):
            case "--unix-socket":
                words.pop(0)
            case "-X":
                method = words.pop(0)
            case "-H":
                name, _, value = words.pop(0).partition(": ")
                headers[name] = value
            case "-d":
                body = words.pop(0).encode()
            case "-i":
                shown = True
            case "-N":
                headers["Accept"] = headers.get("Accept", "text/event-stream")
            case "|":
                if words.pop(0) != "jq":
                    raise Unknown(command)
                wanted = words.pop(0)
            case address if address.startswith("http://localhost/"):
                url = address.removeprefix("http://localhost")
            case other:
                raise Unknown(f"{command}: {other}")
    method = method or ("GET" if body is None else "POST")
    if method == "GET" and headers.get("Accept") == "text/event-stream":
        return stream_until_now(caller, url, headers)
    reply = caller.ask(method, url, body, headers)
    return (head_of(reply) if shown else "") + body_of(reply, wanted)


def stream_until_now(caller: Caller, url: str, headers: dict[str, str]) -> str:
    """Return what a stream without an end gives up to the newest event."""
    head = caller.head
    text = ""
    with caller.feed(url, **headers) as feed:
        while f"id: {head}\n" not in text:
            text += "".join(f"{line.decode()}\n" for line in feed.block()) + "\n"
    return text


def head_of(reply: Reply) -> str:
    """Return status and headers as ``curl -i`` shows them."""
    lines = [
        f"HTTP/1.1 {reply.status} {REASONS[reply.status]}",
        *(f"{name}: {value}" for name, value in reply.headers.items()),
    ]
    return "\n".join([*lines, "", ""])


REASONS = {200: "OK", 201: "Created", 400: "Bad Request", 404: "Not Found", 409: "Conflict", 412: "Precondition Failed"}


def body_of(reply: Reply, wanted: str = "") -> str:
    """Return a body as the documents show it: JSON laid out, anything else as it is."""
    if reply.headers["content-type"] not in {"application/json", "application/cloudevents-batch+json"}:
        return reply.body.decode()
    content = reply.json
    if gone := re.fullmatch(r"del\((\.[\w.]+)\)", wanted):
        *way, last = gone[1].split(".")[1:]
        del at(content, way)[last]
    elif wanted:
        content = at(content, wanted.split(".")[1:])
    return f"{laid_out(content)}\n"


def at(content: Any, way: list[str]) -> Any:
    """Return what is in *content* at the end of *way*."""
    for name in way:
        content = content[name]
    return content


def laid_out(value: Any, indent: int = 0, before: int = 0) -> str:
    """Return *value* as JSON in which what fits is on one line.

    Args:
        value: Decoded JSON.
        indent: How far in the lines begin, in characters.
        before: How much of the first line is taken, in characters.
    """
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, (dict, list)) or not value or len(line) + indent + before <= WIDTH:
        return line
    inner = " " * (indent + 2)
    if isinstance(value, dict):
        lines = [f'{inner}"{name}": {laid_out(item, indent + 2, len(name) + 4)}' for name, item in value.items()]
        return "{\n" + ",\n".join(lines) + "\n" + " " * indent + "}"
    return "[\n" + ",\n".join(f"{inner}{laid_out(item, indent + 2)}" for item in value) + "\n" + " " * indent + "]"


def refreshed(document: str, caller: Caller) -> str:
    """Return *document* with what its calls give now; where it had ids and times, these stay."""
    standing = Standing()
    changes: list[tuple[Step, str]] = []
    for step in steps_in(document):
        output = run(standing.in_this_run(step.command), caller)
        if step.output and not differs(step, output, standing):
            continue
        # What a new or changed answer has made is what later calls ask for.
        _introduce(document, output, standing)
        changes.append((step, _as_before(step.output, standing.as_written(output))))
    for step, output in reversed(changes):
        document = _replaced(document, step, output)
    return document


def _introduce(document: str, output: str, standing: Standing) -> None:
    """Let what was made stand behind the first id of its kind in *document* that nothing stands behind."""
    made = re.search(rf'(?:^|"id": )"({ID.pattern})"', output)
    if made and made[1] not in standing.written:
        kind = made[1].partition("-")[0]
        free = [
            found for found in ID.findall(document) if found.startswith(f"{kind}-") and found not in standing.actual
        ]
        if free:
            standing.know(free[0], made[1])


def _as_before(written: str, output: str) -> str:
    """Return *output* with times and the like of *written*, if there are as many."""
    old = iter(VOLATILE.findall(written))
    if len(VOLATILE.findall(written)) != len(VOLATILE.findall(output)):
        return output

    def one(found: re.Match[str]) -> str:
        before = next(old)
        return found[0] if ID.fullmatch(found[0]) else before

    return VOLATILE.sub(one, output)


def _replaced(document: str, step: Step, output: str) -> str:
    lines = document.splitlines(keepends=True)
    start = step.line
    while lines[start - 1].rstrip("\n").endswith("\\"):
        start += 1
    end = start + step.output.count("\n")
    return "".join([*lines[:start], output, *lines[end:]])
