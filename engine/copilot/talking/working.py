"""A turn at work: it asks the model, uses the tools that the model calls, and ends by itself or at a limit."""

from __future__ import annotations

import concurrent.futures
import json
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import Struct, field

from clients.errors import BadAnswer, ServiceError
from engine.base.errors import OrchestraError
from engine.copilot.talking.cleaning import parts_of
from engine.copilot.talking.records import AnswerPart, TurnLimits, TurnStatus, TurnTokens, UsedTool
from engine.copilot.talking.used import ToolOutcome, TurnSpending, TurnTools
from engine.outgoing.hidden_characters import shown
from engine.store.journal import JournalBroken

if TYPE_CHECKING:
    from engine.connections.accounts import Account
    from engine.copilot.talking.model import CopilotModel

Cost: TypeAlias = Callable[[tuple[str, ...], int, int, tuple[int, int]], float | None]
"""Returns the dollars of a call: models, input and output tokens, and of the input those read from and into a cache."""
_LOOK_SECONDS = 1.0
"""How often a silent server is looked at."""
_NO_JSON = "Your last call was no whole JSON object. Make it again, whole."


class TurnStopped(Exception):
    """The person has stopped the turn, or its time is over."""


class TurnFeed(Struct):
    """What happens in a turn, for whoever watches; any thread."""

    events: list[tuple[str, Any]] = field(default_factory=list)
    is_over: bool = False

    def tell(self, event: str, data: Any) -> None:
        """Add an event."""
        self.events.append((event, data))


class TurnEnd(Struct):
    """How a turn ended."""

    status: TurnStatus
    problem: str = ""


