"""What was answered to a command, and whether the log has what must come of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from tests.calling import Reply
from tests.faults.domain_model import Happened
from tests.faults.domain_model_rules import Call, Verdict


class Answered:
    """A command with its answer, None if that got lost."""

    def __init__(self, call: Call, reply: Reply | None) -> None:
        self.call = call
        self.reply = reply
        self.json: dict[str, Any] = reply.json if reply is not None else {}

    def __str__(self) -> str:
        status = self.reply.status if self.reply else "no answer"
        return f"{self.call} -> {status} {json.dumps(self.json)}"

    def first_event(self) -> tuple[str, int] | None:
        """Return the stream and the version of its first event, if it says that there is one."""
        if self.reply is None or self.reply.status >= 300 or not self.json["events"]:
            return None
        stream = self.call.stream if self.call.verb else f"setup-{self.json['id']}"
        return stream, self.json["version"] - len(self.json["events"]) + 1


def request_of(call: Call) -> str:
    """Return what is the same where a request is sent again."""
    return f"{call.path} {call.is_wrong} {json.dumps(call.body, sort_keys=True)}"


def stream_of(call: Call, added: Sequence[Happened]) -> str:
    """Return where the events of *call* are: a venture's id is known only from them."""
    return call.stream if call.verb else added[0].stream


def fits(now: Verdict, added: Sequence[Happened]) -> bool:
    """Tell whether *added* are the events that must come of a call, with all that is known of them beforehand."""
    wanted = list(now.events)
    for event in added:
        for kind, fields in wanted:
            if kind == event.type and fields.items() <= {**event.data}.items():
                wanted.remove((kind, fields))
                break
        else:
            return False
    return not wanted


class Kept(NamedTuple):
    """What was answered under an idempotency key."""

    request: str
    body: bytes | None
    """None: the answer got lost."""
