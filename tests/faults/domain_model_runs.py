"""Runs a program on a daemon and on the model, and finds where they do not agree.

Eight clients ask at once.  The log says in which order the commands were taken; the model follows it, event by event.
What was answered is right if it is what the model says there: before or after one of these events, for a command that
has added none.  So there is an order of the commands, one after the other, that explains every answer.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from typing import Any

from tests.calling import Reply
from tests.faults.domain_model import Divergence, Happened, World
from tests.faults.domain_model_answers import Answered, Kept, fits, request_of, stream_of
from tests.faults.domain_model_programs import Batch, Program, call_of
from tests.faults.domain_model_reading import check_what_is_read
from tests.faults.domain_model_rig import Rig
from tests.faults.domain_model_rules import UNHEARD_OF, Call, actions, verdict

DEADLINE_SECONDS = 10.0
LONGEST_LIFE_SECONDS = 0.02
"""Of a daemon that is killed, from when it is asked."""
BITS = {"pending": 0, "setup": 1, "active": 3, "paused": 5, "completed": 9, "archived": 17}
ONE_WINNER = frozenset({"start", "pause", "resume", "complete", "archive", "discover"})
"""What can be done once only, however many ask for it."""


class Run:
    """One run of a program on *rig*; *seed* is for when the daemon is killed."""

    def __init__(self, rig: Rig, seed: int, *, strict: bool) -> None:
        self._rig = rig
        self._dice = random.Random(seed)
        self.world = World(rig.get("/api/health")["events"], strict=strict)
        self._prefix = f"run-{seed}-{self.world.position}"
        self._keys: dict[str, Kept] = {}
        self.calls = 0
        self.taken = 0

    def __call__(self, program: Program) -> None:
        """Run *program*.

        Raises:
            Divergence: The daemon does something else than the model.
        """
        for number, batch in enumerate(program):
            if batch.kind == "restart":
                self._rig.restart()
            else:
                self._batch(batch)
            self._settle()
            if batch.kind in {"kill", "restart"} or number % 4 == 3 or number == len(program) - 1:
                self._read()

    def _batch(self, batch: Batch) -> None:
        calls = [call_of(step, self.world, self._prefix) for step in batch.steps]
        if batch.kind == "contest":
            calls *= 8
        kill_after = self._dice.uniform(0, LONGEST_LIFE_SECONDS) if batch.kind == "kill" else None
        replies = self._rig.send(calls, kill_after=kill_after)
        if batch.kind == "kill":
            self._rig.restart()
        elif None in replies:
            raise Divergence(f"no answer to {calls[replies.index(None)]}")
        winners = [reply for reply in replies if reply is not None and reply.status < 300]
        if batch.kind == "contest" and not calls[0].key and calls[0].verb in ONE_WINNER and len(winners) > 1:
            raise Divergence(f"{len(winners)} clients have won: {calls[0]}")
        self._explain(calls, replies)
        again = [call for call, reply in zip(calls, replies, strict=True) if reply is None and call.key]
        # Whoever has a key sends it again.
        self._explain(again, self._rig.send(again))

    def _explain(self, calls: Sequence[Call], replies: Sequence[Reply | None]) -> None:
        """Find the order in which *calls* were carried out."""
        self.calls += len(calls)
        pending = [Answered(call, reply) for call, reply in zip(calls, replies, strict=True)]
        claims: dict[tuple[str, int], Answered] = {}
        for one in pending:
            if first := one.first_event():
                claims.setdefault(first, one)
        lost = [one.call for one in pending if one.reply is None]
        pending = [one for one in pending if one.reply is not None]
        log = self._rig.events_after(self.world.position)
        pending = self._settle_those_that_add_nothing(pending)
        while log:
            answered = claims.get((log[0].stream, log[0].version))
            if answered is not None:
                added: Sequence[Happened] = log[: len(answered.json["events"])]
                self._is_right(answered, added)
                pending = [other for other in pending if other is not answered]
            else:
                added = self._unasked(log, lost)
            self._apply(added)
            if answered is not None and (expected := self._told_otherwise(answered)):
                raise Divergence(f"{answered} must say {expected}")
            log = log[len(added) :]
            pending = self._settle_those_that_add_nothing(pending)
        if pending:
            raise Divergence(f"nothing explains {pending[0]}; now it is {verdict(self.world, pending[0].call)}")

    def _settle_those_that_add_nothing(self, pending: list[Answered]) -> list[Answered]:
        """Return those that cannot have been carried out now, of all that have added nothing."""
        before = len(pending) + 1
        while len(pending) < before:
            before = len(pending)
            pending = [answered for answered in pending if not self._explains(answered)]
        return pending

    def _explains(self, answered: Answered) -> bool:
        """Tell whether *answered* is what must be answered now, if it has added nothing."""
        call, reply = answered.call, answered.reply
        assert reply is not None
        kept = self._keys.get(call.key)
        if kept is not None:
            if kept.request != request_of(call):
                return (reply.status, answered.json.get("code")) == (422, "validation_error")
            return reply.body == kept.body if kept.body is not None else self._was_lost(answered)
        now = verdict(self.world, call)
        if now.errors:
            return (reply.status, answered.json.get("code")) in now.errors and self._says_why(answered)
        if now.events or reply.status >= 300 or answered.json["events"]:
            return False
        if self._told_otherwise(answered):
            return False
        self._keep(answered)
        return True

    def _was_lost(self, answered: Answered) -> bool:
        """Tell whether *answered* is the answer that got lost the first time; it is known from now on."""
        first = answered.first_event()
        subject = self.world.subject(answered.call.process, answered.call.subject_id or answered.json.get("id", ""))
        if (
            first is None
            or subject is None
            or answered.json["version"] > subject.standing[answered.call.process].version
        ):
            return False
        self._keep(answered)
        return True

    def _keep(self, answered: Answered) -> None:
        if answered.call.key and answered.reply is not None:
            self._keys[answered.call.key] = Kept(request_of(answered.call), answered.reply.body)
        self.taken += 1

    def _is_right(self, answered: Answered, added: Sequence[Happened]) -> None:
        """Check that a command was to be taken, and has added what it must and what it says."""
        if answered.call.key in self._keys:
            raise Divergence(f"{answered} was carried out a second time")
        now = verdict(self.world, answered.call)
        if now.errors or not fits(now, added):
            raise Divergence(f"{answered} has added {added}; it must come to {now}")
        if [(event.type, event.data) for event in added] != [
            (event["type"], event["data"]) for event in answered.json["events"]
        ]:
            raise Divergence(f"{answered} is not what the log has: {added}")
        if UNHEARD_OF not in answered.call.body and now.warns != ("warnings" in answered.json):
            raise Divergence(f"{answered} warns, or does not: {now}")
        self._keep(answered)

    def _unasked(self, log: Sequence[Happened], lost: list[Call]) -> Sequence[Happened]:
        """Return the events that the log begins with: a policy's, or those of a command whose answer got lost."""
        if log[0].policy:
            self._is_a_reaction(log[0])
            return log[:1]
        for call in lost:
            now = verdict(self.world, call)
            added = log[: len(now.events)]
            if not now.errors and {event.stream for event in added} == {stream_of(call, added)}:
                if not fits(now, added):
                    continue
                lost.remove(call)
                if call.key:
                    self._keys[call.key] = Kept(request_of(call), None)
                return added
        raise Divergence(f"nobody has asked for {log[0]}")

    def _is_a_reaction(self, event: Happened) -> None:
        division = self.world.divisions[event.stream.partition("-")[2]]
        standing = division.standing["rescue"]
        if event.type == "rescue_started_v1":
            division.rescues_to_start -= 1
            if division.rescues_to_start >= 0 and standing.state in {"pending", "completed"}:
                return
        if event.type == "incident_closed_v1" and event.data["incident_id"] in division.fixed_and_open():
            return
        raise Divergence(f"no policy has a reason for {event}")

    def _apply(self, added: Sequence[Happened]) -> None:
        for event in added:
            self.world.apply(event)

    # -- what an answer says

    def _told_otherwise(self, answered: Answered) -> tuple[Any, ...]:
        """Return where the process stands now, empty if that is what the answer says."""
        call, answer = answered.call, answered.json
        subject = self.world.subject(call.process, call.subject_id or answer["id"])
        assert subject is not None
        standing = subject.standing[call.process]
        status = {"setup": {"setup": 1, "archived": 3}}.get(call.process, BITS)[standing.state]
        expected = (standing.state, standing.version, status, sorted(actions(call.process, standing)))
        told = (answer["state"], answer["version"], answer["status"], sorted(answer["available_actions"]))
        return () if told == expected else expected

    def _says_why(self, answered: Answered) -> bool:
        """Tell whether a refusal is about the state that the process has now."""
        call, answer = answered.call, answered.json
        if answer["code"] != "invalid_state":
            return True
        subject = self.world.subject(call.process, call.subject_id)
        assert subject is not None
        standing = subject.standing[call.process]
        return (answer["state"], set(answer["available_actions"])) == (standing.state, actions(call.process, standing))

    # -- between the batches

    def _settle(self) -> None:
        """Wait until the policies have done what they must."""
        self._wait_until(lambda: not self._awaited(), "no policy has done")

    def _wait_until(self, condition: Callable[[], bool], why: str) -> None:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while True:
            self._explain((), ())
            if condition():
                return
            if time.monotonic() > deadline:
                raise Divergence(f"{why} {self._awaited()}")
            time.sleep(0.002)

    def _awaited(self) -> list[Any]:
        return [
            (division_id, division.awaits_rescue, division.fixed_and_open())
            for division_id, division in self.world.divisions.items()
            if division.awaits_rescue or division.fixed_and_open()
        ]

    def _read(self) -> None:
        """Compare what is read, at a moment in which nothing happens."""
        while True:
            wrong = check_what_is_read(self._rig.get, self.world)
            before = self.world.position
            self._explain((), ())
            if self.world.position == before:
                break
        if wrong:
            raise Divergence(wrong)