class Working(Struct):
    """One turn; used by the thread that works, except `stop`."""

    model: CopilotModel
    account: Account
    toolbox: TurnTools
    limits: TurnLimits
    cost: Cost
    feed: TurnFeed
    parts: list[AnswerPart] = field(default_factory=list)
    calls: list[UsedTool] = field(default_factory=list)
    usage: TurnTokens = field(default_factory=TurnTokens)
    _stop: threading.Event = field(default_factory=threading.Event)
    _asked: concurrent.futures.Future[Any] | None = None
    _began: float = field(default_factory=time.monotonic)
    _complaint: str = ""
    _unfinished: str = ""
    _heard_at: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return time.monotonic() - self._began

    @property
    def _seconds_left(self) -> float:
        return max(0.0, self.limits.seconds - self.seconds)

    def stop(self) -> None:
        """End the turn: nothing more is asked, and an answer under way is dropped."""
        self._stop.set()
        if self._asked is not None:
            self._asked.cancel()

    def work(self, messages: list[dict[str, Any]]) -> TurnEnd:
        """Ask until the model has nothing more to do. Raises nothing that a model or a service can cause."""
        try:
            return self._until_done(messages)
        except (TurnStopped, concurrent.futures.CancelledError):
            return TurnEnd("stopped", "You have stopped this answer.") if self._stop.is_set() else self._late()
        except JournalBroken as broken:
            return TurnEnd("failed", str(broken.error))
        except (OrchestraError, ServiceError) as error:
            if self.seconds >= self.limits.seconds:
                return self._late()
            return TurnEnd("failed", f"{error.message} {error.remedy}".strip())

    def _until_done(self, messages: list[dict[str, Any]]) -> TurnEnd:
        for _ in range(self.limits.calls):
            self._require_time()
            if self._charged() >= self.limits.tokens:
                return self._limited(f"{self.limits.tokens:,} tokens")
            answer = self._answer(messages)
            if answer is None:  # its call could not be read
                ended = self._complained(_NO_JSON)
                if ended is not None:
                    return ended
                messages.append({"role": "user", "content": _NO_JSON})
                continue
            self._add_words(answer["text"])
            if not answer["tool_calls"]:
                return self._done()
            messages.append(self.toolbox.form.said(answer))
            ended = self._use_tools(answer["tool_calls"], messages)
            if ended is not None:
                return ended
        return self._limited(f"{self.limits.calls} questions to the model")

    def _answer(self, messages: list[dict[str, Any]]) -> dict[str, Any] | None:
        """Return the model's answer, None if a call in it is not JSON."""
        form, self._heard_at = self.toolbox.form, time.monotonic()
        self._asked = self.model.ask(self.account, form.question(messages, self._seconds_left, self._heard))
        try:
            while not concurrent.futures.wait([self._asked], timeout=_LOOK_SECONDS).done:
                self._require_time()
            answer = self._asked.result()
        except BadAnswer as error:
            if error.usage is not None:
                self._count({"model": error.model, "usage": error.usage})
            if not error.is_call:
                raise
            return None
        finally:
            self._asked.cancel()  # of no effect on an answer that is there
            self._asked = None
        self._count(answer)
        return form.read(answer)

    def _heard(self, text: str) -> None:
        self._require_time()
        self._heard_at = time.monotonic()
        if text:
            self.feed.tell("text", {"text": shown(text)[0]})

    def _require_time(self) -> None:
        if self._stop.is_set() or self.seconds >= self.limits.seconds or self._is_silent:
            raise TurnStopped

    @property
    def _is_silent(self) -> bool:
        most = self.limits.silent_seconds
        return most is not None and time.monotonic() - self._heard_at >= most

    def _count(self, answer: dict[str, Any]) -> None:
        used = answer["usage"]
        cached = used.get("cached_tokens", 0), used.get("cache_written_tokens", 0)
        more = self.cost((answer["model"],), used["input_tokens"], used["output_tokens"], cached)
        before = self.usage
        self.usage = TurnTokens(
            before.input_tokens + used["input_tokens"],
            before.cached_tokens + used.get("cached_tokens", 0),
            before.output_tokens + used["output_tokens"],
            None if more is None or before.cost_usd is None else before.cost_usd + more,
        )

    def _charged(self) -> int:
        return self.usage.tokens - self.usage.cached_tokens

    def _add_words(self, text: str) -> None:
        for part in map(self.toolbox.placed, parts_of(text)):
            self.add(part)

    def add(self, part: AnswerPart) -> None:
        """Add a part to the answer."""
        self.parts.append(part)
        self.feed.tell("part", asdict(part))

    def _use_tools(self, wanted: list[dict[str, Any]], messages: list[dict[str, Any]]) -> TurnEnd | None:
        """Use the tools, and add what they say; return how the turn ends, if it does."""
        ends = False
        for one in wanted:
            self._require_time()
            used = self.toolbox.use(one["name"], one["arguments"], TurnSpending(self.usage, self._seconds_left))
            self._note(used)
            ends = ends or used.ends or (self.toolbox.form.ends_with_proposal and not used.is_repair)
            told = used.answer if isinstance(used.answer, str) else json.dumps(used.answer, ensure_ascii=False)
            messages.append(self.toolbox.form.told(one["id"], told))
            ended = self._complained(used.complaint, used.unfinished) if used.is_repair else None
            if ended is not None:
                return ended
        return TurnEnd("done") if ends else None

    def _note(self, used: ToolOutcome) -> None:
        call = replace(used.call, words=shown(used.call.words)[0])
        self.calls.append(call)
        self.feed.tell("call", asdict(call))
        if used.part is None:
            return
        if used.part.kind == "proposal":
            self._unfinished, self._complaint = "", ""
            self.feed.tell("proposal", {"id": used.part.proposal_id})
        self.add(used.part)

    def _complained(self, complaint: str, unfinished: str = "") -> TurnEnd | None:
        """Count a call that has to be mended; return how the turn ends if this was the last or the same again."""
        self._unfinished = unfinished or self._unfinished
        is_same = complaint == self._complaint
        self._complaint = complaint
        if not is_same and self.toolbox.repairs < self.limits.repairs:
            self.toolbox.repairs += 1
            return None
        why = "the same is wrong again" if is_same else f"it was mended {self.limits.repairs} times"
        return self._unfinished_at(f"The model's answer cannot be used, and {why}. Say it in other words, or in parts.")

    def _done(self) -> TurnEnd:
        return TurnEnd("done") if not self._unfinished else self._unfinished_at("The model gave up.")

    def _limited(self, what: str) -> TurnEnd:
        return self._unfinished_at(f"The answer has reached its limit of {what}. Ask for less at a time.")

    def _late(self) -> TurnEnd:
        if self._is_silent:
            return self._limited(f"{self.limits.silent_seconds:g} seconds without a word")
        return self._limited(f"{self.limits.seconds:g} seconds")

    def _unfinished_at(self, problem: str) -> TurnEnd:
        if self._unfinished:
            self.parts.append(AnswerPart("proposal", proposal_id=self._unfinished))
            self.feed.tell("proposal", {"id": self._unfinished})
        return TurnEnd("limited", problem)
