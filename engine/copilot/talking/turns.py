"""The turns at work: one for each person and subject, each in a thread of its own."""

from __future__ import annotations

import threading
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from engine.base.clock import Clock, moment_of, timestamp
from engine.base.errors import InUse, InvalidInput, UnknownName
from engine.copilot.keeping.lists import KeptLists
from engine.copilot.talking.records import About, Conversation, Turn, TurnLimits
from engine.people.access import Principal

if TYPE_CHECKING:
    from engine.copilot.talking.working import Working

LONGEST_ASKED = 4_000
_MOST_AT_ONCE = 8
_MOST_OF_ONE = 2
"""Turns that one person may have at work, so that others get answers, too."""
_GRACE_SECONDS = 30.0  # beyond the limit of a turn, for the process at work on it to store how it ended
_LOST = "The server was stopped during this answer. Ask again."


class Turns:
    """`subject`: the workflow that a conversation is about, or another name that the store keeps it under."""

    def __init__(self, store: KeptLists[Turn], clock: Clock) -> None:
        self._store, self._clock = store, clock
        self.limits = TurnLimits()
        self._working: dict[tuple[str, str], tuple[str, Working]] = {}
        """The turn that this process works on, by person and subject."""
        self._lock = threading.Lock()

    def new(self, asked: str, about: About) -> Turn:
        """Return a turn that has not begun."""
        id_, at = f"t-{uuid.uuid4().hex[:12]}", timestamp(self._clock())
        return Turn(id_, at, asked, "working", "model", about, most_seconds=self.limits.seconds)

    def conversation(self, p: Principal, subject: str) -> Conversation:
        """Return a conversation; a turn that no process can continue has failed."""
        turns = [self._as_it_is(p, subject, one) for one in self._store.list(p, subject)]
        return Conversation(subject, turns, any(one.sent.from_outside for one in turns))

    def keep(self, p: Principal, subject: str, turn: Turn) -> None:
        """Store a turn. Text from outside stays in a conversation, also once its turn is too old to be kept."""
        is_outside = turn.sent.from_outside or self.conversation(p, subject).from_outside
        self._store.add(p, subject, replace(turn, sent=replace(turn.sent, from_outside=is_outside)))

    def forget(self, p: Principal, subject: str) -> None:
        """Delete a conversation. Raises InUse while a turn is at work."""
        self.require_free(p, subject)
        self._store.remove(p, subject)

    def require_free(self, p: Principal, subject: str) -> None:
        """Raise InUse while a turn is at work."""
        with self._lock:
            if (p.id, subject) in self._working:
                raise _busy()

    def begin(self, p: Principal, subject: str, turn: Turn, working: Working, sent: list[dict[str, Any]]) -> None:
        """Store a turn, and work on it; it goes on if nobody watches. Raises InUse."""
        with self._lock:
            self._require_room(p, subject)
            self._working[p.id, subject] = turn.id, working
        try:
            self.keep(p, subject, turn)
        except BaseException:
            self._release(p, subject)
            raise
        work = threading.Thread(target=self._work, args=(p, subject, turn, working, sent), name="co-pilot", daemon=True)
        work.start()

    def _require_room(self, p: Principal, subject: str) -> None:
        if (p.id, subject) in self._working:
            raise _busy()
        if sum(person == p.id for person, _ in self._working) >= _MOST_OF_ONE:
            said = f"{_MOST_OF_ONE} answers for you are being written, in other conversations."
            raise InUse(said, remedy="Wait for one of them, or stop it.")
        if len(self._working) >= _MOST_AT_ONCE:
            raise InUse(f"{_MOST_AT_ONCE} answers are being written.", remedy="Wait a moment, and ask again.")

    def stop(self, p: Principal, subject: str, turn_id: str) -> Turn:
        """End a turn that is at work. Raises UnknownName."""
        with self._lock:
            id_, working = self._working.get((p.id, subject), ("", None))
        if working is not None and id_ == turn_id:
            working.stop()
        return self._store.change(
            p,
            subject,
            turn_id,
            lambda one: (
                replace(one, status="stopped", problem="You have stopped this answer.")
                if one.status == "working"
                else one
            ),
        )

    def close(self) -> None:
        """Stop all turns."""
        with self._lock:
            every = [one for _, one in self._working.values()]
        for one in every:
            one.stop()

    def _work(self, p: Principal, subject: str, turn: Turn, working: Working, sent: list[dict[str, Any]]) -> None:
        kept = turn
        try:
            ended = working.work(sent)
            box = working.toolbox
            kept = self._store.change(
                p,
                subject,
                turn.id,
                lambda one: replace(
                    one,
                    # Somebody may have stopped it meanwhile, also in another process.
                    status=one.status if one.status != "working" else ended.status,
                    problem=one.problem or ended.problem,
                    parts=working.parts,
                    calls=working.calls,
                    usage=working.usage,
                    repairs=box.repairs,
                    seconds=round(working.seconds, 3),
                    sent=replace(one.sent, steps_with_values=box.values_sent, from_outside=box.from_outside),
                ),
            )
        except UnknownName:
            pass  # the conversation was deleted
        finally:
            self._release(p, subject)
            working.feed.tell("done", kept)
            working.feed.is_over = True

    def _release(self, p: Principal, subject: str) -> None:
        with self._lock:
            self._working.pop((p.id, subject), None)

    def _as_it_is(self, p: Principal, subject: str, turn: Turn) -> Turn:
        if turn.status != "working":
            return turn
        with self._lock:
            if self._working.get((p.id, subject), ("", None))[0] == turn.id:
                return turn
        over_at = moment_of(turn.at) + timedelta(seconds=turn.most_seconds + _GRACE_SECONDS)
        return turn if self._clock() < over_at else replace(turn, status="failed", problem=_LOST)


def checked_words(asked: str) -> str:
    """Return what a person asks, without blanks around it. Raises InvalidInput."""
    said = asked.strip()
    if not said or len(said) > LONGEST_ASKED:
        raise InvalidInput(
            f"A question has 1 to {LONGEST_ASKED:,} characters, this one {len(said):,}.",
            remedy="Say it in words of this length.",
            field="text",
        )
    return said


def _busy() -> InUse:
    return InUse("An answer in this conversation is being written.", remedy="Wait for it, or stop it.")
